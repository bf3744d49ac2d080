/**
 * JSON values, and one exact spelling out. `storedJson` writes the form of a ledger line; `canonicalJson` is RFC 8785.
 *
 *   {"b":1.0,"a":"\u0085"}  →  storedJson: {"b":1,"a":"\u0085"}   canonicalJson: {"a":"<raw U+0085>","b":1}
 */
import { LedgerError } from './errors';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = Map<string, Json>;

export const MAX_DEPTH = 64;

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const NEEDS_ESCAPE = /["\\\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
// eslint-disable-next-line no-control-regex -- as above
const EACH_ESCAPE = /["\\\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/** Four hex digits of a UTF-16 unit. */
export const hex4 = (unit: number): string => unit.toString(16).padStart(4, '0');
const escapeUnit = (unit: string): string => SHORT[unit] ?? `\\u${hex4(unit.charCodeAt(0))}`;

/** A string as a ledger line holds it: every control and every bidirectional mark escaped, so that a line is safe on a terminal. */
export function storedString(value: string): string {
  return NEEDS_ESCAPE.test(value) ? `"${value.replace(EACH_ESCAPE, escapeUnit)}"` : `"${value}"`;
}

/** A value as a ledger line holds it: no spaces, members in the order given, numbers as RFC 8785. */
export function storedJson(value: Json): string {
  return write(value, storedString, (members) => [...members.keys()]);
}

/** A value in canonical form, RFC 8785: members sorted by UTF-16 units, the fewest escapes. */
export function canonicalJson(value: Json): string {
  return write(value, JSON.stringify, (members) => [...members.keys()].sort());
}

function write(value: Json, string: (text: string) => string, keys: (members: JsonObject) => string[]): string {
  if (typeof value === 'string') return string(value);
  if (value === null || typeof value !== 'object') return String(value === 0 ? 0 : value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, string, keys)).join(',')}]`;
  const members = keys(value).map((key) => `${string(key)}:${write(value.get(key) as Json, string, keys)}`);
  return `{${members.join(',')}}`;
}

/**
 * A JavaScript value as JSON, by the same rules as `parseJson`; members that are `undefined` are left out.
 * @throws LedgerError MEMBER_TYPE for what JSON cannot hold (functions, bigint, NaN, class instances), JSON_SURROGATE, JSON_DEPTH
 */
export function toJson(value: unknown, depth = 1): Json {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new LedgerError('JSON_SURROGATE', 'expected Unicode text, found a lone surrogate');
    return value;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new LedgerError('JSON_NUMBER', `expected a finite number, found ${value}`);
    return value;
  }
  if (typeof value !== 'object') throw new LedgerError('MEMBER_TYPE', `expected a JSON value, found ${typeof value}`);
  if (depth > MAX_DEPTH)
    throw new LedgerError('JSON_DEPTH', `expected at most ${MAX_DEPTH} levels of nesting, found more`);
  // Array.from also visits the holes of a sparse array, which would be written as nothing at all.
  if (Array.isArray(value)) return Array.from(value as unknown[], (item) => toJson(item, depth + 1));
  const entries = value instanceof Map ? [...(value as Map<unknown, unknown>)] : plainEntries(value);
  const members: JsonObject = new Map();
  for (const [key, item] of entries) {
    if (typeof key !== 'string')
      throw new LedgerError('MEMBER_TYPE', `expected member names that are strings, found a ${typeof key}`);
    if (item !== undefined) members.set(toJson(key) as string, toJson(item, depth + 1));
  }
  return members;
}

function plainEntries(value: object): [string, unknown][] {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new LedgerError(
      'MEMBER_TYPE',
      `expected a plain object, found ${classOf(value)}; convert it to JSON values first`,
    );
  }
  return Object.entries(value);
}

function classOf(value: object): string {
  return typeof value.constructor === 'function' ? `a ${value.constructor.name}` : 'another one';
}
