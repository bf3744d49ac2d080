/**
 * The numbers of a row that the index holds too, read off its bytes, so that `verify` can sum up the fingerprint of
 * `indexDigest.ts` while it checks the row. Only for rows that the scanner has found regular.
 */
import { costNanosOf, ROW_KINDS } from './costs';
import type { RowKind } from './costs';
import { accumulate, keyOfBytes } from './indexDigest';
import type { DigestRow, IndexDigest } from './indexDigest';
import { QUOTE } from './jsonBytes';
import * as member from './lineScan';
import type { LineFacts } from './lineScan';
import { isTextAt } from './rowBytes';
import { parseRfc3339 } from './time';

const PREFIX_DIGITS = 12;
const DAY_CHARS = 10;

/** Where a row stands, and what the caller has read of it already. */
export interface PlacedLine {
  readonly seq: number;
  /** The line in `bytes`. */
  readonly start: number;
  readonly end: number;
  /** Where it begins in its segment. */
  readonly offset: number;
  /** Whether its action begins with `audit.`. */
  readonly own: boolean;
}

/** Adds a row to a fingerprint. */
export function accumulateLine(digest: IndexDigest, bytes: Buffer, line: PlacedLine, facts: LineFacts): void {
  accumulate(digest, digestRow(bytes, line, facts));
}

function digestRow(bytes: Buffer, line: PlacedLine, facts: LineFacts): DigestRow {
  const tsMs = momentAt(bytes, facts, member.TS) ?? 0;
  const hash = line.end - 66;
  return {
    seq: line.seq,
    offset: line.offset,
    bytes: line.end - line.start,
    tsMs,
    effectiveMs: momentAt(bytes, facts, member.OCCURRED_AT) ?? tsMs,
    costNanos: has(facts, member.COST_USD) ? costAt(bytes, facts) : undefined,
    kind: line.own ? ROW_KINDS.own : kindAt(bytes, facts),
    hashPrefix: hexAt(bytes, hash, PREFIX_DIGITS),
    runKey: line.own ? 0 : keyAt(bytes, facts, member.RUN_ID),
    decisionKey: line.own ? 0 : keyAt(bytes, facts, member.DECISION_ID),
    idempotencyKey: keyAt(bytes, facts, member.IDEMPOTENCY_KEY),
    spillKey: keyAt(bytes, facts, member.SPILL_ID),
  };
}

function has(facts: LineFacts, which: number): boolean {
  return ((facts.seen >> which) & 1) === 1;
}

/** 0 where the member is missing or no string. */
function keyAt(bytes: Buffer, facts: LineFacts, which: number): number {
  if (!has(facts, which)) return 0;
  const from = facts.from[which] as number;
  return bytes[from] === QUOTE ? keyOfBytes(bytes, from + 1, (facts.to[which] as number) - 1) : 0;
}

function kindAt(bytes: Buffer, facts: LineFacts): RowKind {
  if (!has(facts, member.PROVENANCE)) return ROW_KINDS.live;
  const from = facts.from[member.PROVENANCE] as number;
  if (isTextAt(bytes, from, 'sample')) return ROW_KINDS.sample;
  if (isTextAt(bytes, from, 'fallback')) return ROW_KINDS.fallback;
  return isTextAt(bytes, from, 'imported') ? ROW_KINDS.imported : ROW_KINDS.live;
}

function costAt(bytes: Buffer, facts: LineFacts): number | undefined {
  const text = bytes.toString('latin1', facts.from[member.COST_USD], facts.to[member.COST_USD]);
  const value: unknown = JSON.parse(text);
  return costNanosOf(value);
}

function hexAt(bytes: Buffer, from: number, digits: number): number {
  let value = 0;
  for (let at = from; at < from + digits; at++) {
    const byte = bytes[at] as number;
    value = value * 16 + (byte < 0x3a ? byte - 0x30 : byte - 0x57);
  }
  return value;
}

let knownDay = '';
let knownDayMs = 0;

/** A moment in stored form is read digit by digit, its day looked up once a day. */
function momentAt(bytes: Buffer, facts: LineFacts, which: number): number | undefined {
  if (!has(facts, which)) return undefined;
  const at = (facts.from[which] as number) + 1;
  const to = (facts.to[which] as number) - 1;
  if (bytes[at - 1] !== QUOTE) return undefined;
  if (to - at !== 24 || bytes[to - 1] !== 0x5a || bytes[at + DAY_CHARS] !== 0x54)
    return parseRfc3339(bytes.toString('utf8', at, to));
  for (let i = 0; i < DAY_CHARS; i++) {
    if (bytes[at + i] !== knownDay.charCodeAt(i)) return newDay(bytes, at, to);
  }
  const ms = two(bytes, at + 20) * 10 + (bytes[at + 22] as number) - 0x30;
  const clock = ((two(bytes, at + 11) * 60 + two(bytes, at + 14)) * 60 + two(bytes, at + 17)) * 1000 + ms;
  return knownDayMs + clock;
}

function newDay(bytes: Buffer, at: number, to: number): number | undefined {
  const day = bytes.toString('latin1', at, at + DAY_CHARS);
  const ms = parseRfc3339(`${day}T00:00:00Z`);
  if (ms !== undefined) [knownDay, knownDayMs] = [day, ms];
  return parseRfc3339(bytes.toString('latin1', at, to));
}

function two(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) - 0x30) * 10 + (bytes[at + 1] as number) - 0x30;
}
