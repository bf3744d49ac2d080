/**
 * The portable lock: proper-lockfile's folder `audit.jsonl.lock`, for network file systems and platforms without the
 * native part. It promises detection, not exclusion: a holder that was paused longer than `stale` loses it without
 * being told. So before every write the holder asks `stillOurs`, which answers from the time that has passed on a
 * clock that never goes back and from the folder's inode and mtime, and what overlaps all the same ends as FORK.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type lockfile from 'proper-lockfile';
import { errnoOf } from '../../core/errors';
import type { HeldLock } from './lock';

/** Fixed by ledger/1: every writer of a ledger must agree on them. */
const STALE_MS = 10_000;
const UPDATE_MS = 2_000;

type ProperLockfile = Pick<typeof lockfile, 'lockSync'>;

/**
 * Loads the library: only for ledgers that are locked this way. Its exit handler takes over signals that Node ignores
 * (a file that may not grow, above all, must be an error of the write, not the end of the process), unless somebody
 * else listens to them.
 */
export async function loadPortableLock(): Promise<ProperLockfile> {
  process.on('SIGXFSZ', () => undefined);
  return (await import('proper-lockfile')).default;
}

/** Tries once to take the lock; undefined where another holds it. */
export function tryPortableLock(
  library: ProperLockfile,
  ledgerPath: string,
  monotonicMs: () => number,
): HeldLock | undefined {
  const folder = `${ledgerPath}.lock`;
  let compromised = false;
  const startMs = monotonicMs();
  let release: () => void;
  try {
    release = library.lockSync(ledgerPath, {
      realpath: false,
      stale: STALE_MS,
      update: UPDATE_MS,
      retries: 0,
      lockfilePath: folder,
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
  const taken = statSync(folder);
  const stillOurs = (): boolean => {
    const elapsedMs = monotonicMs() - startMs;
    if (compromised || elapsedMs > STALE_MS / 2) return false;
    const now = statSync(folder, { throwIfNoEntry: false });
    if (now === undefined || now.ino !== taken.ino) return false;
    // Before its first update the library has not touched the mtime since it was taken.
    return elapsedMs > UPDATE_MS || now.mtimeMs === taken.mtimeMs;
  };
  return {
    stillOurs,
    // The note was left when the ledger was created; this library's lock is a folder.
    leaveNote: () => undefined,
    // Its release removes whatever folder is there, also another holder's.
    release: () => {
      if (stillOurs()) release();
    },
  };
}
