/**
 * The index brought up to the file before many old rows are asked for: an import looks up a key for every line, and
 * without an index each would be searched for through the whole file.
 */
import { fstatSync } from 'node:fs';
import { LedgerError } from '../../core/errors';
import { statOf, withFile } from '../files';
import { openIndex } from './indexFile';
import { rebuildIndex } from './indexBuild';
import { catchUp } from './indexCatchUp';
import type { StatePaths } from '../paths';

/** A file of this size is searched faster than an index is built. */
const SMALL_BYTES = 1 << 20;

/** Nothing is lost where this fails: the answers are only slower. `onFault` hears why. */
export async function readyIndex(paths: StatePaths, onFault: (error: LedgerError) => void): Promise<void> {
  if ((statOf(paths.ledger)?.size ?? 0) < SMALL_BYTES) return;
  try {
    const state = caughtUp(paths);
    // One that is ahead of the file, or of another file, is evidence: the writer says so.
    if (state === 'missing') await rebuildIndex(paths);
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code === 'INVARIANT') throw error;
    onFault(error);
  }
}

function caughtUp(paths: StatePaths): 'missing' | ReturnType<typeof catchUp>['kind'] {
  const index = openIndex(paths, 'write');
  if (index === undefined) return 'missing';
  try {
    return withFile(paths.ledger, 'read', (fd) => catchUp(index, fd, fstatSync(fd).size, { ifFree: true }).kind);
  } finally {
    index.close();
  }
}
