/**
 * Finds chosen top-level members in the bytes of a JSON line: one pass, no object. Used where a million lines are read
 * for a few members each.
 *
 *   new SlotReader(['agent']).find({"seq":1,"agent":"a","payload":{"agent":"b"}})  →  slot 0 is "a"
 *
 * Any JSON object is taken, unless it is nested deeper than a row may be or has white space around it, which no row has:
 * one that the pass cannot follow (a member name with escapes) goes through `JSON.parse` and is spelled again. A member that stands there twice is its last, as everywhere in JavaScript.
 */
import { keyOf, keyOfBytes } from './indexDigest';
import { BACKSLASH, CLOSE, COLON, COMMA, DOT, MINUS, NINE, OPEN, QUOTE, ZERO } from './jsonBytes';
import { CANONICAL, matches, OTHERWISE, scanned, skipSpace, skipString, skipValue, STOPS } from './jsonBytes';

const MISSING = -1;
/** Texts that are remembered, a power of two: agents and actions repeat, run ids do so in runs. Longer ones do not. */
const REMEMBERED = 4096;
const MAX_REMEMBERED_BYTES = 128;
/** So many digits are below 2^53. */
const SAFE_DIGITS = 15;

interface Candidate {
  readonly name: Uint8Array;
  readonly slot: number;
}

