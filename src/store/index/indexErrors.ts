/** What can be wrong with `index.db`, in our words: INDEX_FAILED (rebuild it), INDEX_BUSY (go on without it). */
import { errnoOf, LedgerError } from '../../core/errors';
import { sqliteFault } from './sqlite';

/** Runs something with SQLite and says its errors in our words. */
export function guarded<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    const fault = sqliteFault(error);
    if (fault === undefined && errnoOf(error) === undefined) throw error;
    throw fault === 'busy' ? indexBusy(path, error) : indexFailed(path, String(error), error);
  }
}

export function indexFailed(path: string, found: string, cause?: unknown): LedgerError {
  return new LedgerError('INDEX_FAILED', `expected an index of this ledger in ${path}, found: ${found}`, {
    place: { segment: path },
    hint: 'nothing is lost: "ledger sweep" rebuilds it from the ledger',
    cause,
  });
}

export function indexBusy(path: string, cause: unknown): LedgerError {
  return new LedgerError('INDEX_BUSY', `expected ${path} to be free, found another process at work on it`, {
    place: { segment: path },
    cause,
  });
}
