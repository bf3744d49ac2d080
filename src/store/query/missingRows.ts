/** What a ledger has not, or not whole: lines that are no rows, and rows that a named gap stands for. Every line is looked at. */
import { SlotReader } from '../../core/lineSlots';
import { completeObject, missingRows } from '../../core/rowText';
import { blocksForward, eachLine } from './lineBlocks';
import type { Lines } from './lineBlocks';

export interface MissingRows {
  brokenLines: number;
  /** Rows that were set aside or lost and are named as such. */
  rowsInGaps: number;
}

export async function countMissing(lines: Lines): Promise<MissingRows> {
  const missing: MissingRows = { brokenLines: 0, rowsInGaps: 0 };
  const slots = new SlotReader(['action']);
  for await (const block of blocksForward(lines)) {
    const { bytes, overlong } = block;
    if (overlong) missing.brokenLines++;
    eachLine(block, (start, end) => {
      if (!slots.find(bytes, start, end)) missing.brokenLines++;
      else missing.rowsInGaps += rowsNamed(slots.string(0), bytes.subarray(start, end));
    });
  }
  return missing;
}

/** How many rows a line names as gone. */
function rowsNamed(action: string | null, line: Buffer): number {
  if (action !== 'audit.tombstone' && action !== 'audit.rows-lost') return 0;
  const row = completeObject(line) ?? {};
  const { from_seq: seq, to_seq: lastSeq } = (row['payload'] ?? {}) as Readonly<Record<string, unknown>>;
  const gap = action === 'audit.tombstone' ? missingRows(row) : missingRows({ seq, last_seq: lastSeq });
  return gap === undefined ? 1 : gap.lastSeq - gap.seq + 1;
}
