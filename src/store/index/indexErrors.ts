/**
 * What can be wrong with `index.db`, in our words: INDEX_FAILED (rebuild it), INDEX_BUSY (go on without it),
 * INDEX_DISAGREES (leave it).
 */
import { errnoOf, LedgerError } from '../../core/errors';
import { APPLICATION_ID } from './indexSchema';
import { sqliteFault } from './sqlite';

/** Runs something with SQLite and says its errors in our words. */
export function guarded<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw inOurWords(path, error);
  }
}

/** An error of SQLite's or of the system's (a full disk, no descriptors left) as one of the index's; any other as it is. */
export function inOurWords(path: string, error: unknown): unknown {
  if (error instanceof LedgerError) return error;
  const fault = sqliteFault(error);
  if (fault === undefined && errnoOf(error) === undefined) return error;
  return fault === 'busy' || fault === 'half-done' ? indexBusy(path, error) : indexFailed(path, String(error), error);
}

export function indexFailed(path: string, found: string, cause?: unknown): LedgerError {
  return new LedgerError('INDEX_FAILED', `expected an index of this ledger in ${path}, found: ${found}`, {
    place: { segment: path },
    hint: 'nothing is lost: "ledger sweep" rebuilds it from the ledger',
    cause,
  });
}

/**
 * An index that is whole and of another file: the ledger was replaced, or written again behind it. It may be the only
 * thing that tells of that, so who writes rows leaves it as it is; only `sweep` makes it anew, and says so.
 */
export function indexOfOtherFile(path: string, why: string): LedgerError {
  return new LedgerError(
    'INDEX_DISAGREES',
    `expected an index of this ledger file in ${path}, found one of another: ${why}`,
    {
      place: { segment: path },
      hint: 'it is left as it is: run "ledger verify", then "ledger sweep", which says so and makes it anew',
    },
  );
}

/** An index that an older or newer release made. It is made anew by whoever writes it, and says nothing against the ledger. */
export class IndexOfOtherVersion extends LedgerError {
  constructor(path: string, version: number) {
    super('INDEX_FAILED', `expected an index of this release in ${path}, found one of layout ${version}`, {
      place: { segment: path },
      hint: 'nothing is lost: "ledger sweep" rebuilds it from the ledger',
    });
  }
}

/** @param id `application_id` of the database at `path`, which is not the one that it should be */
export function otherIndex(path: string, id: unknown): LedgerError {
  const isOurs = typeof id === 'number' && id >>> 8 === APPLICATION_ID >>> 8;
  return isOurs ? new IndexOfOtherVersion(path, id & 0xff) : indexFailed(path, 'a database of another program');
}

/**
 * Whether the error says that the index was destroyed or exchanged: junk, another database, pages that do not hold
 * together. One that another release made was not, nor one that the system cannot read or write just now.
 */
export function isDestroyed(error: unknown): error is LedgerError {
  if (!(error instanceof LedgerError) || error.code !== 'INDEX_FAILED' || error instanceof IndexOfOtherVersion)
    return false;
  // RangeError: a number in it is larger than any that was written.
  return error.cause === undefined || error.cause instanceof RangeError || sqliteFault(error.cause) === 'damaged';
}

/** Whether it is busy only until somebody who may write it rolls back what a dead writer left. */
export function isHalfDone(error: unknown): boolean {
  return error instanceof LedgerError && error.code === 'INDEX_BUSY' && sqliteFault(error.cause) === 'half-done';
}

export function indexBusy(path: string, cause: unknown): LedgerError {
  return new LedgerError('INDEX_BUSY', `expected ${path} to be free, found another process at work on it`, {
    place: { segment: path },
    cause,
  });
}
