/**
 * One write at the end of the ledger, durable or not there.
 *
 *   for each of 4 attempts (the first, then after 50, 100 and 150 ms; the lock is kept):
 *     1. open afresh (the first attempt: what the tail was read from), fstat
 *                                size = base, or our own bytes of a failed attempt, which are cut off
 *     2. is the lock still ours  a paused holder of the portable lock is told here, before it writes
 *     3. write, and the rest of a short write
 *     4. lstat                   still this file, size = base + length, else somebody wrote beside us: FORK; nothing is cut
 *     5. fdatasync, and a look whether the file system still stood when it returned
 *                                ── from here on the group is committed, whatever fails later
 *   on an error of 3 or 5: cut back to base. A sync is never simply repeated: cut, write again, sync.
 */
import { fdatasync, fstatSync, ftruncateSync } from 'node:fs';
import { promisify } from 'node:util';
import { LedgerError } from '../../core/errors';
import type { Host } from '../../core/host';
import { checkNotStopped, closeQuietly, openFile, readAt, statOf, syncData, withFile, writeAll } from '../files';
import type { HeldLock } from '../lock/lock';

export const RETRY_DELAYS_MS = [50, 100, 150] as const;

const syncInPool = promisify(fdatasync);
/** A small group is synced at once: the way to the thread pool and back takes a fifth of the sync. A large one lets the next be read meanwhile. */
const SMALL_BYTES = 16 << 10;

async function sync(fd: number, bytes: number): Promise<void> {
  if (bytes <= SMALL_BYTES) {
    syncData(fd);
    return;
  }
  await syncInPool(fd);
  checkNotStopped(fd);
}

export interface CommitTarget {
  readonly path: string;
  readonly lock: Pick<HeldLock, 'stillOurs'>;
  readonly host: Host;
  /** `os`: acknowledged means that the operating system has the bytes, not the disk. */
  readonly durability: 'disk' | 'os';
  /** The ledger, open for appending, for the first attempt. */
  readonly openFd?: number;
}

/**
 * Appends `data` at `baseBytes`, the size that the ledger had when its tail was read.
 * @throws LedgerError FORK (nothing was cut), WRITE_FAILED (the file was cut back, or could not be: the next append heals it)
 */
export async function commitBytes(target: CommitTarget, baseBytes: number, data: Buffer): Promise<void> {
  let cause: unknown;
  let left: number | undefined;
  for (let attempt = 0; attempt <= RETRY_DELAYS_MS.length; attempt++) {
    if (attempt > 0) await target.host.sleep(RETRY_DELAYS_MS[attempt - 1] as number);
    try {
      const openFd = attempt === 0 ? target.openFd : undefined;
      await withLedger(target.path, openFd, (fd) => attemptCommit(target, fd, { baseBytes, data, left }));
      return;
    } catch (error) {
      if (error instanceof LedgerError) throw error;
      cause = error;
      left = cutBack(target, baseBytes, data, left);
    }
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  const rest =
    left !== undefined
      ? '; its bytes could not be taken off again: look for the rows before they are appended again'
      : '';
  throw new LedgerError(
    'WRITE_FAILED',
    `expected to append ${data.length} bytes to ${target.path}, found: ${why}${rest}`,
    {
      place: { segment: target.path, offset: baseBytes },
      hint: 'check the disk ("ledger doctor"); rows wait in the spill file and are chained by the next append or "ledger sweep"',
      cause,
    },
  );
}

async function withLedger(path: string, openFd: number | undefined, use: (fd: number) => Promise<void>): Promise<void> {
  if (openFd !== undefined) return use(openFd);
  const fd = openFile(path, 'append');
  try {
    await use(fd);
  } finally {
    closeQuietly(fd);
  }
}

interface Write {
  readonly baseBytes: number;
  readonly data: Buffer;
  /** The size that an attempt of ours left behind: a file system that refused the cut may show its bytes as zeros. */
  readonly left: number | undefined;
}

async function attemptCommit(target: CommitTarget, fd: number, { baseBytes, data, left }: Write): Promise<void> {
  const { size, ino } = fstatSync(fd);
  if (size !== baseBytes) {
    if (size !== left && !isOurAttempt(fd, size, baseBytes, data)) throw fork(target, baseBytes, `${size} bytes`);
    ftruncateSync(fd, baseBytes);
  }
  if (!target.lock.stillOurs()) throw lostLock(target);
  writeAll(fd, data);
  const after = statOf(target.path);
  const want = baseBytes + data.length;
  if (after?.ino !== ino) throw fork(target, want, after === undefined ? 'no file' : 'another file');
  if (after.size !== want) throw fork(target, want, `${after.size} bytes`);
  if (target.durability === 'disk') await sync(fd, data.length);
}

/** Whether what stands after `baseBytes` is (the beginning of) what an earlier attempt of ours wrote. */
function isOurAttempt(fd: number, size: number, baseBytes: number, data: Buffer): boolean {
  const extra = size - baseBytes;
  if (extra <= 0 || extra > data.length) return false;
  return readAt(fd, baseBytes, extra).equals(data.subarray(0, extra));
}

/**
 * Takes a failed attempt's bytes off again. Where even that fails (over quota, say) they stay: the next append heals a
 * torn tail, and builds on whole rows.
 * @param left what the attempt before had left
 * @returns the size with what is left of our attempts; undefined where nothing of them is
 */
function cutBack(target: CommitTarget, baseBytes: number, data: Buffer, left: number | undefined): number | undefined {
  let ours = left;
  try {
    withFile(target.path, 'append', (fd) => {
      const { size } = fstatSync(fd);
      const known = size !== baseBytes && (size === left || isOurAttempt(fd, size, baseBytes, data));
      ours = known ? size : undefined;
      if (!known || !target.lock.stillOurs()) return;
      ftruncateSync(fd, baseBytes);
      ours = undefined;
    });
  } catch {
    // The disk refuses; the caller says what is left.
  }
  return ours;
}

function fork(target: CommitTarget, want: number, found: string): LedgerError {
  return new LedgerError(
    'FORK',
    `expected ${target.path} to have ${want} bytes, found ${found}: somebody else changed it meanwhile`,
    {
      place: { segment: target.path, offset: want },
      hint: 'find what changes the file without the lock, then run "ledger verify"; nothing was cut off',
    },
  );
}

function lostLock(target: CommitTarget): LedgerError {
  return new LedgerError(
    'LOCK_TIMEOUT',
    'expected to hold the lock until the write, found it lost (this process was stopped too long)',
    {
      place: { segment: target.path },
      hint: 'the rows wait in the spill file; the next append or "ledger sweep" chains them',
    },
  );
}
