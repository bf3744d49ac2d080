/**
 * What an index tells that disagrees with the file: which rows the file has no more as they were appended, since it was cut
 * and has grown over the cut, or was written again from some row on. And whether the file names that loss itself.
 */
import { hashOfRow } from '../read/seek';
import { readAt } from '../files';
import type { LedgerIndex } from './indexFile';
import { lastCommonSeq, standingOf } from './indexRead';
import { hashPrefixOf } from './indexRows';
import { LIVE_NAME } from './indexSchema';
import type { LostRows } from '../append/lostRows';
import { lastRowOfAction } from '../append/places';

/** The row stands where the lost ones stood, behind a heal's row at most. */
const NEAR_BYTES = 64 << 10;

/**
 * The rows that have others in their place, to be named before such an index is made anew. Undefined where it agrees, is
 * of another ledger, or where nothing proves a loss: rows that are damaged or have moved are `verify`'s to judge.
 */
export function replacedRows(index: LedgerIndex, fd: number): LostRows | undefined {
  const standing = standingOf(index, fd);
  if (standing.kind !== 'disagrees' || standing.otherLedger || isLossNamed(index, fd)) return undefined;
  const watermark = index.watermark();
  const { seq: toSeq, hash: head } = watermark;
  const fromSeq = lastCommonSeq(index, fd, watermark) + 1;
  const known = index.row(fromSeq)?.hashPrefix;
  const first = hashOfRow(fd, fromSeq);
  const last = hashOfRow(fd, toSeq);
  if (known === undefined || first === undefined || last === undefined) return undefined;
  return hashPrefixOf(first) === known || last === head ? undefined : { fromSeq, toSeq, head };
}

/**
 * Whether the loss is named: a writer died after its row `audit.rows-lost` and before the index began anew, and rows were
 * appended since. Such an index tells nothing more.
 */
export function isLossNamed(index: LedgerIndex, fd: number): boolean {
  const watermark = index.watermark();
  const commonSeq = lastCommonSeq(index, fd, watermark);
  const place = index.row(commonSeq);
  const parted = place?.segment === LIVE_NAME ? place.offset + place.bytes + 1 : 0;
  const { from_seq: fromSeq, to_seq: toSeq } =
    lastRowOfAction(readAt(fd, parted, NEAR_BYTES), 'audit.rows-lost')?.payload ?? {};
  return typeof fromSeq === 'number' && typeof toSeq === 'number' && fromSeq <= commonSeq + 1 && toSeq >= watermark.seq;
}
