/**
 * The numbers of a row that the index holds too, read off its bytes, so that `verify` can sum up the fingerprint of
 * `indexDigest.ts` while it checks the row. Only for rows that the scanner has found regular.
 */
import { accumulate, keyOfBytes } from './indexDigest';
import type { DigestRow, IndexDigest } from './indexDigest';
import { QUOTE, ZERO } from './jsonBytes';
import * as member from './lineScan';
import type { LineFacts } from './lineScan';
import { isStoredTimeAt, twoDigits } from './rowBytes';
import { clockMs, dateMs, parseRfc3339 } from './time';

const PREFIX_DIGITS = 12;

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
  const hash = line.end - 66;
  return {
    seq: line.seq,
    offset: line.offset,
    bytes: line.end - line.start,
    effectiveMs: momentAt(bytes, facts, has(facts, member.OCCURRED_AT) ? member.OCCURRED_AT : member.TS) ?? 0,
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

function hexAt(bytes: Buffer, from: number, digits: number): number {
  let value = 0;
  for (let at = from; at < from + digits; at++) {
    const byte = bytes[at] as number;
    value = value * 16 + (byte < 0x3a ? byte - 0x30 : byte - 0x57);
  }
  return value;
}

function momentAt(bytes: Buffer, facts: LineFacts, which: number): number | undefined {
  return has(facts, which) ? momentIn(bytes, facts.from[which] as number, facts.to[which] as number) : undefined;
}

/**
 * The moment in a JSON string, which stands from `from` to `to` with its quotes; undefined where it is no moment or no
 * string. The stored form is read digit by digit: a row's two moments, of two days, took a third of a sum's time as text.
 */
export function momentIn(bytes: Buffer, from: number, to: number): number | undefined {
  if (isStoredTimeAt(bytes, from, to)) return storedMsAt(bytes, from + 1);
  return bytes[from] === QUOTE ? parseRfc3339(bytes.toString('utf8', from + 1, to - 1)) : undefined;
}

function storedMsAt(bytes: Buffer, at: number): number {
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
  const date = dateMs(year, twoDigits(bytes, at + 5), twoDigits(bytes, at + 8));
  const clock = clockMs(twoDigits(bytes, at + 11), twoDigits(bytes, at + 14), twoDigits(bytes, at + 17));
  return date + clock + twoDigits(bytes, at + 20) * 10 + (bytes[at + 22] as number) - ZERO;
}
