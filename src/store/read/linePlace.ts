/** Finding one line of the live file for a person who names it, by its number or by the seq that it says. */
import { fstatSync } from 'node:fs';
import { LedgerError } from '../../core/errors';
import { isSpace } from '../../core/rowText';
import { withFile } from '../files';
import { scanLines } from './lines';

/** Where any line lies, whole row or not. */
export interface LinePlace {
  /** The inode of the file in which it was found. */
  readonly ino: number;
  /** From 1. */
  readonly line: number;
  readonly offset: number;
  /** With its newline. */
  readonly length: number;
}

/** @throws LedgerError NOT_FOUND */
export function lineByNumber(path: string, wanted: number): LinePlace {
  let line = 0;
  return theOnly(path, `line ${wanted}`, () => ++line === wanted);
}

/** @throws LedgerError NOT_FOUND; USAGE where several lines say this seq */
export function lineBySeq(path: string, seq: number): LinePlace {
  const start = Buffer.from(`{"seq":${seq},`);
  return theOnly(path, `row ${seq}`, (bytes) => {
    let from = 0;
    // White space before a row makes it none; it is found all the same.
    while (isSpace(bytes[from])) from++;
    return bytes.subarray(from, from + start.length).equals(start);
  });
}

function theOnly(path: string, what: string, isIt: (line: Buffer) => boolean): LinePlace {
  const found: LinePlace[] = [];
  let line = 0;
  withFile(path, 'read', (fd) => {
    const { ino, size } = fstatSync(fd);
    scanLines(fd, 0, size, ({ block, start, end, offset, bytes, terminated }) => {
      line++;
      if (isIt(block.subarray(start, end))) found.push({ ino, line, offset, length: bytes + (terminated ? 1 : 0) });
    });
  });
  const [first, ...others] = found;
  if (first === undefined)
    throw new LedgerError('NOT_FOUND', `expected ${what} in ${path}, found none`, { place: { segment: path } });
  if (others.length === 0) return first;
  const lines = found.map((one) => one.line).join(', ');
  throw new LedgerError('USAGE', `expected one line for ${what}, found several: ${lines}`, {
    hint: 'name one of them as line:N',
  });
}
