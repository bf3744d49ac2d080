/** Putting the index right, as `sweep` does it: caught up where it agrees with the file, made anew where it does not. */
import { fstatSync } from 'node:fs';
import { LedgerError } from '../../core/errors';
import { closeQuietly, openFile, statOf } from '../files';
import { openIndex } from './indexFile';
import { rebuildIndex, removeLeftovers } from './indexBuild';
import { catchUp } from './indexCatchUp';
import type { StatePaths } from '../paths';

/** `ahead`: it knows of rows that the file has no more, and was left as it is, as evidence. */
export type IndexState = 'current' | 'caught-up' | 'rebuilt' | 'busy' | 'ahead';

/**
 * @param differs that it does not hold what the file gives, though it is of this file: it is made anew
 * @returns `not-checked` where it cannot be made now (a line that is no row stays where it is, the disk is full): no damage
 *   of the ledger
 * @throws LedgerError only for what is no fault of the index
 */
export async function tendIndex(paths: StatePaths, differs: boolean): Promise<IndexState | 'not-checked'> {
  try {
    removeLeftovers(paths);
    // A small ledger needs none to be answered, but it is what remembers rows that are cut off.
    const state = differs || statOf(paths.index) === undefined ? undefined : caughtUp(paths);
    if (state !== undefined) return state;
    await rebuildIndex(paths);
    return 'rebuilt';
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'INDEX_FAILED') return 'not-checked';
    throw error;
  }
}

/** Undefined: it must be made anew. */
function caughtUp(paths: StatePaths): IndexState | undefined {
  const fd = openFile(paths.ledger, 'read');
  try {
    const index = openIndex(paths, 'write');
    if (index === undefined) return undefined;
    try {
      const done = catchUp(index, fd, fstatSync(fd).size);
      if (done.kind === 'busy' || done.kind === 'ahead') return done.kind;
      if (done.kind !== 'current' && done.kind !== 'blocked') return undefined;
      return done.rows === 0 ? 'current' : 'caught-up';
    } finally {
      index.close();
    }
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'INDEX_FAILED') return undefined;
    if (error instanceof LedgerError && error.code === 'INDEX_BUSY') return 'busy';
    throw error;
  } finally {
    closeQuietly(fd);
  }
}
