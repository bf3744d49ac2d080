/**
 * The fixed parts of a stored row, read straight from its bytes: its end, its numbers, ids, times and hashes.
 * These are questions for the hot loop of `verify`; each answers "no" where the exact reading (storedLine.ts) must decide.
 */
import { bytesIn } from './byteTable';
import { sha256Hex } from './digest';
import { COMMA, QUOTE } from './jsonBytes';
import { HASH, PREV_HASH } from './lineScan';
import type { LineFacts } from './lineScan';
import { HASH_SUFFIX_BYTES } from './chain';
import { isStoredTime } from './time';

export const HASH_CHARS = 64;
export const ID_CHARS = 26;
const DATE_CHARS = 10;
export const TIME_CHARS = 24;
const CLOSE = 0x7d;
const ULID_CHAR = bytesIn('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
const HEX_DIGITS = '0123456789abcdef';
const HEX_VALUE = new Uint8Array(256).fill(0xff);
for (let digit = 0; digit < 16; digit++) HEX_VALUE[HEX_DIGITS.charCodeAt(digit)] = digit;

/** Whether the line ends as a row does, `,"prev_hash":"<64>","hash":"<64>"}`, in those very bytes. */
export function hasFixedEnd(bytes: Uint8Array, end: number, facts: LineFacts): boolean {
  return (
    (facts.seen & (1 << HASH)) !== 0 &&
    (facts.seen & (1 << PREV_HASH)) !== 0 &&
    facts.from[HASH] === end - 67 &&
    facts.to[HASH] === end - 1 &&
    bytes[end - HASH_SUFFIX_BYTES] === COMMA &&
    bytes[end - 67] === QUOTE &&
    facts.from[PREV_HASH] === end - 141 &&
    facts.to[PREV_HASH] === end - HASH_SUFFIX_BYTES &&
    bytes[end - 154] === COMMA &&
    bytes[end - 141] === QUOTE
  );
}

/** The hash of a line with a fixed end, `start` to `end` of these bytes. */
export function hashOfRange(bytes: Uint8Array, start: number, end: number): string {
  const comma = end - HASH_SUFFIX_BYTES;
  bytes[comma] = CLOSE;
  const hash = sha256Hex(bytes.subarray(start, comma + 1));
  bytes[comma] = COMMA;
  return hash;
}

/** A positive integer written plainly, or -1. */
export function integerAt(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 15 || bytes[from] === 0x30) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value > 0 ? value : -1;
}

/** Whether the string value at `from` (its opening quote) is this text, which must be plain ASCII. */
export function isTextAt(bytes: Uint8Array, from: number, text: string): boolean {
  if (bytes[from] !== QUOTE || bytes[from + 1 + text.length] !== QUOTE) return false;
  for (let i = 0; i < text.length; i++) if (bytes[from + 1 + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Whether two ranges of the same length hold the same bytes. */
export function sameBytes(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}

/** The same for two hashes: four bytes at a time take a third of the time. */
export function sameHash(view: DataView, a: number, b: number): boolean {
  for (let i = 0; i < HASH_CHARS; i += 4) if (view.getUint32(a + i) !== view.getUint32(b + i)) return false;
  return true;
}

/** Whether a value is an id of a row; `from` and `to` include the quotes. */
export function isUlidAt(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== ID_CHARS + 2 || bytes[from] !== QUOTE || (bytes[from + 1] as number) > 0x37) return false;
  for (let at = from + 1; at < to - 1; at++) if (ULID_CHAR[bytes[at] as number] === 0) return false;
  return true;
}

/** The order of two values of the same fixed length, four bytes at a time. */
export function compareFixed(view: DataView, a: number, b: number, length: number): number {
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const difference = view.getUint32(a + i) - view.getUint32(b + i);
    if (difference !== 0) return difference;
  }
  for (; i < length; i++) {
    const difference = view.getUint8(a + i) - view.getUint8(b + i);
    if (difference !== 0) return difference;
  }
  return 0;
}

let knownDate = '';

/** Whether a value is a moment in stored form; `from` and `to` include the quotes. */
export function isStoredTimeAt(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== TIME_CHARS + 2 || bytes[from] !== QUOTE) return false;
  // Rows of one day follow each other: the calendar is asked once a day, the clock part is compared digit by digit.
  for (let i = 0; i < DATE_CHARS; i++) {
    if (bytes[from + 1 + i] !== knownDate.charCodeAt(i)) return isNewDate(bytes, from, to);
  }
  return isClockAt(bytes, from + 1 + DATE_CHARS);
}

function isNewDate(bytes: Uint8Array, from: number, to: number): boolean {
  const text = String.fromCharCode(...bytes.subarray(from + 1, to - 1));
  if (!isStoredTime(text)) return false;
  knownDate = text.slice(0, DATE_CHARS);
  return true;
}

/** `T20:09:24.604Z` */
function isClockAt(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 0x54 &&
    twoDigits(bytes, at + 1) < 24 &&
    bytes[at + 3] === 0x3a &&
    twoDigits(bytes, at + 4) < 60 &&
    bytes[at + 6] === 0x3a &&
    twoDigits(bytes, at + 7) < 60 &&
    bytes[at + 9] === 0x2e &&
    twoDigits(bytes, at + 10) < 100 &&
    twoDigits(bytes, at + 11) < 100 &&
    bytes[at + 13] === 0x5a
  );
}

/** 100 where one of them is no digit. */
export function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 0x30;
  const ones = (bytes[at + 1] as number) - 0x30;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? 100 : tens * 10 + ones;
}

/** Writes the 32 bytes of a hex digest; false where it is not lower-case hex. */
export function unhex(bytes: Uint8Array, from: number, target: Uint8Array, at: number): boolean {
  for (let i = 0; i < 32; i++) {
    const high = HEX_VALUE[bytes[from + 2 * i] as number] as number;
    const low = HEX_VALUE[bytes[from + 2 * i + 1] as number] as number;
    if ((high | low) > 15) return false;
    target[at + i] = (high << 4) | low;
  }
  return true;
}
