/**
 * A new index, beside the old one and then in its place. What is durable after each step:
 *
 *   1. index.db.<pid>-<random>.tmp   filled from the segments and the file; not synced, nobody else opens it
 *   2. secondary indexes, difference, fsync
 *   3. the old index locked, a journal left by a dead writer removed, rename over index.db
 *
 * Who holds the old file open finds out by its inode before the next write. The lock of step 3 matters: a journal is
 * found by name, so one that was written for the old file must not lie there when the new one has its name.
 */
import { randomBytes } from 'node:crypto';
import { fstatSync, fsyncSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ZERO_HASH } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import { closeQuietly, openFile, statOf, syncFolder, withFile } from '../files';
import { LedgerIndex } from './indexFile';
import { advance } from './indexCatchUp';
import { guarded, indexFailed, inOurWords } from './indexErrors';
import { standingOf } from './indexRead';
import { createIndexes, createTables } from './indexSchema';
import { addSegments } from './indexSegments';
import { whileLocked } from './indexSwap';
import { isAlive } from '../machine/alive';
import type { StatePaths } from '../paths';
import { openDatabase } from './sqlite';

export interface BuildOptions {
  /** How far the file is known to be committed: lines that end behind this are left, since they may be cut off again. */
  readonly upToBytes?: number;
  readonly onProgress?: (done: { readonly rows: number; readonly bytes: number; readonly ofBytes: number }) => void;
  readonly signal?: AbortSignal;
}

export interface Built {
  /** The file to finish. */
  readonly temporary: string;
  readonly rows: number;
  /** The last seq that is in, and where the next line begins in the live file. */
  readonly seq: number;
  readonly offset: number;
  /** Where the first line stands that is not the next row, if there is one: what lies behind it is not in. */
  readonly blockedAt: { readonly offset: number; readonly seq: number } | undefined;
}

type Finished = Pick<Built, 'seq' | 'offset' | 'blockedAt'>;

const ROWS_A_STEP = 20_000;
const BUILD_ATTEMPTS = 3;
const LEFTOVER = /^(?:index|columns)\.db\.([0-9]+)-[0-9a-f]{16}\.tmp(?:-journal)?$/;
const LEFTOVER_MS = 3_600_000;

/** Private to its builder until it is synced and renamed: no journal, no syncs. */
const BULK = `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
  PRAGMA cache_size = -65536; PRAGMA threads = 1`;

/**
 * Rebuilds the index from the segments and the live file. Takes no ledger lock.
 * @throws LedgerError INDEX_FAILED, INDEX_BUSY; the signal's reason
 */
export async function rebuildIndex(paths: StatePaths, options: BuildOptions = {}): Promise<Built> {
  for (let attempt = 1; ; attempt++) {
    try {
      const built = await buildIndex(paths, options);
      return { ...built, ...finishIndex(paths, built.temporary, options.upToBytes) };
    } catch (error) {
      // A heal replaced the file in the meantime.
      const again = error instanceof LedgerError && error.code === 'INDEX_FAILED' && attempt < BUILD_ATTEMPTS;
      if (!again) throw inOurWords(paths.index, error);
    }
  }
}

