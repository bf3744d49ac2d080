/**
 * Finds chosen top-level members in the bytes of a JSON line: one pass, no object. Used where a million lines are read
 * for a few members each.
 *
 *   new SlotReader(['agent']).find({"seq":1,"agent":"a","payload":{"agent":"b"}})  →  slot 0 is "a"
 *
 * Any JSON object is taken: one that the pass cannot follow (a member name with escapes, deep nesting) goes through
 * `JSON.parse` and is spelled again. A member that stands there twice is its last, as everywhere in JavaScript.
 */
import { BACKSLASH, CLOSE, COLON, COMMA, matches, OPEN, QUOTE } from './jsonBytes';
import { skipSpace, skipString, skipValue } from './jsonBytes';

const MISSING = -1;
const SPACE = 0x20;
const PLACES = 32 << 7;
/** 1 inside a string, up to a quote, a backslash or a control. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
const OTHER = -1;
/** Texts of one length that only the ledger sets, with their quotes: stepped over, they are a third of a row's bytes. */
const FIXED: Readonly<Record<string, number>> = {
  hash: 66,
  prev_hash: 66,
  run_prev_hash: 66,
  decision_prev_hash: 66,
  content_hash: 66,
  nonce: 24,
  id: 28,
};
/** Texts that are remembered, a power of two: agents and actions repeat, run ids do so in runs. */
const REMEMBERED = 4096;

interface Candidate {
  readonly name: Uint8Array;
  readonly slot: number;
  /** How many bytes the value has with its quotes, where that is known; else 0. */
  readonly bytes: number;
}

export class SlotReader {
  /** The names that are looked for, by `placeOf`. */
  private readonly candidates: (Candidate[] | undefined)[] = new Array<undefined>(PLACES).fill(undefined);
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;
  private bytes: Buffer = Buffer.alloc(0);
  private readonly remembered: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] =
    new Array<undefined>(REMEMBERED).fill(undefined);

  constructor(names: readonly string[]) {
    this.starts = new Int32Array(names.length);
    this.ends = new Int32Array(names.length);
    names.forEach((name, slot) => this.look(name, slot, 0));
    for (const [name, bytes] of Object.entries(FIXED)) if (!names.includes(name)) this.look(name, OTHER, bytes);
  }

  private look(text: string, slot: number, bytes: number): void {
    const name = Buffer.from(JSON.stringify(text).slice(1, -1));
    const place = placeOf(name.length, name[0] ?? QUOTE);
    (this.candidates[place] ??= []).push({ name, slot, bytes });
  }

  /** Finds the members in the line `[start, end)`; false where it is no JSON object. Valid until the next call. */
  find(bytes: Buffer, start: number, end: number): boolean {
    this.bytes = bytes;
    if (this.walk(start, end, false)) return true;
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

  /**
   * Follows `{"name":value,…}` up to `end`. The two loops over plain bytes stand here and not in a function, and a name
   * is compared only where its length and first letter fit: half the time of a line.
   */
  private walk(start: number, end: number, escapedNames: boolean): boolean {
    const { bytes, candidates } = this;
    this.starts.fill(MISSING);
    if (bytes[start] !== OPEN) return false;
    let at = skipSpace(bytes, start + 1);
    if (bytes[at] === CLOSE) return at + 1 === end;
    for (;;) {
      if (bytes[at] !== QUOTE) return false;
      const name = ++at;
      while (PLAIN[bytes[at] as number] === 1) at++;
      if (bytes[at] !== QUOTE) {
        at = escapedNames ? skipString(bytes, name) - 1 : -1;
        if (at < 0) return false;
      }
      const likely = candidates[placeOf(at - name, bytes[name] as number)];
      const known = likely === undefined ? undefined : named(likely, bytes, name, at);
      if (bytes[++at] !== COLON) at = skipSpace(bytes, at);
      if (bytes[at] !== COLON) return false;
      if ((bytes[++at] as number) <= SPACE) at = skipSpace(bytes, at);
      const value = at;
      if (bytes[at] !== QUOTE) at = skipValue(bytes, at, 2);
      else if (known !== undefined && known.bytes > 0 && bytes[at + known.bytes - 1] === QUOTE) at += known.bytes;
      else {
        at++;
        while (PLAIN[bytes[at] as number] === 1) at++;
        at = bytes[at] === QUOTE ? at + 1 : skipString(bytes, at);
      }
      if (at < 0) return false;
      if (known !== undefined && known.slot >= 0) {
        this.starts[known.slot] = value;
        this.ends[known.slot] = at;
      }
      if ((bytes[at] as number) <= SPACE) at = skipSpace(bytes, at);
      if (bytes[at] === CLOSE) return at + 1 === end;
      if (bytes[at] !== COMMA) return false;
      if ((bytes[++at] as number) <= SPACE) at = skipSpace(bytes, at);
    }
  }
}

/** A place for names of a length and first letter; longer names share places, which costs a comparison and no more. */
function placeOf(length: number, first: number): number {
  return ((length & 31) << 7) | (first & 127);
}

function named(likely: readonly Candidate[], bytes: Buffer, from: number, to: number): Candidate | undefined {
  for (const candidate of likely) {
    if (candidate.name.length === to - from && matches(bytes, from, candidate.name)) return candidate;
  }
  return undefined;
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
