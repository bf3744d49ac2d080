/**
 * The portable lock: proper-lockfile's folder `audit.jsonl.lock`, for network file systems and platforms without the
 * native part. It promises detection, not exclusion: a holder that was paused longer than `stale` loses it without
 * being told. So before every write the holder asks `stillOurs`, which answers from the time that has passed on a
 * clock that never goes back and from the folder's inode and mtime, and what overlaps all the same ends as FORK.
 *
 * The time is a limit for writing alone: a holder that was slow lets go all the same, or the library would renew the
 * folder for as long as the process lives. Whoever holds it goes by inode and mtime, and nobody removes another's.
 */
import { mkdirSync, rmdirSync, statSync, utimesSync } from 'node:fs';
import { dirname } from 'node:path';
import type lockfile from 'proper-lockfile';
import { errnoOf } from '../../core/errors';
import type { HeldLock } from './lock';

/** Fixed by ledger/1: every writer of a ledger must agree on them. */
const STALE_MS = 10_000;
const UPDATE_MS = 2_000;

type ProperLockfile = Pick<typeof lockfile, 'lockSync' | 'lock'>;

/**
 * Loads the library: only for ledgers that are locked this way. Its exit handler takes over signals that Node ignores
 * (a file that may not grow, above all, must be an error of the write, not the end of the process), unless somebody
 * else listens to them.
 */
export async function loadPortableLock(): Promise<ProperLockfile> {
  process.on('SIGXFSZ', () => undefined);
  return (await import('proper-lockfile')).default;
}

/**
 * The folder of one holder. Inodes are given out again at once, so what tells it from a later holder's is also the time
 * that the library last gave it.
 */
class LockFolder {
  #ino: number | undefined;
  #renewedMs = 0;

  constructor(private readonly path: string) {}

  /** The calls that the library makes. It removes whatever is at the path when it releases and when the process ends. */
  readonly calls = {
    mkdirSync,
    statSync,
    utimesSync: (path: string, atime: Date, mtime: Date): void => {
      utimesSync(path, atime, mtime);
      this.#renewedMs = mtime.getTime();
    },
    rmdirSync: (path: string): void => {
      // Before it was taken it is a stale one that is cleared away.
      if (this.#ino === undefined || this.isTaken()) rmdirSync(path);
    },
  };

  taken(): void {
    const { ino, mtime } = statSync(this.path);
    this.#ino = ino;
    // As the file system keeps it, which may know no parts of a second.
    this.#renewedMs = mtime.getTime();
  }

  /** Whether the folder at the path is the one that was taken. */
  isTaken(): boolean {
    const now = statSync(this.path, { throwIfNoEntry: false });
    return now !== undefined && now.ino === this.#ino && now.mtime.getTime() === this.#renewedMs;
  }
}

/** Tries once to take the lock; undefined where another holds it. */
export function tryPortableLock(
  library: ProperLockfile,
  ledgerPath: string,
  monotonicMs: () => number,
): HeldLock | undefined {
  const lockfilePath = `${ledgerPath}.lock`;
  const folder = new LockFolder(lockfilePath);
  let compromised = false;
  const startMs = monotonicMs();
  let release: () => void;
  try {
    release = library.lockSync(ledgerPath, {
      realpath: false,
      stale: STALE_MS,
      update: UPDATE_MS,
      retries: 0,
      lockfilePath,
      fs: folder.calls,
      onCompromised: () => {
        compromised = true;
      },
    });
  } catch (error) {
    const isReleased =
      errnoOf(error) === 'ENOENT' && statSync(dirname(ledgerPath), { throwIfNoEntry: false }) !== undefined;
    // Its folder went away while it was looked at, so somebody just released it.
    if (errnoOf(error) === 'ELOCKED' || isReleased) return undefined;
    throw error;
  }
  folder.taken();
  const isHeld = (): boolean => !compromised && folder.isTaken();
  return {
    stillOurs: () => monotonicMs() - startMs <= STALE_MS / 2 && isHeld(),
    // The note was left when the ledger was created; this library's lock is a folder.
    leaveNote: () => undefined,
    // The library would take a later lock of this process for this one.
    release: () => {
      if (isHeld()) release();
    },
  };
}
