/**
 * The members of a JSON object with their values as they are spelled: who hands on a value hands on its text, so that no
 * number and no escape is written anew.
 *
 *   {"seq":2,"cost_usd":0.0000001,"payload":{"a":1}}  →  seq → `2`, cost_usd → `0.0000001`, payload → `{"a":1}`
 */
import { BACKSLASH, CLOSE, COLON, COMMA, OPEN, QUOTE, skipSpace, skipString, skipValue } from '../jsonBytes';
import { jsonText } from '../printable';
import { completeObject } from '../rowText';

export type RawMembers = ReadonlyMap<string, string>;

/** @param object the bytes of a JSON object; what is none, or nested deeper than a row may be, is spelled again or empty */
export function rawMembers(object: Buffer): RawMembers {
  return membersIn(object) ?? respelled(object);
}

/** The text that a raw value is; undefined where it is none. */
export function textIn(raw: string | undefined): string | undefined {
  return raw?.startsWith('"') === true ? (JSON.parse(raw) as string) : undefined;
}

function membersIn(bytes: Buffer): RawMembers | undefined {
  const members = new Map<string, string>();
  if (bytes[0] !== OPEN) return undefined;
  let at = skipSpace(bytes, 1);
  if (bytes[at] === CLOSE) return at + 1 === bytes.length ? members : undefined;
  for (;;) {
    if (bytes[at] !== QUOTE) return undefined;
    const nameEnd = skipString(bytes, at + 1);
    const colon = nameEnd < 0 ? -1 : skipSpace(bytes, nameEnd);
    if (bytes[colon] !== COLON) return undefined;
    const value = skipSpace(bytes, colon + 1);
    const end = skipValue(bytes, value, 2);
    if (end < 0) return undefined;
    members.set(nameIn(bytes, at, nameEnd), bytes.toString('utf8', value, end));
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE) return at + 1 === bytes.length ? members : undefined;
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1);
  }
}

function nameIn(bytes: Buffer, from: number, to: number): string {
  const name = bytes.toString('utf8', from + 1, to - 1);
  return bytes.subarray(from, to).includes(BACKSLASH) ? (JSON.parse(`"${name}"`) as string) : name;
}

function respelled(bytes: Buffer): RawMembers {
  const value = completeObject(bytes) ?? {};
  return new Map(Object.entries(value).map(([name, of]) => [name, jsonText(of)]));
}