/** The long part: a new index in a file of its own. `finishIndex` puts it in place; it may be done under the ledger lock. */
export async function buildIndex(paths: StatePaths, options: BuildOptions = {}): Promise<Built> {
  removeLeftovers(paths);
  const temporary = `${paths.index}.${process.pid}-${randomBytes(8).toString('hex')}.tmp`;
  closeQuietly(openFile(temporary, 'create'));
  try {
    return { temporary, ...(await fill(paths, temporary, options)) };
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

async function fill(paths: StatePaths, temporary: string, options: BuildOptions): Promise<Omit<Built, 'temporary'>> {
  const database = openDatabase(temporary, { readOnly: false, busyMs: 0 });
  const ledger = openLedger(paths);
  try {
    database.exec(BULK);
    createTables(database, ZERO_HASH);
    const index = new LedgerIndex(database, temporary, 0);
    await addSegments(paths, index, options.signal);
    let rows = 0;
    const sizeBytes = Math.min(ledger === undefined ? 0 : fstatSync(ledger).size, options.upToBytes ?? Infinity);
    for (;;) {
      options.signal?.throwIfAborted();
      const step = oneStep(index, ledger, sizeBytes);
      rows += step.rows;
      options.onProgress?.({ rows, bytes: step.offset, ofBytes: sizeBytes });
      if (step.kind === 'more') {
        await setImmediate();
        continue;
      }
      guarded(temporary, () => createIndexes(database));
      const { offset, seq } = step;
      return { rows, seq, offset, blockedAt: step.kind === 'blocked' ? { offset, seq: seq + 1 } : undefined };
    }
  } finally {
    database.close();
    if (ledger !== undefined) closeQuietly(ledger);
  }
}

function openLedger(paths: StatePaths): number | undefined {
  return statOf(paths.ledger) === undefined ? undefined : openFile(paths.ledger, 'read');
}

type BuildStep = { readonly kind: 'current' | 'blocked' | 'more' } & Readonly<
  Record<'rows' | 'seq' | 'offset', number>
>;

function oneStep(index: LedgerIndex, fd: number | undefined, sizeBytes: number): BuildStep {
  const { database, path } = index;
  return guarded(path, () => {
    const from = index.watermark();
    if (fd === undefined) return { kind: 'current', rows: 0, seq: from.seq, offset: 0 };
    database.exec('BEGIN');
    const step = advance(index, from, { fd, sizeBytes, limit: ROWS_A_STEP });
    database.exec('COMMIT');
    // A heal between two steps: lines that are in were replaced.
    if (step.kind === 'disagrees') throw indexFailed(path, step.why);
    return step;
  });
}

/**
 * Takes in what was appended since, syncs, and puts the new index in place.
 * @throws LedgerError INDEX_BUSY where the old index stays locked for 5 s; INDEX_FAILED. The temporary file is gone then
 */
export function finishIndex(paths: StatePaths, temporary: string, upToBytes = Infinity): Finished {
  try {
    const { ino, ...result } = takeDifference(paths, temporary, upToBytes);
    withFile(temporary, 'update', fsyncSync);
    whileLocked(paths, () => {
      rmSync(`${paths.index}-journal`, { force: true });
      renameSync(temporary, paths.index);
    });
    if (statOf(paths.ledger)?.ino !== ino) {
      voidIndex(paths);
      throw indexFailed(paths.index, 'the ledger was replaced while it was built');
    }
    return result;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function takeDifference(
  paths: StatePaths,
  temporary: string,
  upToBytes: number,
): Finished & { readonly ino: number | undefined } {
  const ledger = openLedger(paths);
  const database = openDatabase(temporary, { readOnly: false, busyMs: 0 });
  try {
    database.exec(BULK);
    const index = new LedgerIndex(database, temporary, 0);
    if (ledger !== undefined) {
      const standing = standingOf(index, ledger);
      if (standing.kind !== 'agrees') throw indexFailed(temporary, 'the ledger was replaced while it was built');
    }
    const { size, ino } = ledger === undefined ? { size: 0 } : fstatSync(ledger);
    const sizeBytes = Math.min(size, upToBytes);
    let step = oneStep(index, ledger, sizeBytes);
    while (step.kind === 'more') step = oneStep(index, ledger, sizeBytes);
    const { offset, seq } = step;
    return { ino, seq, offset, blockedAt: step.kind === 'blocked' ? { offset, seq: seq + 1 } : undefined };
  } finally {
    database.close();
    if (ledger !== undefined) closeQuietly(ledger);
  }
}

/**
 * Removes the index, durably, before the ledger file is replaced: offsets in it would be wrong from then on. A reader
 * that has it open keeps what it read; a writer finds its file gone.
 */
export function voidIndex(paths: StatePaths): void {
  const remove = (): void => {
    rmSync(paths.index, { force: true });
    rmSync(`${paths.index}-journal`, { force: true });
  };
  try {
    whileLocked(paths, remove);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    // Locked for seconds, or a symlink: it must go all the same.
    remove();
  }
  syncFolder(paths.dir);
}

/** Removes what rebuilds that crashed have left: their process is dead, or they are an hour old. */
export function removeLeftovers(paths: StatePaths): string[] {
  const removed: string[] = [];
  for (const name of readdirSync(paths.dir)) {
    const pid = LEFTOVER.exec(name)?.[1];
    if (pid === undefined) continue;
    const path = join(paths.dir, name);
    const ageMs = Date.now() - (statOf(path)?.mtimeMs ?? 0);
    if (isAlive(Number(pid)) && ageMs < LEFTOVER_MS) continue;
    rmSync(path, { force: true });
    removed.push(basename(path));
  }
  return removed;
}
