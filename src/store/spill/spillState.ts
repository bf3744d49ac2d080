/** How many rows wait outside the chain, counted without a lock: a line that begins as a spill record does is one. */
import { fstatSync } from 'node:fs';
import { scanLines } from '../read/lines';
import type { StatePaths } from '../paths';
import { countInSpillFiles } from './spillFiles';

const RECORD_START = Buffer.from('{"spill":');

export function countSpilled(paths: StatePaths): number {
  return countInSpillFiles(paths, countRecords);
}

function countRecords(fd: number): number {
  let records = 0;
  scanLines(fd, 0, fstatSync(fd).size, (line) => {
    if (line.block.subarray(line.start, line.end).indexOf(RECORD_START) === 0) records++;
  });
  return records;
}
