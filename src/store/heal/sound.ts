/**
 * Is a line one that nobody should take out? A row on which verify names nothing that breaks, or a named gap. Its place in
 * a stream counts as far as the live file tells.
 */
import { ZERO_HASH } from '../../core/digest';
import type { Row } from '../../core/members';
import { readStoredLine } from '../../core/storedLine';
import { fileAsOlderRows, streamHeadOf } from '../append/places';
import { readAt } from '../files';
import { scanLines } from '../read/lines';
import { offsetAfterSeq } from '../read/seek';
import { lastIdIn, TAIL_BYTES } from '../read/tail';
import { neighbourAfter } from './brokenLines';
import type { Neighbour } from './brokenLines';

export function isSound(
  fd: number,
  { offset, length }: { readonly offset: number; readonly length: number },
  { before, after }: { readonly before: Neighbour | undefined; readonly after: Neighbour | undefined },
): boolean {
  const bytes = readAt(fd, offset, length);
  const line = readStoredLine(bytes[bytes.length - 1] === 0x0a ? bytes.subarray(0, -1) : bytes, { strict: false });
  if (line.kind !== 'row' && line.kind !== 'tombstone') return false;
  const { seq, prevHash, hash } =
    line.kind === 'tombstone' ? line : { seq: line.row.seq, prevHash: line.row.prev_hash, hash: line.row.hash };
  const linked = prevHash === (before?.hash ?? ZERO_HASH) && seq === (before?.lastSeq ?? 0) + 1;
  if (!linked || (after !== undefined && after.prevHash !== hash)) return false;
  if (line.kind === 'tombstone') return true;
  return line.faults.length === 0 && isInOrder(fd, line.row, offset);
}

function isInOrder(fd: number, row: Row, offset: number): boolean {
  const from = Math.max(0, offset - TAIL_BYTES);
  if (row.id <= lastIdIn(readAt(fd, from, offset - from))) return false;
  const isOwn = row.action.startsWith('audit.');
  return isOwn || (['run_id', 'decision_id'] as const).every((kind) => followsInStream(fd, row, kind, offset));
}

/** Whether a row goes on from its stream's row before it. */
function followsInStream(fd: number, row: Row, kind: 'run_id' | 'decision_id', offset: number): boolean {
  const id = row[kind];
  if (id === undefined) return true;
  const last = fileAsOlderRows(fd).find(kind, id, offset);
  // The stream may have begun in a closed segment.
  if (last === undefined && neighbourAfter(fd, 0)?.seq !== 1) return true;
  const head = last === undefined ? { seq: 0, hash: ZERO_HASH } : streamHeadOf(last, kind);
  const { seq } = streamHeadOf(row, kind);
  const prevHash = kind === 'run_id' ? row.run_prev_hash : row.decision_prev_hash;
  if (seq === head.seq + 1) return prevHash === head.hash;
  return last !== undefined && seq > head.seq && seq - head.seq - 1 <= missingBetween(fd, last.seq, offset);
}

/** How many rows are gone between row `seq` and the line at `offset`: as many may lack in a stream. */
function missingBetween(fd: number, seq: number, offset: number): number {
  let missing = 0;
  scanLines(fd, offsetAfterSeq(fd, offset, seq), offset, ({ block, start, end }) => {
    const line = readStoredLine(block.subarray(start, end), { strict: false });
    if (line.kind === 'tombstone') missing += line.seq > seq ? line.lastSeq - line.seq + 1 : 0;
    else if (line.kind !== 'row') missing++;
    else if (line.row.action === 'audit.rows-lost' && line.row.seq > seq) missing += lostBy(line.row);
  });
  return missing;
}

function lostBy({ payload }: Row): number {
  const rows = Number(payload?.['to_seq']) - Number(payload?.['from_seq']) + 1;
  return Number.isSafeInteger(rows) && rows > 0 ? rows : 0;
}
