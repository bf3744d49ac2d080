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
const PLACES = 1024;
/** 1 inside a string, up to a quote, a backslash or a control. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
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
  /** The names that are looked for, by the lowest bits of their hash. */
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
    (this.candidates[hashOf(name) & (PLACES - 1)] ??= []).push({ name, slot, bytes });
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

  /** Follows `{"key":value,…}` up to `end`. */
  private walk(start: number, end: number, escapedNames: boolean): boolean {
    const { bytes } = this;
    this.starts.fill(MISSING);
    if (bytes[start] !== OPEN) return false;
    let at = skipSpace(bytes, start + 1);
    if (bytes[at] === CLOSE) return at + 1 === end;
    for (;;) {
      if (bytes[at] !== QUOTE) return false;
      const name = ++at;
      let hash = 0;
      for (let byte = bytes[at] as number; PLAIN[byte] === 1; byte = bytes[++at] as number)
        hash = (hash * 31 + byte) | 0;
      if (bytes[at] !== QUOTE) {
        at = escapedNames ? skipString(bytes, at) - 1 : MISSING;
        if (at < 0) return false;
      }
      // Few names are looked for: most places are empty, and nothing is compared.
      const likely = this.candidates[hash & (PLACES - 1)];
      const known = likely === undefined ? undefined : named(likely, bytes, name, at);
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== COLON) return false;
      const value = skipSpace(bytes, at + 1);
      if (bytes[value] !== QUOTE) at = skipValue(bytes, value, 2);
      else if (known !== undefined && known.bytes > 0 && bytes[value + known.bytes - 1] === QUOTE)
        at = value + known.bytes;
      else at = skipString(bytes, value + 1);
      if (at < 0) return false;
      if (known !== undefined && known.slot >= 0) {
        this.starts[known.slot] = value;
        this.ends[known.slot] = at;
      }
      at = skipSpace(bytes, at);
      if (bytes[at] === CLOSE) return at + 1 === end;
      if (bytes[at] !== COMMA) return false;
      at = skipSpace(bytes, at + 1);
    }
  }
}

function named(likely: readonly Candidate[], bytes: Buffer, from: number, to: number): Candidate | undefined {
  for (const candidate of likely) {
    if (candidate.name.length === to - from && matches(bytes, from, candidate.name)) return candidate;
  }
  return undefined;
}

/** The hash of a name up to its first escape, as `walk` computes it on the way. */
function hashOf(name: Uint8Array): number {
  let hash = 0;
  for (let i = 0; i < name.length && PLAIN[name[i] as number] === 1; i++) hash = (hash * 31 + (name[i] as number)) | 0;
  return hash;
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
