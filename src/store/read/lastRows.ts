/** Where the last rows of a ledger begin, found from the end: no more of the file is read than they take. */
import { readLine } from '../../core/rowText';
import { readAt } from '../files';
import { scanLines } from './lines';

const BLOCK_BYTES = 256 << 10;
const NEWLINE = 0x0a;

export interface RowsFrom {
  /** The start of a line. */
  readonly offset: number;
  /** So many rows from there on are too many. */
  readonly surplus: number;
  /** How many rows the file lacks of what was wanted. */
  readonly lacking: number;
}

/** Rows are whole lines with a right hash, and tombstones; broken lines between them do not count. */
export function lastRowsFrom(fd: number, sizeBytes: number, wanted: number): RowsFrom {
  for (let lines = wanted; ; lines = lines * 2 + 1) {
    const offset = offsetOfLast(fd, sizeBytes, lines);
    const rows = countRows(fd, offset, sizeBytes);
    if (rows >= wanted || offset === 0)
      return { offset, surplus: Math.max(0, rows - wanted), lacking: Math.max(0, wanted - rows) };
  }
}

/** Where the last `lines` lines that end in a newline begin. */
export function offsetOfLast(fd: number, sizeBytes: number, lines: number): number {
  let newlines = 0;
  for (let end = sizeBytes; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const block = readAt(fd, start, end - start);
    for (let at = block.lastIndexOf(NEWLINE); at >= 0; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
      if (newlines++ === lines) return start + at + 1;
    }
  }
  return 0;
}

function countRows(fd: number, from: number, sizeBytes: number): number {
  let rows = 0;
  scanLines(fd, from, sizeBytes, ({ block, start, end, terminated }) => {
    const { kind } = readLine(block.subarray(start, end));
    if (terminated && (kind === 'row' || kind === 'tombstone')) rows++;
  });
  return rows;
}
