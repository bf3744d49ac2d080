/**
 * The rows by which caps were raised, found without reading the rows between them. An override lives 31 days at most, so
 * none that holds is older than that.
 */
import { declaredLinks } from '../../core/chain';
import type { Row } from '../../core/members';
import { MAX_OVERRIDE_MS } from '../../core/override';
import { OVERRIDE } from '../../core/spendActions';
import type { StatePaths } from '../paths';
import { scanLines } from '../read/lines';
import { inClosedSegments, offsetSince, rowsOfAction, rowsSince } from '../read/rowsOfAction';
import type { FoundRow } from '../read/rowsOfAction';
import { standsIn } from './spendFile';

/** An override that a gate would believe, and that is not what its writer wrote, or not where. */
export type OddOverride = Pick<FoundRow, 'offset'>;

export interface OverrideRows {
  readonly rows: readonly Row[];
  /** The first line that cannot be believed. */
  readonly odd: OddOverride | undefined;
}

/**
 * Overrides that may hold at `sinceMs` or later, of rows that begin before `toBytes`. Each is looked at with its links to
 * both neighbours.
 * @param sizeBytes where the last line of the live file ends
 */
export async function overridesBefore(
  paths: StatePaths,
  fd: number,
  { sinceMs, toBytes, sizeBytes }: { readonly sinceMs: number; readonly toBytes: number; readonly sizeBytes: number },
): Promise<OverrideRows> {
  const rows: Row[] = [];
  const from = offsetSince(fd, sizeBytes, sinceMs - MAX_OVERRIDE_MS);
  if (from === 0) for await (const found of inClosedSegments(paths, OVERRIDE)) rows.push(...rowOf(found));
  for (const found of rowsOfAction(fd, from, toBytes, OVERRIDE)) {
    const [row] = rowOf(found);
    if (found.reading.kind !== 'row' || (row !== undefined && !isLinked(fd, found, row, sizeBytes)))
      return { rows, odd: found };
    if (row !== undefined) rows.push(row);
  }
  return { rows, odd: undefined };
}

/** Overrides that may hold at `sinceMs` or later, as the file has them: for who reports. No lock is taken. */
export function overrideRows(paths: StatePaths, sinceMs: number): Promise<Row[]> {
  return rowsSince(paths, OVERRIDE, sinceMs - MAX_OVERRIDE_MS);
}

/** The same bytes may stand in a payload: then it is another row. */
function rowOf({ reading }: FoundRow): readonly Row[] {
  return reading.kind === 'row' && reading.row.action === OVERRIDE ? [reading.row] : [];
}

/** The rows around it are not read: that it was not put between them is. */
function isLinked(fd: number, { offset, nextBytes }: FoundRow, row: Row, sizeBytes: number): boolean {
  if (!standsIn(fd, { seq: row.seq - 1, hash: row.prev_hash, bytes: offset })) return false;
  let next: string | undefined = row.hash;
  scanLines(fd, nextBytes, sizeBytes, ({ block, start, end }) => {
    next = declaredLinks(block.subarray(start, end))?.prevHash;
    return false;
  });
  return next === row.hash;
}
