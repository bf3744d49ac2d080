/**
 * Reading one line back, without trust: is it a whole JSON object at all, and if so, is it a row whose own hash is right?
 * A line that is not a complete JSON object is torn. A complete one with a wrong hash is tampering; nothing heals it, and
 * nothing one with white space around it: no writer puts it there, and taking that out gives every byte back.
 * One without what every row has is no row, whatever its hash: who reads a row here may rely on these members.
 */
import { declaredLinks, hashOfLine } from './chain';
import { isUlid } from './ids';
import { MAX_DEPTH } from './json';
import { CLOSE, OPEN, OPEN_LIST } from './jsonBytes';
import type { Row } from './members';
import { jsonText } from './printable';
import { isStoredTime } from './time';

export type LineReading =
  /** Not a complete JSON object: cut short, NUL bytes, garbage. */
  | { readonly kind: 'torn' }
  /** A whole row whose declared hash is the hash of its bytes. */
  | { readonly kind: 'row'; readonly row: Row }
  /** A tombstone: a named gap. Its hash is declared, not computed. */
  | {
      readonly kind: 'tombstone';
      readonly seq: number;
      readonly lastSeq: number;
      readonly prevHash: string;
      readonly hash: string;
    }
  /** A complete JSON object that is no row, or a row whose hash is wrong. */
  | { readonly kind: 'wrong'; readonly why: string };

const CR = 0x0d;

/** No row is longer; what is, is not looked into. */
const MAX_LOOKED_INTO_BYTES = 16 << 20;

/** @param line the bytes of one line without its newline */
export function readLine(line: Buffer): LineReading {
  const value = completeObject(line);
  if (value === undefined) return { kind: 'torn' };
  const around = whiteSpaceAround(line);
  if (around !== undefined) return { kind: 'wrong', why: `${nameOf(value)} has ${around}` };
  const links = declaredLinks(line);
  if (links === undefined) return { kind: 'wrong', why: 'a JSON object that does not end as a row does' };
  if (value['action'] === 'audit.tombstone') {
    const gap = missingRows(value);
    return gap === undefined
      ? { kind: 'wrong', why: 'a tombstone that does not say which rows are missing' }
      : { kind: 'tombstone', ...gap, ...links };
  }
  const hash = hashOfLine(line);
  const name = nameOf(value);
  if (hash !== links.hash) return { kind: 'wrong', why: `${name} declares hash ${links.hash}, its bytes give ${hash}` };
  const fault = memberFault(value);
  if (fault !== undefined) return { kind: 'wrong', why: `${name} lacks ${fault.want} (there: ${fault.got})` };
  if (isTooDeep(line, value)) return { kind: 'wrong', why: `${name} has more than ${MAX_DEPTH} levels of nesting` };
  return { kind: 'row', row: value as unknown as Row };
}

function nameOf(value: Readonly<Record<string, unknown>>): string {
  return seqOf(value['seq']) === undefined ? 'it' : `row ${String(value['seq'])}`;
}

/** The seq that a value is, or undefined. */
export function seqOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value < 1e15 ? value : undefined;
}

const SEQ_START = /^\{"seq":([0-9]{1,15}),/;
const SEQ_START_BYTES = 32;

/** The seq of a line that is a JSON object: from its start, where the writer puts it; undefined where it has none. */
export function seqOfLine(line: Buffer): number | undefined {
  const start = SEQ_START.exec(line.toString('latin1', 0, SEQ_START_BYTES));
  return start === null ? seqOf(completeObject(line)?.['seq']) : Number(start[1]);
}

/** The rows that a tombstone stands for. */
export function missingRows(
  value: Readonly<Record<string, unknown>>,
): { readonly seq: number; readonly lastSeq: number } | undefined {
  const seq = seqOf(value['seq']);
  const lastSeq = 'last_seq' in value ? seqOf(value['last_seq']) : seq;
  return seq === undefined || lastSeq === undefined || lastSeq < seq ? undefined : { seq, lastSeq };
}

/** What a row cannot be without. Its hash may be right all the same: then the wrong row was written, not altered. */
export function memberFault(
  value: Readonly<Record<string, unknown>>,
): { readonly want: string; readonly got: string } | undefined {
  const { seq, ts, id, action } = value;
  if (seqOf(seq) === undefined) return { want: 'a member "seq" from 1', got: shownValue(seq) };
  if (typeof ts !== 'string' || !isStoredTime(ts)) return { want: 'a member "ts" in stored form', got: shownValue(ts) };
  if (typeof id !== 'string' || !isUlid(id)) return { want: 'a member "id" that is a ULID', got: shownValue(id) };
  if (typeof action !== 'string') return { want: 'a member "action"', got: shownValue(action) };
  return placeFault(value, 'run_seq') ?? placeFault(value, 'decision_seq');
}

/** Further rows of a stream are counted on from there. */
function placeFault(
  value: Readonly<Record<string, unknown>>,
  place: string,
): { readonly want: string; readonly got: string } | undefined {
  if (!(place in value) || seqOf(value[place]) !== undefined) return undefined;
  return { want: `a member "${place}" from 1`, got: shownValue(value[place]) };
}

export function shownValue(value: unknown): string {
  return value === undefined ? 'none' : jsonText(value).slice(0, 200);
}

/**
 * The object that a line is, or undefined where it is not a complete JSON object. Invalid UTF-8 inside strings does not
 * make a line torn, nor does white space around the object: `whiteSpaceAround` tells of that.
 */
export function completeObject(line: Buffer): Record<string, unknown> | undefined {
  if (line.length > MAX_LOOKED_INTO_BYTES || !isBraced(line)) return undefined;
  try {
    return JSON.parse(line.toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** What stands around the object that a complete line is, in words; undefined: nothing, as the writer leaves it. */
export function whiteSpaceAround(line: Buffer): string | undefined {
  if (line[0] === OPEN && line.at(-1) === CLOSE) return undefined;
  if (line[0] === OPEN && line.at(-1) === CR && line.at(-2) === CLOSE)
    return 'a carriage return at its end: if all line ends were changed, dos2unix changes them back';
  return 'white space around it';
}

/** Whether the first and the last byte that are no white space are the braces of an object. */
function isBraced(line: Buffer): boolean {
  let from = 0;
  let to = line.length - 1;
  while (isSpace(line[from])) from++;
  while (to > from && isSpace(line[to])) to--;
  return line[from] === OPEN && line[to] === CLOSE;
}

/** JSON's white space, but for the newline that ends a line. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === CR;
}

/** Most rows hold no object and no list: that is seen at once. */
export function isTooDeep(line: Buffer, object: object): boolean {
  const mayNest = line.indexOf(OPEN, 1) > 0 || line.includes(OPEN_LIST);
  return mayNest && isDeeper(object, MAX_DEPTH);
}

export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const name in value) {
    if (isDeeper((value as Readonly<Record<string, unknown>>)[name], levels - 1)) return true;
  }
  return false;
}
