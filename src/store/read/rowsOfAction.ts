/**
 * The few rows of one action among many: blocks of the file are searched for its bytes, and only a line that has them is
 * looked at. Memory does not grow with the file; a row in flight is not there yet.
 */
import type { LineReading } from '../../core/rowText';
import { readLine } from '../../core/rowText';
import { readAt } from '../files';

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

/** The same in bytes that begin with a line. `offset`: where they stand. */
export function* rowsIn(bytes: Buffer, offset: number, action: string): Generator<FoundRow> {
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
