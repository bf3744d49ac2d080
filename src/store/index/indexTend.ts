/** Putting the index right, as `sweep` does it: caught up where it agrees with the file, made anew where it does not. */
import { LedgerError } from '../../core/errors';
import { closeQuietly, openFile, statOf } from '../files';
import { openIndex } from './indexOpen';
import { rebuildIndex, removeLeftovers } from './indexBuild';
import { catchUp } from './indexCatchUp';
import { inOurWords, isDestroyed } from './indexErrors';
import type { StatePaths } from '../paths';

/** `ahead`: it knows of rows that the file has no more, and was left as it is, as evidence. */
export type IndexState = 'current' | 'caught-up' | 'rebuilt' | 'busy' | 'ahead';

export interface Tended {
  readonly index: IndexState | 'not-checked';
  /** What the index had other than the file, where that is why it is to be made anew. */
  readonly differs: string | undefined;
}

/**
 * @param upToBytes how far the file is known to be committed: its end while the ledger's lock was held
 * @param differs what it holds other than the file, where that is known already: it is made anew
 * @returns `busy` where another process is at work on it; `not-checked` where it cannot be made now (a line that is no row
 *   stays where it is, the disk is full): no damage of the ledger
 * @throws LedgerError only for what is no fault of the index
 */
export async function tendIndex(paths: StatePaths, upToBytes: number, differs: string | undefined): Promise<Tended> {
  let found = differs;
  try {
    removeLeftovers(paths);
    // A small ledger needs none to be answered, but it is what remembers rows that are cut off.
    const state =
      differs !== undefined || statOf(paths.index) === undefined
        ? { kind: 'unusable' as const }
        : caughtUp(paths, upToBytes);
    if (state.kind === 'disagrees') found = state.why;
    else if (state.kind !== 'unusable') return { index: state.kind, differs: undefined };
    await rebuildIndex(paths, { upToBytes });
    return { index: 'rebuilt', differs: found };
  } catch (error) {
    const why = inOurWords(paths.index, error);
    if (!(why instanceof LedgerError)) throw why;
    if (why.code === 'INDEX_FAILED') return { index: 'not-checked', differs: found };
    if (why.code === 'INDEX_BUSY') return { index: 'busy', differs: found };
    throw why;
  }
}

/** `unusable`: it must be made anew, and says nothing; `disagrees`: it is of another file, or junk, which is to be said. */
type Found = { readonly kind: IndexState | 'unusable' } | { readonly kind: 'disagrees'; readonly why: string };

function caughtUp(paths: StatePaths, upToBytes: number): Found {
  const fd = openFile(paths.ledger, 'read');
  try {
    const index = openIndex(paths, 'write');
    if (index === undefined) return { kind: 'unusable' };
    try {
      const done = catchUp(index, fd, upToBytes);
      if (done.kind !== 'current' && done.kind !== 'blocked') return done;
      return { kind: done.rows === 0 ? 'current' : 'caught-up' };
    } finally {
      index.close();
    }
  } catch (error) {
    if (isDestroyed(error)) return { kind: 'disagrees', why: error.message };
    if (error instanceof LedgerError && error.code === 'INDEX_FAILED') return { kind: 'unusable' };
    if (error instanceof LedgerError && error.code === 'INDEX_BUSY') return { kind: 'busy' };
    throw error;
  } finally {
    closeQuietly(fd);
  }
}
