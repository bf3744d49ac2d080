/**
 * How far a reader may read: up to the last whole row. A row in flight is given a second to be finished, on a fresh
 * descriptor each time; what is torn then is told of, not shown.
 */
import { fstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Head } from '../../core/chain';
import { readLine } from '../../core/rowText';
import { closeQuietly, openFile, readAt } from '../files';
import type { StatePaths } from '../paths';
import { lastRowsFrom } from '../read/lastRows';
import { scanLines } from '../read/lines';
import { startOfLine } from '../read/startOfLine';
import { readTail } from '../read/tail';
import type { Tail } from '../read/tail';

const PATIENCE_MS = 1_000;
const STEP_MS = 50;

export interface LedgerEnd {
  /** The live file, open: for the caller to close. */
  readonly fd: number;
  readonly ino: number;
  /** Behind the newline of the last line that has one. */
  readonly linesEnd: number;
  /** The last row, where its newline is missing. */
  readonly bareLine: Buffer | undefined;
  /** The last whole row; undefined where the file has none. */
  readonly head: Head | undefined;
  /** Bytes behind it that are no row. */
  readonly tornBytes: number;
}

/** Opens the live file. Throws the system's error where it cannot be read. */
export async function openLedgerEnd(paths: StatePaths): Promise<LedgerEnd> {
  for (let left = PATIENCE_MS; ; left -= STEP_MS) {
    const fd = openFile(paths.ledger, 'read');
    try {
      const tail = readTail(fd);
      if (tail.kind === 'whole' || tail.kind === 'empty' || left <= 0) return endOf(fd, tail);
    } catch (error) {
      closeQuietly(fd);
      throw error;
    }
    closeQuietly(fd);
    await sleep(STEP_MS);
  }
}

function endOf(fd: number, tail: Tail): LedgerEnd {
  const { ino } = fstatSync(fd);
  const end = tail.kind === 'torn' ? tail.offset : tail.sizeBytes;
  const linesEnd = startOfLine(fd, end);
  return {
    fd,
    ino,
    linesEnd,
    bareLine: linesEnd < end ? readAt(fd, linesEnd, end - linesEnd) : undefined,
    head: headOf(fd, tail),
    tornBytes: tail.sizeBytes - end,
  };
}

function headOf(fd: number, tail: Tail): Head | undefined {
  if (tail.kind === 'empty') return undefined;
  if (tail.kind !== 'wrong') return tail.head;
  let head: Head | undefined;
  scanLines(fd, lastRowsFrom(fd, tail.offset, 1).offset, tail.offset, ({ block, start, end }) => {
    const reading = readLine(block.subarray(start, end));
    if (reading.kind === 'row') head = reading.row;
    if (reading.kind === 'tombstone') head = { seq: reading.lastSeq, id: '', hash: reading.hash };
  });
  return head;
}