export class SlotReader {
  /** The names that are looked for, by their length in bytes. */
  private readonly byLength: (Candidate[] | undefined)[] = [];
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private bytes: Buffer = Buffer.alloc(0);
  private readonly remembered: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] =
    new Array<undefined>(REMEMBERED).fill(undefined);

  constructor(names: readonly string[]) {
    this.starts = new Int32Array(names.length);
    this.ends = new Int32Array(names.length);
    names.forEach((text, slot) => {
      const name = Buffer.from(JSON.stringify(text).slice(1, -1));
      while (this.byLength.length <= name.length) this.byLength.push(undefined);
      (this.byLength[name.length] ??= []).push({ name, slot });
    });
  }

  /** Finds the members in the line `[start, end)`; false where it is no JSON object. Valid until the next call. */
  find(bytes: Buffer, start: number, end: number): boolean {
    this.bytes = bytes;
    if (this.walk(start, end, false)) return true;
    if (bytes[start] !== OPEN || bytes[end - 1] !== CLOSE) return false;
    const respelled = respell(bytes.toString('utf8', start, end));
    if (respelled === undefined) return false;
    this.bytes = respelled;
    return this.walk(0, respelled.length, true);
  }

  has(slot: number): boolean {
    return this.starts[slot] !== MISSING;
  }

  /** Where the value of a slot stands in `raw`, quotes included. */
  range(slot: number): { readonly raw: Buffer; readonly start: number; readonly end: number } {
    return { raw: this.bytes, start: this.starts[slot] as number, end: this.ends[slot] as number };
  }

  /** The value of a slot: a string as it is, another value as its JSON text, null where there is none. */
  text(slot: number): string | null {
    const start = this.starts[slot] as number;
    if (start === MISSING) return null;
    const end = this.ends[slot] as number;
    const { bytes } = this;
    if (end - start > MAX_REMEMBERED_BYTES) return decode(bytes.toString('utf8', start, end));
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (hash * 31 + (bytes[at] as number)) | 0;
    const place = hash & (REMEMBERED - 1);
    const known = this.remembered[place];
    if (known !== undefined && known.bytes.length === end - start && matches(bytes, start, known.bytes))
      return known.text;
    const text = decode(bytes.toString('utf8', start, end));
    this.remembered[place] = { bytes: Uint8Array.prototype.slice.call(bytes, start, end), text };
    return text;
  }

  /** The value of a slot that is a string; null where there is none, or another value. */
  string(slot: number): string | null {
    return this.bytes[this.starts[slot] as number] === QUOTE ? this.text(slot) : null;
  }

  /** The key (indexDigest.ts) of a value that is a string; 0 where there is none, or another value. */
  key(slot: number): number {
    const start = this.starts[slot] as number;
    const { bytes } = this;
    if (bytes[start] !== QUOTE) return 0;
    const end = this.ends[slot] as number;
    // With an escape the bytes may not be those that are stored.
    for (let at = start; at < end; at++)
      if (bytes[at] === BACKSLASH) return keyOf(decode(bytes.toString('utf8', start, end)));
    return keyOfBytes(bytes, start + 1, end - 1);
  }

  /** The value of a slot that is a number; undefined where there is none, or another value. */
  number(slot: number): number | undefined {
    const start = this.starts[slot] as number;
    if (start === MISSING) return undefined;
    const { bytes } = this;
    const end = this.ends[slot] as number;
    const negative = bytes[start] === MINUS;
    let at = negative ? start + 1 : start;
    if (!isDigit(bytes[at])) return undefined;
    if (end - at > SAFE_DIGITS) return Number(bytes.toString('latin1', start, end));
    let digits = 0;
    let scale = 1;
    for (let point = false; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === DOT && !point) point = true;
      else if (!isDigit(byte)) return Number(bytes.toString('latin1', start, end));
      else {
        digits = digits * 10 + byte - ZERO;
        if (point) scale *= 10;
      }
    }
    // Exact whole numbers below 2^53: the quotient is the nearest double, as JSON.parse finds it.
    return negative ? -(digits / scale) : digits / scale;
  }

  /** The value of a slot that is a number of 1 to 15 digits, not 0; undefined where there is none, or another value. */
  positive(slot: number): number | undefined {
    const start = this.starts[slot] as number;
    const end = this.ends[slot] as number;
    if (start === MISSING || end - start > SAFE_DIGITS) return undefined;
    let value = 0;
    for (let at = start; at < end; at++) {
      const digit = (this.bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) return undefined;
      value = value * 10 + digit;
    }
    return value > 0 ? value : undefined;
  }

  /** Follows `{"key":value,…}` up to `end`. */
  private walk(start: number, end: number, escapedNames: boolean): boolean {
    const { bytes } = this;
    this.starts.fill(MISSING);
    if (bytes[start] !== OPEN) return false;
    let at = skipSpace(bytes, start + 1);
    if (bytes[at] === CLOSE) return at + 1 === end;
    for (;;) {
      if (bytes[at] !== QUOTE) return false;
      const name = at + 1;
      scanned.form = CANONICAL;
      at = skipString(bytes, name);
      if (at < 0 || (scanned.form === OTHERWISE && !escapedNames)) return false;
      const nameEnd = at - 1;
      const candidates = this.byLength[nameEnd - name];
      at = skipSpace(bytes, at);
      if (bytes[at] !== COLON) return false;
      const value = skipSpace(bytes, at + 1);
      const known = candidates === undefined ? undefined : this.named(candidates, name);
      at = bytes[value] === QUOTE ? stringEnd(bytes, value + 1, end) : skipValue(bytes, value, 2);
      if (at < 0) return false;
      if (known !== undefined) {
        this.starts[known.slot] = value;
        this.ends[known.slot] = at;
      }
      at = skipSpace(bytes, at);
      if (bytes[at] === CLOSE) return at + 1 === end;
      if (bytes[at] !== COMMA) return false;
      at = skipSpace(bytes, at + 1);
    }
  }

  private named(candidates: readonly Candidate[], name: number): Candidate | undefined {
    for (const candidate of candidates) if (matches(this.bytes, name, candidate.name)) return candidate;
    return undefined;
  }
}

/** `skipString` for values, which are long: four bytes a step, a third less time a line. */
function stringEnd(bytes: Buffer, from: number, end: number): number {
  let at = from;
  const last = end - 4;
  while (
    at <= last &&
    ((STOPS[bytes[at] as number] as number) |
      (STOPS[bytes[at + 1] as number] as number) |
      (STOPS[bytes[at + 2] as number] as number) |
      (STOPS[bytes[at + 3] as number] as number)) ===
      0
  ) {
    at += 4;
  }
  return skipString(bytes, at);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function decode(raw: string): string {
  if (!raw.startsWith('"')) return raw;
  return raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1);
}

/** A JSON object in the spelling that the walk takes; undefined where the text is none. */
function respell(text: string): Buffer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Buffer.from(JSON.stringify(value));
  } catch {
    // Not JSON, or nested so deeply that no row is: the caller counts the line as broken.
    return undefined;
  }
}
