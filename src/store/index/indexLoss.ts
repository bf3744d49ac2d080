/**
 * Whether an index that disagrees with the file does so for a loss that the file names itself: a writer died after its row
 * `audit.rows-lost` and before the index began anew, and rows were appended since. Such an index tells nothing more.
 */
import { readAt } from '../files';
import type { LedgerIndex } from './indexFile';
import { lastCommonSeq } from './indexRead';
import { LIVE_NAME } from './indexSchema';
import { lastRowOfAction } from '../append/places';

/** The row stands where the lost ones stood, behind a heal's row at most. */
const NEAR_BYTES = 64 << 10;

export function isLossNamed(index: LedgerIndex, fd: number): boolean {
  const watermark = index.watermark();
  const commonSeq = lastCommonSeq(index, fd, watermark);
  const place = index.row(commonSeq);
  const parted = place?.segment === LIVE_NAME ? place.offset + place.bytes + 1 : 0;
  const { from_seq: fromSeq, to_seq: toSeq } =
    lastRowOfAction(readAt(fd, parted, NEAR_BYTES), 'audit.rows-lost')?.payload ?? {};
  return typeof fromSeq === 'number' && typeof toSeq === 'number' && fromSeq <= commonSeq + 1 && toSeq >= watermark.seq;
}
