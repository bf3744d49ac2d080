/**
 * The few rows of one action among many: blocks of the file are searched for its bytes, and only a line that has them is
 * looked at. Memory does not grow with the file; a row in flight is not there yet.
 */
import { fstatSync } from 'node:fs';
import { ulidAt, ULID_RANDOM_BYTES } from '../../core/ids';
import type { Row } from '../../core/members';
import { readLine } from '../../core/rowText';
import type { LineReading } from '../../core/rowText';
import { readAt, withFile } from '../files';
import { listSegments, segmentBlocks } from '../ledger/segments';
import type { StatePaths } from '../paths';
import { offsetBeforeId } from './seek';

export interface FoundRow {
  readonly reading: LineReading;
  /** Where it begins, and where the line behind it does. */
  readonly offset: number;
  readonly nextBytes: number;
}

const BLOCK_BYTES = 4 << 20;
const NEWLINE = 0x0a;

/**
 * Lines of `[from, to)` that may be rows of an action, in order: what they are is for the caller to see, since the same
 * bytes may stand in a payload.
 * @param from the start of a line
 */
export function* rowsOfAction(fd: number, from: number, to: number, action: string): Generator<FoundRow> {
  for (let at = from; at < to;) {
    const block = readAt(fd, at, Math.min(BLOCK_BYTES, to - at));
    if (block.length === 0) return;
    // A line that fills a block is no row.
    const whole = block.lastIndexOf(NEWLINE) + 1 || block.length;
    yield* rowsIn(block.subarray(0, whole), at, action);
    at += whole;
  }
}

/** Where the rows begin that were appended at a moment or later: the start of a line, 0 where closed segments may have some. */
export function offsetSince(fd: number, sizeBytes: number, sinceMs: number): number {
  return sinceMs > 0 ? offsetBeforeId(fd, sizeBytes, ulidAt(sinceMs, new Uint8Array(ULID_RANDOM_BYTES))) : 0;
}

/** All whole rows of an action that were appended at a moment or later; some of before may be among them. No lock is taken. */
export async function rowsSince(paths: StatePaths, action: string, sinceMs: number): Promise<Row[]> {
  const rowOf = ({ reading }: FoundRow): readonly Row[] =>
    reading.kind === 'row' && reading.row.action === action ? [reading.row] : [];
  const hasLive = listSegments(paths).some(({ kind }) => kind === 'live');
  const live = (fd: number): { readonly from: number; readonly rows: readonly Row[] } => {
    const { size } = fstatSync(fd);
    const from = offsetSince(fd, size, sinceMs);
    return { from, rows: [...rowsOfAction(fd, from, size, action)].flatMap(rowOf) };
  };
  const { from, rows } = hasLive ? withFile(paths.ledger, 'read', live) : { from: 0, rows: [] };
  const before: Row[] = [];
  if (from === 0) for await (const found of inClosedSegments(paths, action)) before.push(...rowOf(found));
  return [...before, ...rows];
}

export async function* inClosedSegments(paths: StatePaths, action: string): AsyncGenerator<FoundRow> {
  for (const segment of listSegments(paths)) {
    if (segment.kind === 'live') continue;
    for await (const { bytes, offset } of segmentBlocks(segment)) yield* rowsIn(bytes, offset, action);
  }
}

/** The same in bytes that begin with a line. `offset`: where they stand. */
function* rowsIn(bytes: Buffer, offset: number, action: string): Generator<FoundRow> {
  const needle = Buffer.from(`"action":"${action}"`);
  for (let hit = bytes.indexOf(needle); hit >= 0;) {
    const start = bytes.lastIndexOf(NEWLINE, hit) + 1;
    const newline = bytes.indexOf(NEWLINE, hit);
    if (newline < 0) return;
    yield {
      reading: readLine(bytes.subarray(start, newline)),
      offset: offset + start,
      nextBytes: offset + newline + 1,
    };
    hit = bytes.indexOf(needle, newline);
  }
}
