/**
 * Where the rows of a span of time, or of some runs, lie, from the index: a sum of today reads today's lines, whatever the size of the
 * ledger. Mostly they stand one behind the other.
 */
import { LIVE_SEGMENT } from './indexSchema';
import { guarded } from './indexErrors';
import type { LedgerIndex } from './indexFile';
import type { SqlRow } from './sqlite';

/** A part of the live file, from the start of a line to behind a newline. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Where the rows of a window, or of runs, lie. */
export interface WindowPlaces {
  readonly ranges: readonly ByteRange[];
  /** How many rows of the window, and rows that tell of others which are gone, lie in them. */
  readonly rows: number;
}

/** So many rows and bytes are read in any case; more only where they are at most this part of all. */
const FEW_ROWS = 20_000;
const FEW_BYTES = 16 << 20;
const PART_OF_ALL = 4;
/** Lines so near to each other are read in one piece, with what lies between them. */
const NEAR_BYTES = 64 << 10;
/** Beyond any `Date`. */
const ALWAYS_MS = 9e15;
/** What the index holds for a row without a time. */
const NO_TIME_MS = 0;

const IN_WINDOW = 'rows INDEXED BY rows_time WHERE effective_ms >= ? AND effective_ms < ?';
/** Joined in SQL as far as that is quick: an object a row would take more memory than a sum should. */
const blocksOf = (rows: string): string =>
  `SELECT segment, count(*) AS rows, min(offset) AS start, max(offset + bytes) AS newline
  FROM ${rows} GROUP BY segment, offset / ${NEAR_BYTES}`;
const GAPS = `rows WHERE seq IN (SELECT seq FROM gaps) AND NOT (effective_ms >= ? AND effective_ms < ?)
  AND effective_ms <> ${NO_TIME_MS}`;
/** What rows are found by, beside their time; the index has a key for each (core/indexDigest.ts). */
export type KeyedMember = 'run_id' | 'decision_id' | 'idempotency_key';
const KEYED_BY: Readonly<Record<KeyedMember, string>> = {
  run_id: 'run',
  decision_id: 'decision',
  idempotency_key: 'idempotency_key',
};
/** A run's rows are asked for on their own, so that one among many takes a look at the index and no more. */
const ofKey = (member: KeyedMember): string => {
  const name = KEYED_BY[member];
  return `rows INDEXED BY rows_${name} WHERE ${name}_key = ?1 AND ${name}_key <> 0`;
};
/** A row that has the key in two members is one row. */
const ofKeys = (members: readonly KeyedMember[]): string => {
  const each = members.map(ofKey);
  if (each.length === 1) return each.join('');
  return `rows WHERE seq IN (${each.map((rows) => `SELECT seq FROM ${rows}`).join(' UNION ')})`;
};
/**
 * One by one, as long as they are few: what lies between the rows of a run is not worth reading. As one row: to hand over a
 * thousand takes longer than to find them.
 */
const linesOf = (rows: string): string =>
  `SELECT min(segment) AS first, max(segment) AS last, json_group_array(offset) AS starts,
    json_group_array(offset + bytes) AS newlines FROM (SELECT segment, offset, bytes FROM ${rows} LIMIT ?2)`;
const MAX_KEYS = 1_000;
const FEW_LINES = 10_000;

/**
 * The parts of the live file that have all rows with an effective time in `[sinceMs, untilMs)`, and all that tell of rows
 * which are gone (tombstones, which have no time, and rows that name lost ones), up to the watermark; other rows may lie between them.
 * @returns undefined where closed segments have some of them, or reading all is as fast
 * @throws LedgerError INDEX_FAILED, INDEX_BUSY
 */
export function placesOfWindow(index: LedgerIndex, sinceMs: number, untilMs: number): WindowPlaces | undefined {
  const window = [Math.max(sinceMs, -ALWAYS_MS), Math.min(untilMs, ALWAYS_MS)];
  const holdsTimeless = NO_TIME_MS >= sinceMs && NO_TIME_MS < untilMs;
  return guarded(index.path, () => {
    const { seq, offset } = index.watermark();
    const count = index.database.prepare(`SELECT count(*) AS rows FROM ${IN_WINDOW}`).get(window)?.['rows'];
    if (Number(count) > Math.max(FEW_ROWS, seq / PART_OF_ALL)) return undefined;
    const blocks = index.database.prepare(blocksOf(IN_WINDOW));
    const timeless = holdsTimeless ? [] : blocks.all([NO_TIME_MS, NO_TIME_MS + 1]);
    const found = [...blocks.all(window), ...timeless, ...index.database.prepare(blocksOf(GAPS)).all(window)];
    return placesOf(found.map(blockIn), offset);
  });
}

/** Where the rows lie that have one of these keys in one of these members, those of some runs for instance; as `placesOfWindow` says it. */
export function placesOfKeys(
  index: LedgerIndex,
  members: readonly KeyedMember[],
  keys: ReadonlySet<number>,
): WindowPlaces | undefined {
  if (keys.size > MAX_KEYS) return undefined;
  return guarded(index.path, () => {
    const wanted = ofKeys(members);
    const { offset } = index.watermark();
    const lines = index.database.prepare(linesOf(wanted));
    const few: Found[] = [];
    for (const key of keys) few.push(...linesIn(lines.get([key, FEW_LINES + 1 - few.length])));
    if (few.length <= FEW_LINES) return placesOf(few, offset, 0);
    const blocks = index.database.prepare(blocksOf(wanted));
    return placesOf(
      [...keys].flatMap((key) => blocks.all([key]).map(blockIn)),
      offset,
    );
  });
}

/** A block with the number of its rows, or a line, which has one. */
interface Found {
  readonly isLive: boolean;
  readonly start: number;
  readonly newline: number;
  readonly rows: number;
}

function blockIn({ segment, start, newline, rows }: SqlRow): Found {
  return { isLive: segment === LIVE_SEGMENT, start: Number(start), newline: Number(newline), rows: Number(rows) };
}

function linesIn({ first, last, starts, newlines }: SqlRow = {}): Found[] {
  const isLive = first === LIVE_SEGMENT && last === LIVE_SEGMENT;
  const ends = JSON.parse(String(newlines)) as number[];
  return (JSON.parse(String(starts)) as number[]).map((start, i) => ({
    isLive,
    start,
    newline: ends[i] ?? -1,
    rows: 1,
  }));
}

function placesOf(found: readonly Found[], offset: number, nearBytes = NEAR_BYTES): WindowPlaces | undefined {
  if (!found.every(({ isLive }) => isLive)) return undefined;
  const lines = found.map(({ start, newline }) => ({ from: start, to: newline + 1 }));
  // A place that no row can have: the index is damaged.
  if (!lines.every(({ from, to }) => from >= 0 && from < to && to <= offset)) return undefined;
  const ranges = joined(lines, nearBytes);
  const bytes = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  if (bytes > Math.max(FEW_BYTES, offset / PART_OF_ALL)) return undefined;
  return { ranges, rows: found.reduce((sum, { rows }) => sum + rows, 0) };
}

function joined(ranges: readonly ByteRange[], nearBytes: number): ByteRange[] {
  const result: ByteRange[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last === undefined || from > last.to + nearBytes) result.push({ from, to });
    else result[result.length - 1] = { from: last.from, to: Math.max(last.to, to) };
  }
  return result;
}
