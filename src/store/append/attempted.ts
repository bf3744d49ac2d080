/**
 * A row whose writer died before it said what became of the row: it is under its id in the ledger, it was chained from a
 * spill file that had it under that id, or it is nowhere. Looked for under the lock, with everything chained that waits;
 * only where it is nowhere is it appended.
 */
import { ZERO_HASH } from '../../core/digest';
import type { Host } from '../../core/host';
import type { CheckedRow } from '../../core/row';
import { readLine } from '../../core/rowText';
import { readAt } from '../files';
import type { ReadyLedger } from '../ledger/ledger';
import type { StatePaths } from '../paths';
import { offsetBeforeId } from '../read/seek';
import { findChained } from '../spill/chained';
import type { DonePlace } from '../spill/chained';
import { spillRows } from '../spill/spill';
import { asLedgerError, ledgerIdNow, orRefused, REFUSALS } from './append';
import type { Receipt } from './append';
import type { Writer } from './writer';

/**
 * Appends a row, unless a writer that is dead by now stored it under `id`.
 * @throws LedgerError as `Writer.appendEach` does
 */
export async function appendAttempted(
  writer: Writer,
  row: CheckedRow,
  { id, paths, host }: { readonly id: string; readonly paths: StatePaths; readonly host: Host },
): Promise<Receipt> {
  try {
    return await writer.appendDecided((ready, placer) =>
      Promise.resolve(landedAs(ready, id) ?? orRefused(() => placer.placeOne(row))),
    );
  } catch (cause) {
    const error = asLedgerError(cause);
    if (REFUSALS.has(error.code)) throw error;
    // Under the same id: whoever drains it looks for it in all of the ledger, and chains it once.
    const attempt = { after: { seq: 0, hash: ZERO_HASH }, ids: [id] };
    spillRows(paths, host, [row], { error, ledgerId: ledgerIdNow(paths, null), attempt });
    return { status: 'spilled', id, error };
  }
}

function landedAs({ fd, tail }: ReadyLedger, id: string): Receipt | undefined {
  const done = new Map<string, DonePlace>();
  findChained(fd, { from: offsetBeforeId(fd, tail.sizeBytes, id), to: tail.sizeBytes }, new Set([id]), done);
  const place = done.get(id);
  if (place === undefined) return undefined;
  const reading = readLine(readAt(fd, place.offset, place.bytes));
  if (reading.kind !== 'row') return undefined;
  const { seq, hash } = reading.row;
  return { status: 'landed', seq, id: reading.row.id, hash };
}
