/**
 * One pass over the bytes of a line: is it a complete JSON object, and where do the members lie that a checker needs?
 * Nothing is decoded and nothing allocated; the answer is offsets into the same bytes.
 *
 *   {"seq":2,"ts":"2026-…","id":"01J…",…,"payload":{…},…,"prev_hash":"9f…","hash":"41…"}
 *          ^ from[SEQ]                             ^ from[PAYLOAD]                     ^ returned end
 *
 * The scanner accepts nothing that JSON.parse refuses (of a line in valid UTF-8). It gives up, with -1, on what no
 * writer of ours spells: spaces around the object, nesting deeper than 64. Whether such a line is torn or merely no row
 * is for `rowText.ts` to say.
 */
import {
  BACKSLASH,
  CANONICAL,
  CLOSE,
  COLON,
  COMMA,
  matches,
  OPEN,
  OTHERWISE,
  QUOTE,
  scanned,
  skipSpace,
  skipString,
  skipValue,
} from './jsonBytes';
import { storedString } from './json';

const NEWLINE = 0x0a;
const OTHER = -1;

/**
 * The top-level members that are noted; the number is the index into `from` and `to`. Nobody asks where `cost_usd` and
 * `provenance` lie, 15 and 16: they are noted since a row that has one of them twice is read differently by two readers.
 */
export const SEQ = 0;
export const TS = 1;
export const ID = 2;
export const ACTION = 3;
export const RUN_ID = 4;
export const RUN_SEQ = 5;
export const RUN_PREV_HASH = 6;
export const DECISION_ID = 7;
export const DECISION_SEQ = 8;
export const DECISION_PREV_HASH = 9;
export const PAYLOAD = 10;
export const CONTENT_HASH = 11;
export const PREV_HASH = 12;
export const HASH = 13;
export const OCCURRED_AT = 14;
export const IDEMPOTENCY_KEY = 17;
export const SPILL_ID = 18;
export const SIGNATURE = 19;
const NOTED = [
  'seq',
  'ts',
  'id',
  'action',
  'run_id',
  'run_seq',
  'run_prev_hash',
  'decision_id',
  'decision_seq',
  'decision_prev_hash',
  'payload',
  'content_hash',
  'prev_hash',
  'hash',
  'occurred_at',
  'cost_usd',
  'provenance',
  'idempotency_key',
  'spill_id',
  'signature',
];

const NAME_BYTES: readonly Uint8Array[] = NOTED.map((name) => new TextEncoder().encode(name));

/** Which noted member a name may be, by its length and first letter: no two share both, so one comparison is enough. */
const MAX_NAME_BYTES = 31;
const CANDIDATES = new Int8Array((MAX_NAME_BYTES + 1) << 8).fill(OTHER);
NAME_BYTES.forEach((name, member) => {
  CANDIDATES[(name.length << 8) | (name[0] as number)] = member;
});

/** A hash with its quotes. */
const HASH_VALUE_BYTES = 66;
const HASH_BITS = memberBits(RUN_PREV_HASH, DECISION_PREV_HASH, CONTENT_HASH, PREV_HASH, HASH);

/** What was found in a line; reused from line to line. `from` and `to` hold only where `seen` has the member's bit. */
export interface LineFacts {
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** One bit for each noted member. */
  seen: number;
  /** Whether a noted member stands there twice, or a member name is spelled with escapes that it does not need. */
  ambiguous: boolean;
  /** CANONICAL, UNSORTED or OTHERWISE: the form of the payload. */
  form: number;
  /**
   * Whether what stands in the place of a hash is stepped over unread, a third of a row's bytes. Only for a caller that
   * compares every one of them, byte by byte, with a hash it knows.
   */
  readonly stepsOverHashes: boolean;
}

/** A set of noted members, as `seen` holds it. */
export function memberBits(...members: number[]): number {
  return members.reduce((all, one) => all | (1 << one), 0);
}

export function newLineFacts(options: { readonly stepsOverHashes: boolean }): LineFacts {
  return {
    from: new Int32Array(NOTED.length),
    to: new Int32Array(NOTED.length),
    seen: 0,
    ambiguous: false,
    form: CANONICAL,
    stepsOverHashes: options.stepsOverHashes,
  };
}

/**
 * Scans the line that begins at `start`.
 * @param bytes where the line ends there is a newline, or the bytes end too
 * @returns the offset after the line's last byte (where its newline is), or -1 where it is not such a JSON object
 */
export function scanLine(bytes: Uint8Array, start: number, facts: LineFacts): number {
  facts.seen = 0;
  facts.ambiguous = false;
  facts.form = CANONICAL;
  if (bytes[start] !== OPEN) return -1;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE) return endOfLine(bytes, at + 1);
  for (;;) {
    if (bytes[at] !== QUOTE) return -1;
    const keyFrom = at + 1;
    at = skipString(bytes, keyFrom);
    if (at < 0) return -1;
    const member = memberAt(bytes, keyFrom, at - 1, facts);
    at = skipSpace(bytes, at);
    if (bytes[at] !== COLON) return -1;
    const from = skipSpace(bytes, at + 1);
    scanned.form = CANONICAL;
    if (bytes[from] !== QUOTE) at = skipValue(bytes, from, 2);
    else if (member >= 0 && isHashToStepOver(bytes, from, member, facts)) at = from + HASH_VALUE_BYTES;
    else at = skipString(bytes, from + 1);
    if (at < 0) return -1;
    if (member !== OTHER) note(facts, member, from, at);
    at = skipSpace(bytes, at);
    if (bytes[at] === CLOSE) return endOfLine(bytes, at + 1);
    if (bytes[at] !== COMMA) return -1;
    at = skipSpace(bytes, at + 1);
  }
}

function note(facts: LineFacts, member: number, from: number, to: number): void {
  const bit = 1 << member;
  if ((facts.seen & bit) !== 0) facts.ambiguous = true;
  facts.seen |= bit;
  facts.from[member] = from;
  facts.to[member] = to;
  if (member === PAYLOAD) facts.form = scanned.form;
}

function endOfLine(bytes: Uint8Array, at: number): number {
  return at === bytes.length || bytes[at] === NEWLINE ? at : -1;
}

function isHashToStepOver(bytes: Uint8Array, from: number, member: number, facts: LineFacts): boolean {
  return facts.stepsOverHashes && ((HASH_BITS >> member) & 1) === 1 && bytes[from + HASH_VALUE_BYTES - 1] === QUOTE;
}

function memberAt(bytes: Uint8Array, from: number, to: number, facts: LineFacts): number {
  if (scanned.form === OTHERWISE && hasBackslash(bytes, from, to) && !isPlainly(bytes, from, to))
    facts.ambiguous = true;
  if (to - from > MAX_NAME_BYTES) return OTHER;
  const candidate = CANDIDATES[((to - from) << 8) | (bytes[from] as number)] as number;
  if (candidate === OTHER || !matches(bytes, from, NAME_BYTES[candidate] as Uint8Array)) return OTHER;
  return candidate;
}

function hasBackslash(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === BACKSLASH) return true;
  return false;
}

const names = new TextDecoder();

/** Whether a name with escapes is spelled as the writer spells it: then it is no noted member in disguise. */
function isPlainly(bytes: Uint8Array, from: number, to: number): boolean {
  const raw = `"${names.decode(bytes.subarray(from, to))}"`;
  try {
    return storedString(JSON.parse(raw) as string) === raw;
  } catch {
    return false;
  }
}
