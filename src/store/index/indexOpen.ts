/** Opening `index.db`: for reading, for writing, and after a writer that died. What may be opened at all. */
import type { Stats } from 'node:fs';
import { LedgerError } from '../../core/errors';
import { statOf } from '../files';
import type { StatePaths } from '../paths';
import { guarded, isDestroyed, isHalfDone } from './indexErrors';
import { LedgerIndex } from './indexFile';
import { openDatabase } from './sqlite';

/** A reader waits this long for a commit that is being written; a writer for another writer. */
const READ_BUSY_MS = 200;
const WRITE_BUSY_MS = 2000;

/**
 * Opens the index that is there.
 * @param busyMs how long to wait for another's lock
 * @returns undefined where there is none
 * @throws LedgerError INDEX_FAILED where it is damaged, foreign or of another version (rebuild it); INDEX_BUSY where a
 *   writer holds it (go on without); UNSAFE_PATH for a symlink; NOT_OWNER for writing another account's
 */
export function openIndex(
  paths: StatePaths,
  mode: 'read' | 'write',
  busyMs = mode === 'read' ? READ_BUSY_MS : WRITE_BUSY_MS,
): LedgerIndex | undefined {
  const stats = statOf(paths.index);
  if (stats === undefined) return undefined;
  checkFile(paths.index, stats, mode);
  return guarded(paths.index, () => {
    const database = openDatabase(paths.index, { readOnly: mode === 'read', busyMs });
    try {
      if (mode === 'write') database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL');
      database.exec('PRAGMA cell_size_check = ON');
      const index = new LedgerIndex(database, paths.index, stats.ino);
      index.check();
      return index;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * The same for reading, by a process that holds the ledger's lock: what a writer that died left half-done is rolled back
 * first. A reader cannot, and one that never did would take an index for busy that nobody holds.
 */
export function openSettledIndex(paths: StatePaths, busyMs?: number): LedgerIndex | undefined {
  try {
    return openIndex(paths, 'read', busyMs);
  } catch (error) {
    if (!isHalfDone(error)) throw error;
    rollBack(paths, error);
    return openIndex(paths, 'read', busyMs);
  }
}

function rollBack(paths: StatePaths, halfDone: unknown): void {
  try {
    openIndex(paths, 'write')?.close();
  } catch (error) {
    // Another account's, or on a disk that takes nothing just now: it stays what it was.
    throw isDestroyed(error) ? error : halfDone;
  }
}

function checkFile(path: string, stats: Stats, mode: 'read' | 'write'): void {
  if (!stats.isFile()) {
    const found = stats.isSymbolicLink() ? 'a symbolic link' : 'something else';
    throw new LedgerError('UNSAFE_PATH', `expected ${path} to be a regular file, found ${found}`, {
      place: { segment: path },
      hint: 'remove it; the index is rebuilt from the ledger',
    });
  }
  const euid = process.geteuid?.();
  if (mode === 'write' && euid !== undefined && stats.uid !== euid) {
    throw new LedgerError('NOT_OWNER', `expected ${path} to belong to uid ${euid}, found uid ${stats.uid}`, {
      place: { segment: path },
    });
  }
}
