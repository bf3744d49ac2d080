/**
 * What an index tells that disagrees with the file: which rows the file has no more as they were appended, since it was cut
 * and has grown over the cut, or was written again from some row on. And whether the file names that loss itself.
 */
import { fstatSync } from 'node:fs';
import { readLine } from '../../core/rowText';
import { readAt } from '../files';
import { scanLines } from '../read/lines';
import { hashOfRow } from '../read/seek';
import type { LedgerIndex } from './indexFile';
import { lastCommonSeq, standingOf } from './indexRead';
import { hashPrefixOf } from './indexRows';
import { LIVE_NAME } from './indexSchema';
import type { LostRows } from '../append/lostRows';
import { lastRowOfAction } from '../append/places';

/** The row stands where the lost ones stood, behind a heal's row at most. */
const NEAR_BYTES = 64 << 10;

/**
 * The rows that the index has seen and the file has no more, to be named before such an index is made void. Undefined where
 * it agrees, is of another ledger, or where nothing proves a loss: rows that were altered or have moved are `verify`'s to judge.
 */
export function goneRows(index: LedgerIndex, fd: number): LostRows | undefined {
  const standing = standingOf(index, fd);
  if (standing.kind === 'agrees' || (standing.kind === 'disagrees' && standing.otherLedger)) return undefined;
  const watermark = index.watermark();
  const { seq: toSeq, hash: head } = watermark;
  // A row that has only moved is not gone; an index that contradicts itself proves nothing.
  if (hashOfRow(fd, toSeq) === head) return undefined;
  const isSound = index.row(watermark.rowSeq)?.hashPrefix === hashPrefixOf(head);
  if (standing.kind === 'disagrees' && !isSound) return undefined;
  const commonSeq = lastCommonSeq(index, fd, watermark);
  const next = firstGone(index, fd, toSeq, commonSeq);
  // What is torn at the end is no row any more.
  const fromSeq = standing.kind === 'ahead' ? Math.min(next, Math.max(standing.lastSeq, commonSeq) + 1) : next;
  return fromSeq > toSeq ? undefined : { fromSeq, toSeq, head };
}

/** The same where the file does not name that loss itself. */
export function unnamedRows(index: LedgerIndex, fd: number): LostRows | undefined {
  const gone = goneRows(index, fd);
  return gone !== undefined && isLossNamed(index, fd) ? undefined : gone;
}

/**
 * The first of the index's rows that no line of the file can be; one behind `toSeq` where each can be one. A line that
 * cannot be read, or is another row in the place of one alone, may be what is left of a row: it is no proof. Rows that
 * others link to are.
 */
function firstGone(index: LedgerIndex, fd: number, toSeq: number, commonSeq: number): number {
  let next = commonSeq + 1;
  let unclear = 0;
  let other: { readonly seq: number; readonly hash: string } | undefined;
  const goOnBehind = (seq: number): void => {
    if (seq < next) return;
    next = seq + 1;
    unclear = 0;
  };
  scanLines(fd, endOfRow(index, commonSeq), fstatSync(fd).size, ({ block, start, end }) => {
    const reading = readLine(block.subarray(start, end));
    const prevHash = 'row' in reading ? reading.row.prev_hash : 'prevHash' in reading ? reading.prevHash : undefined;
    if (other !== undefined && prevHash === other.hash) return false;
    if (other !== undefined) unclear++;
    other = undefined;
    if (reading.kind === 'tombstone') goOnBehind(reading.lastSeq);
    else if (reading.kind !== 'row') unclear++;
    // The index ends within lines that cannot be read: a heal names what is missing there.
    else if (reading.row.seq > toSeq) goOnBehind(toSeq);
    else if (index.row(reading.row.seq)?.hashPrefix === hashPrefixOf(reading.row.hash)) goOnBehind(reading.row.seq);
    else if (reading.row.seq > commonSeq) other = reading.row;
    return next <= toSeq;
  });
  return other === undefined ? next + unclear : Math.min(next + unclear, other.seq);
}

/** Where the line behind a row of the live file begins. */
function endOfRow(index: LedgerIndex, seq: number): number {
  const place = index.row(seq);
  return place?.segment === LIVE_NAME ? place.offset + place.bytes + 1 : 0;
}

/**
 * Whether the loss is named: a writer died after its row `audit.rows-lost` and before the index began anew, and rows were
 * appended since. Such an index tells nothing more. A row of that kind that the index itself knows tells of an older loss.
 */
export function isLossNamed(index: LedgerIndex, fd: number): boolean {
  const watermark = index.watermark();
  const commonSeq = lastCommonSeq(index, fd, watermark);
  const row = lastRowOfAction(readAt(fd, endOfRow(index, commonSeq), NEAR_BYTES), 'audit.rows-lost');
  const { from_seq: fromSeq, to_seq: toSeq, head } = row?.payload ?? {};
  if (row === undefined || typeof fromSeq !== 'number' || typeof toSeq !== 'number') return false;
  if (fromSeq > commonSeq + 1 || toSeq < watermark.seq) return false;
  return toSeq === watermark.seq ? head === watermark.hash : !index.isGap(row.seq);
}
