/**
 * Where the rows of a span of time lie, from the index: a sum of today reads today's lines, whatever the size of the
 * ledger. Mostly they stand one behind the other.
 */
import { LIVE_SEGMENT } from './indexSchema';
import { guarded } from './indexErrors';
import type { LedgerIndex } from './indexFile';

/** A part of the live file, from the start of a line to behind a newline. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** So many rows are looked up in any case; more only where they are at most this part of all. */
const FEW_ROWS = 20_000;
const PART_OF_ALL = 4;
/** Lines so near to each other are read in one piece, with what lies between them. */
const NEAR_BYTES = 64 << 10;
/** Beyond any `Date`. */
const ALWAYS_MS = 9e15;

const IN_WINDOW = 'rows INDEXED BY rows_time WHERE effective_ms >= ? AND effective_ms < ?';

/**
 * The parts of the live file that have all rows with an effective time in `[sinceMs, untilMs)`, and all without one
 * (tombstones), up to the watermark; other rows may lie between them.
 * @returns undefined where closed segments have some of them, or so many rows are asked for that reading all is as fast
 * @throws LedgerError INDEX_FAILED, INDEX_BUSY
 */
export function rangesOfWindow(index: LedgerIndex, sinceMs: number, untilMs: number): ByteRange[] | undefined {
  const window = [Math.max(sinceMs, -ALWAYS_MS), Math.min(untilMs, ALWAYS_MS)];
  return guarded(index.path, () => {
    const count = index.database.prepare(`SELECT count(*) AS count FROM ${IN_WINDOW}`).get(window)?.['count'];
    if (Number(count) > Math.max(FEW_ROWS, index.watermark().seq / PART_OF_ALL)) return undefined;
    // Joined in SQL as far as that is quick: an object a row would take more memory than a sum should.
    const blocks = index.database.prepare(
      `SELECT segment, min(offset) AS start, max(offset + bytes) AS newline FROM ${IN_WINDOW} GROUP BY segment, offset / ${NEAR_BYTES}`,
    );
    const found = [...blocks.all(window), ...blocks.all([0, 1])];
    if (found.some(({ segment }) => segment !== LIVE_SEGMENT)) return undefined;
    return joined(found.map(({ start, newline }) => ({ from: Number(start), to: Number(newline) + 1 })));
  });
}

function joined(ranges: readonly ByteRange[]): ByteRange[] {
  const result: ByteRange[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last === undefined || from > last.to + NEAR_BYTES) result.push({ from, to });
    else result[result.length - 1] = { from: last.from, to: Math.max(last.to, to) };
  }
  return result;
}
