/**
 * JSON values as bytes: where does one end, and is it spelled as RFC 8785 would spell it? Nothing is decoded.
 *
 * Every function takes the offset where something begins and returns the offset after it, or -1 where it is not JSON.
 * The bytes must end in a newline or with the line: a newline stops everything here.
 */
import { bytesIn } from './byteTable';
import { MAX_DEPTH } from './json';

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_LIST = 0x5d;
export const OPEN = 0x7b;
export const CLOSE = 0x7d;
const LETTER_U = 0x75;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const ZERO = 0x30;
export const NINE = 0x39;

/** 1 where the inside of a string stops being plain: quote, backslash, control (so also the newline that ends the line). */
export const STOPS = bytesIn('"\\').fill(1, 0, 0x20);
/** What may follow a backslash; `u` has its own rule. */
const SIMPLE_ESCAPE = bytesIn('"\\/bfnrt');
const HEX_DIGIT = bytesIn('0123456789abcdefABCDEF');

/** How far a payload is from its RFC 8785 form. */
export const CANONICAL: number = 0;
/** Only the order of members differs. */
export const UNSORTED: number = 1;
/** A string, a number or a space that may be spelled otherwise. */
export const OTHERWISE: number = 2;

/**
 * The form of what was scanned since it was last set to CANONICAL. One shared object, because a second return value would
 * cost an allocation for every value of every line.
 */
export const scanned = { form: CANONICAL };

export function matches(bytes: Uint8Array, from: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[from + i] !== name[i]) return false;
  return true;
}

/** A writer puts no spaces, so this is nearly always one comparison. A newline ends the line and is no space here. */
export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while ((bytes[at] as number) <= 0x20) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) break;
    scanned.form = OTHERWISE;
    at++;
  }
  return at;
}

/** @returns the offset after the closing quote, or -1; `from` is the offset after the opening one */
export function skipString(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    // 0.9 ns a byte: the table spares three comparisons for each of them.
    while (STOPS[bytes[at] as number] === 0) at++;
    const stop = bytes[at];
    if (stop === QUOTE) return at + 1;
    if (stop !== BACKSLASH) return -1;
    at = skipEscape(bytes, at);
    if (at < 0) return -1;
  }
}

function skipEscape(bytes: Uint8Array, at: number): number {
  const letter = bytes[at + 1] as number;
  if (SIMPLE_ESCAPE[letter] === 1) {
    if (letter === 0x2f) scanned.form = OTHERWISE;
    return at + 2;
  }
  scanned.form = OTHERWISE;
  if (letter !== LETTER_U) return -1;
  for (let i = 2; i < 6; i++) if (HEX_DIGIT[bytes[at + i] as number] !== 1) return -1;
  return at + 6;
}

/** @returns the offset after the value that begins at `at`, or -1 */
export function skipValue(bytes: Uint8Array, at: number, depth: number): number {
  switch (bytes[at] as number) {
    case QUOTE:
      return skipString(bytes, at + 1);
    case OPEN:
      return depth > MAX_DEPTH ? -1 : skipObject(bytes, at, depth);
    case OPEN_LIST:
      return depth > MAX_DEPTH ? -1 : skipList(bytes, at, depth);
    case 0x74:
      return skipWord(bytes, at, TRUE);
    case 0x66:
      return skipWord(bytes, at, FALSE);
    case 0x6e:
      return skipWord(bytes, at, NULL);
    default:
      return skipNumber(bytes, at);
  }
}

const TRUE = new TextEncoder().encode('true');
const FALSE = new TextEncoder().encode('false');
const NULL = new TextEncoder().encode('null');

function skipWord(bytes: Uint8Array, at: number, word: Uint8Array): number {
  return matches(bytes, at, word) ? at + word.length : -1;
}

function skipObject(bytes: Uint8Array, open: number, depth: number): number {
  let at = skipSpace(bytes, open + 1);
  if (bytes[at] === CLOSE) return at + 1;
  let lastFrom = -1;
  let lastTo = -1;
  for (;;) {
    if (bytes[at] !== QUOTE) return -1;
    const keyFrom = at + 1;
    at = skipString(bytes, keyFrom);
    if (at < 0) return -1;
    if (lastFrom >= 0 && scanned.form !== OTHERWISE && compareKeys(bytes, lastFrom, lastTo, keyFrom, at - 1) >= 0)
      scanned.form = UNSORTED;
    lastFrom = keyFrom;
    lastTo = at - 1;
    at = skipSpace(bytes, at);
    if (bytes[at] !== COLON) return -1;
    at = skipValue(bytes, skipSpace(bytes, at + 1), depth + 1);
    if (at < 0) return -1;
    at = skipSpace(bytes, at);
    if (bytes[at] === CLOSE) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at = skipSpace(bytes, at + 1);
  }
}

function skipList(bytes: Uint8Array, open: number, depth: number): number {
  let at = skipSpace(bytes, open + 1);
  if (bytes[at] === CLOSE_LIST) return at + 1;
  for (;;) {
    at = skipValue(bytes, at, depth + 1);
    if (at < 0) return -1;
    at = skipSpace(bytes, at);
    if (bytes[at] === CLOSE_LIST) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at = skipSpace(bytes, at + 1);
  }
}

/**
 * Member names in the order of RFC 8785, as far as their bytes tell it: plain ASCII only. For the rest the answer is
 * "otherwise", and the exact way decides.
 */
function compareKeys(bytes: Uint8Array, aFrom: number, aTo: number, bFrom: number, bTo: number): number {
  const shared = Math.min(aTo - aFrom, bTo - bFrom);
  for (let i = 0; i < shared; i++) {
    const a = bytes[aFrom + i] as number;
    const b = bytes[bFrom + i] as number;
    if (a >= 0x80 || b >= 0x80 || a === BACKSLASH || b === BACKSLASH) {
      scanned.form = OTHERWISE;
      return -1;
    }
    if (a !== b) return a - b;
  }
  return aTo - aFrom - (bTo - bFrom);
}

/** Plain decimals of up to 15 digits are their own RFC 8785 form; anything else is left to the exact way. */
function skipNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  const whole = at;
  at = skipDigits(bytes, at);
  if (at === whole || (bytes[whole] === ZERO && at > whole + 1)) return -1;
  let plain = true;
  if (bytes[at] === DOT) {
    const fraction = at + 1;
    at = skipDigits(bytes, fraction);
    if (at === fraction) return -1;
    // 0.0000001 is written 1e-7: six places at most are surely plain, where the whole part is zero.
    plain = bytes[at - 1] !== ZERO && (bytes[whole] !== ZERO || at - fraction <= 6);
  } else if (start !== whole && bytes[whole] === ZERO) {
    plain = false;
  }
  if (((bytes[at] as number) | 0x20) === 0x65) {
    plain = false;
    const sign = bytes[at + 1];
    const exponent = at + (sign === MINUS || sign === 0x2b ? 2 : 1);
    at = skipDigits(bytes, exponent);
    if (at === exponent) return -1;
  }
  if (!plain || at - whole > 15) scanned.form = OTHERWISE;
  return at;
}

function skipDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
  return at;
}
