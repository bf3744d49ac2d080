/** How many rows wait outside the chain, counted without a lock: a line that begins as a spill record does is one. */
import { fstatSync } from 'node:fs';
import { errnoOf } from '../../core/errors';
import { withFile } from '../files';
import { scanLines } from '../read/lines';
import type { StatePaths } from '../paths';
import { spillFiles } from './spillFiles';

const RECORD_START = Buffer.from('{"spill":');

export function countSpilled(paths: StatePaths): number {
  return spillFiles(paths)
    .map(countRecords)
    .reduce((sum, count) => sum + count, 0);
}

function countRecords(path: string): number {
  try {
    return withFile(path, 'read', (fd) => {
      let records = 0;
      scanLines(fd, 0, fstatSync(fd).size, (line) => {
        if (line.block.subarray(line.start, line.end).indexOf(RECORD_START) === 0) records++;
      });
      return records;
    });
  } catch (error) {
    // Drained between the look at its name and the open: nothing waits there.
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
