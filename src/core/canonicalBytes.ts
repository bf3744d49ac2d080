/**
 * The SHA-256 of a stored payload in canonical form (RFC 8785), mostly without parsing it: the bytes of a stored payload
 * are canonical but for the order of members, so members are sorted as slices. What could be spelled otherwise (escapes,
 * unusual numbers, names beyond ASCII) goes the exact way: parse, write canonically.
 *
 *   {"b":1,"a":{"d":2,"c":3}}  →  {"a":{"c":3,"d":2},"b":1}
 */
import { sha256Hex } from './digest';
import { canonicalJson } from './json';
import { parseJson } from './parseJson';
import {
  BACKSLASH,
  CANONICAL,
  CLOSE,
  CLOSE_LIST,
  COMMA,
  OPEN,
  OPEN_LIST,
  OTHERWISE,
  QUOTE,
  skipString,
  skipValue,
} from './jsonBytes';
import { MAX_LINE_BYTES } from './row';

/** An object with more members is left to the exact way: sorting here is by insertion. */
const MAX_SORTED_MEMBERS = 64;
const MEMBER_FIELDS = 3;
/** Members of all objects that are open at once: key, value, end. */
const members = new Int32Array((MAX_SORTED_MEMBERS + 1) * MEMBER_FIELDS * 70);

/**
 * @param payload a JSON object that `scanLine` accepted, and the form it found
 * @throws LedgerError where the payload has no canonical form (a duplicate key, a number that a double would change)
 */
export function payloadSha256(
  bytes: Uint8Array,
  payload: { readonly from: number; readonly to: number; readonly form: number },
): string {
  if (payload.form === CANONICAL) return sha256Hex(bytes.subarray(payload.from, payload.to));
  if (payload.form !== OTHERWISE && payload.to - payload.from <= MAX_LINE_BYTES) {
    const length = sorted(bytes, payload.from);
    if (length >= 0) return sha256Hex(output.subarray(0, length));
  }
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
    bytes.subarray(payload.from, payload.to),
  );
  return sha256Hex(canonicalJson(parseJson(text)));
}

let output = new Uint8Array(16 << 10);
let outputAt = 0;

/** The length of the canonical form in `output`, or -1 where the exact way must decide. */
function sorted(bytes: Uint8Array, from: number): number {
  outputAt = 0;
  return emitObject(bytes, from, 0) < 0 ? -1 : outputAt;
}

function emitValue(bytes: Uint8Array, from: number, base: number): number {
  const first = bytes[from];
  if (first === OPEN) return emitObject(bytes, from, base);
  if (first === OPEN_LIST) return emitList(bytes, from, base);
  const to = skipValue(bytes, from, 0);
  copy(bytes, from, to);
  return to;
}

function emitList(bytes: Uint8Array, open: number, base: number): number {
  put(OPEN_LIST);
  let at = open + 1;
  while (bytes[at] !== CLOSE_LIST) {
    at = emitValue(bytes, at, base);
    if (at < 0) return -1;
    if (bytes[at] !== COMMA) break;
    put(COMMA);
    at++;
  }
  put(CLOSE_LIST);
  return at + 1;
}

function emitObject(bytes: Uint8Array, open: number, base: number): number {
  let at = open + 1;
  let top = base;
  while (bytes[at] !== CLOSE) {
    const value = skipString(bytes, at + 1) + 1;
    const end = skipValue(bytes, value, 0);
    if (!insert(bytes, base, top, at, value, end)) return -1;
    top += MEMBER_FIELDS;
    at = bytes[end] === COMMA ? end + 1 : end;
  }
  put(OPEN);
  for (let member = base; member < top; member += MEMBER_FIELDS) {
    if (member > base) put(COMMA);
    if (!emitMember(bytes, member, top)) return -1;
  }
  put(CLOSE);
  return at + 1;
}

function emitMember(bytes: Uint8Array, member: number, top: number): boolean {
  const key = members[member] as number;
  const value = members[member + 1] as number;
  if (bytes[value] !== OPEN && bytes[value] !== OPEN_LIST) {
    copy(bytes, key, members[member + 2] as number);
    return true;
  }
  copy(bytes, key, value);
  return emitValue(bytes, value, top) >= 0;
}

/** Puts a member where it belongs among those before it; false for a duplicate, or too many to sort here. */
function insert(bytes: Uint8Array, base: number, top: number, key: number, value: number, end: number): boolean {
  if (top - base >= MAX_SORTED_MEMBERS * MEMBER_FIELDS || top + MEMBER_FIELDS > members.length) return false;
  let slot = top;
  while (slot > base) {
    const before = slot - MEMBER_FIELDS;
    const order = compare(bytes, members[before] as number, key);
    if (order === 0) return false;
    if (order < 0) break;
    members.copyWithin(slot, before, slot);
    slot = before;
  }
  members[slot] = key;
  members[slot + 1] = value;
  members[slot + 2] = end;
  return true;
}

/**
 * Compares two names from their opening quotes on, in the order of RFC 8785. 0 also where bytes do not tell the order:
 * the first difference lies in an escape or beyond ASCII.
 */
function compare(bytes: Uint8Array, a: number, b: number): number {
  for (let i = 1; ; i++) {
    const x = bytes[a + i] as number;
    const y = bytes[b + i] as number;
    if (x === BACKSLASH || y === BACKSLASH) return 0;
    if (x === y && x !== QUOTE) continue;
    if (x === y) return 0;
    if (x === QUOTE) return -1;
    if (y === QUOTE) return 1;
    return x < 0x80 && y < 0x80 ? x - y : 0;
  }
}

function put(byte: number): void {
  if (outputAt === output.length) grow(1);
  output[outputAt++] = byte;
}

function copy(bytes: Uint8Array, from: number, to: number): void {
  if (outputAt + to - from > output.length) grow(to - from);
  // Names and scalars are short: a loop takes a third of the time of `set` on a view.
  if (to - from < 64) for (let at = from; at < to; at++) output[outputAt++] = bytes[at] as number;
  else {
    output.set(bytes.subarray(from, to), outputAt);
    outputAt += to - from;
  }
}

function grow(room: number): void {
  const larger = new Uint8Array(Math.max(output.length * 2, outputAt + room));
  larger.set(output);
  output = larger;
}
