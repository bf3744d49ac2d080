/**
 * Changing what `index.db` names, while no process is in the middle of writing to what it names now. Such a writer has
 * a journal beside it, found by name: it would be played back into whatever file has the name next.
 */
import { LedgerError } from '../../core/errors';
import { statOf } from '../files';
import { indexBusy } from './indexErrors';
import type { StatePaths } from '../paths';
import { openDatabase, sqliteFault } from './sqlite';
import type { Database } from './sqlite';

const SWAP_BUSY_MS = 5000;

/** Runs `swap` while no other process writes to the index that is there. One that is no database locks nobody out. */
export function whileLocked(paths: StatePaths, swap: () => void): void {
  const stats = statOf(paths.index);
  if (stats === undefined) return swap();
  if (!stats.isFile()) {
    throw new LedgerError('UNSAFE_PATH', `expected ${paths.index} to be a regular file, found something else`, {
      place: { segment: paths.index },
    });
  }
  const old = lockedDatabase(paths.index);
  try {
    swap();
  } finally {
    // Ended here and not by `close`: libsql's closes a connection only when its statements are collected.
    old?.exec('ROLLBACK');
    old?.close();
  }
}

function lockedDatabase(path: string): Database | undefined {
  let database: Database | undefined;
  try {
    database = openDatabase(path, { readOnly: false, busyMs: SWAP_BUSY_MS });
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (sqliteFault(error) === 'busy') throw indexBusy(path, error);
    // Noise: there is nothing to lock, and it is replaced.
    return undefined;
  }
}
