/**
 * What a spill file holds, read for a drain: every record once, in order, its row checked again as it will be chained.
 * A drained row carries `spill_id`, and `occurred_at` = `spilled_at` where it had none; the clock check was done before.
 */
import { fstatSync } from 'node:fs';
import { sha256Hex } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import type { Json } from '../../core/json';
import { checkRow, MAX_INPUT_BYTES } from '../../core/row';
import type { CheckedRow } from '../../core/row';
import { parseSpillRecord } from '../../core/spillRecord';
import type { SpillRecord } from '../../core/spillRecord';
import { statOf, withFile } from '../files';
import { scanLines } from '../read/lines';
import type { StatePaths } from '../paths';

/** Room for the `spill_id` and the `occurred_at` that a spilled row gets: one of the greatest length must fit, too. */
const SPILL_MEMBERS_BYTES = 128;

export interface InSpillFile {
  readonly key: string;
  readonly offset: number;
  readonly bytes: number;
}

export type Waiting = InSpillFile &
  (
    | { readonly kind: 'record'; readonly record: SpillRecord; readonly row: CheckedRow }
    /** Torn, or no row of this ledger: set aside. */
    | { readonly kind: 'impossible' }
  );

/** Every record once, in order; a record that was written twice (a rename in between) counts once. */
export function readWaiting(fd: number, ledgerId: string): Waiting[] {
  const byKey = new Map<string, Waiting>();
  scanLines(fd, 0, fstatSync(fd).size, ({ block, start, end, offset, bytes }) => {
    if (bytes === 0) return;
    const line = block.subarray(start, end);
    const record = parseSpillRecord(line);
    const row = record === undefined ? undefined : checkSpilled(record, ledgerId);
    const one: Waiting =
      record === undefined || row === undefined
        ? { kind: 'impossible', key: impossibleKey(offset, sha256Hex(line)), offset, bytes }
        : { kind: 'record', key: record.id, offset, bytes, record, row };
    if (!byKey.has(one.key)) byKey.set(one.key, one);
  });
  return [...byKey.values()];
}

/** How many waiting records are torn, or can be no row of this ledger: a drain will set them aside. Takes no lock. */
export function countImpossible(
  { spill, draining, secondSpill, secondDraining }: StatePaths,
  ledgerId: string,
): number {
  const files = [draining, spill, secondDraining, secondSpill].filter((path) => statOf(path) !== undefined);
  const waiting = files.flatMap((path) => withFile(path, 'read', (fd) => readWaiting(fd, ledgerId)));
  return waiting.filter(({ kind }) => kind === 'impossible').length;
}

/** What names bytes that are no record, in the row that sets them aside. */
export const impossibleKey = (offset: number, sha256: string): string => `impossible:${offset}:${sha256}`;

/** The row of a record as it will be chained, or undefined where it cannot be a row of this ledger. */
function checkSpilled(record: SpillRecord, ledgerId: string): CheckedRow | undefined {
  if (record.ledgerId !== null && record.ledgerId !== ledgerId) return undefined;
  const row = new Map<string, Json>(record.row);
  if (!row.has('occurred_at')) row.set('occurred_at', record.spilledAt);
  const own = new Map<string, Json>();
  // What an import kept of a foreign row was checked when it was imported.
  const foreign = row.get('imported_from');
  if (foreign !== undefined && row.delete('imported_from')) own.set('imported_from', foreign);
  own.set('spill_id', record.id);
  try {
    return checkRow(row, { nowMs: undefined, own, maxBytes: MAX_INPUT_BYTES + SPILL_MEMBERS_BYTES });
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}
