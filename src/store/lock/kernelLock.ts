/**
 * The kernel lock: an OFD write lock on the whole of `audit.lock` (Linux; flock on macOS). The kernel releases it when
 * its holder dies, so a dead process blocks nobody. A waiting lock of this library cannot be given up, so the lock is
 * tried, never waited for.
 */
import { fstatSync, ftruncateSync, writeSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { errnoOf, orNothing } from '../../core/errors';
import type { Identity, LockKind } from '../../core/ownRows';
import { closeQuietly, openFile, readAt, readWhole, statOf, withFile } from '../files';
import type { HeldLock } from './lock';

interface NativeLock {
  tryLock(fd: number, offset: number, length: number, exclusive: boolean): void;
  unlock(fd: number, offset: number, length: number): void;
}

let native: NativeLock | undefined;

/** The native part, straight from the package's prebuilt folder: its own resolver takes longer than an append. */
function loadNative(): NativeLock {
  if (native !== undefined) return native;
  const load = createRequire(__filename);
  const folder = dirname(load.resolve('fs-native-extensions/package.json'));
  const file = join(folder, 'prebuilds', `${process.platform}-${process.arch}`, 'fs-native-extensions.node');
  native = load(file) as NativeLock;
  return native;
}

/** Whether this machine has the native part. */
export function hasKernelLock(): boolean {
  try {
    return typeof loadNative().tryLock === 'function';
  } catch {
    return false;
  }
}

/** How a new ledger is locked: by the kernel wherever this machine has the native part. */
export function defaultLock(): LockKind {
  return hasKernelLock() ? 'kernel' : 'lockfile';
}

interface LockFile {
  readonly fd: number;
  readonly ino: number;
  readonly dev: number;
}

/** The file that is open is the one at the path: what it is like now. */
function lookAt(path: string, { ino, dev }: LockFile): Stats | undefined {
  const stats = statOf(path);
  return stats?.ino === ino && stats.dev === dev ? stats : undefined;
}

/**
 * The lock of one ledger as one writer takes it, again and again. The lock file stays open in between: sixty waiting
 * writers must leave the holder its processor, and a writer that stays asks for every row.
 */
export class KernelLock {
  #file: LockFile | undefined;
  /** Our own note, and when the file was last written with it in it. */
  #note: { readonly of: Identity; readonly bytes: Buffer; readonly standsAtMs: number } | undefined;

  constructor(private readonly path: string) {}

  /**
   * @returns undefined where another holds it, or where the path was replaced between open and lock (try again)
   * @throws the system's error where the lock file cannot be opened, or the native part's where it cannot be loaded
   */
  tryTake(): HeldLock | undefined {
    const lock = loadNative();
    const file = this.#open();
    try {
      lock.tryLock(file.fd, 0, 0, true);
    } catch (error) {
      if (errnoOf(error) === 'EAGAIN') return undefined;
      this.close();
      throw error;
    }
    const stats = this.#lookAtTaken(file);
    if (stats === undefined) return undefined;
    return {
      stillOurs: () => lookAt(this.path, file) !== undefined,
      leaveNote: (identity, pid) => this.#leaveNote(file, stats, identity, pid),
      release: () => this.#release(file),
    };
  }

  /** Closing the only descriptor of the open file description releases the lock, too. */
  close(): void {
    if (this.#file !== undefined) closeQuietly(this.#file.fd);
    this.#file = undefined;
    this.#note = undefined;
  }

  #open(): LockFile {
    if (this.#file === undefined) {
      const fd = openFile(this.path, 'update-or-create');
      const { ino, dev } = fstatSync(fd);
      this.#file = { fd, ino, dev };
    }
    return this.#file;
  }

  /** Unless it is the file at the path it is closed: open, it would hold a lock for as long as this process lives. */
  #lookAtTaken(file: LockFile): Stats | undefined {
    let stats: Stats | undefined;
    try {
      stats = lookAt(this.path, file);
      return stats;
    } finally {
      if (stats === undefined) this.close();
    }
  }

  /** A note that stands already is not written again: a changed lock file would make the ledger's next sync half as long again. */
  #leaveNote({ fd }: LockFile, { mtimeMs }: Stats, identity: Identity, pid: number): string | undefined {
    if (this.#note?.of === identity && this.#note.standsAtMs === mtimeMs) return undefined;
    const bytes = this.#note?.of === identity ? this.#note.bytes : Buffer.from(lockNote(identity, pid));
    const stood = readAt(fd, 0, MAX_NOTE_BYTES);
    const stands = stood.equals(bytes);
    if (!stands) {
      writeSync(fd, bytes, 0, bytes.length, 0);
      ftruncateSync(fd, bytes.length);
    }
    this.#note = { of: identity, bytes, standsAtMs: fstatSync(fd).mtimeMs };
    const stoodId = stands ? undefined : noteIn(stood)?.['ledger_id'];
    return typeof stoodId === 'string' && stoodId !== identity.ledgerId ? stoodId : undefined;
  }

  #release(file: LockFile): void {
    // Closed meanwhile: released by that.
    if (this.#file !== file) return;
    try {
      loadNative().unlock(file.fd, 0, 0);
    } catch {
      this.close();
    }
  }
}

/** An origin has at most 256 characters. */
const MAX_NOTE_BYTES = 4 << 10;

/** For people and for the repair of a broken first line: who holds the lock, and which ledger it is. Always of one length. */
function lockNote(identity: Identity, pid: number): string {
  const { ledgerId, origin, lock } = identity;
  return `${JSON.stringify({ ledger_id: ledgerId, origin, lock }).slice(0, -1)},"pid":${String(pid).padStart(10)}}\n`;
}

/**
 * Leaves the note of a ledger that was created just now, whatever its kind of lock: it is the trace that there was one,
 * and a broken first line is repaired from it.
 */
export function leaveNote(path: string, identity: Identity, pid: number): void {
  withFile(path, 'update-or-create', (fd) => writeSync(fd, lockNote(identity, pid), 0));
}

/** What the lock file says: the ledger's identity, and the pid of the last holder. */
export function readLockNote(
  path: string,
): { readonly note: Record<string, unknown>; readonly pid: number } | undefined {
  const bytes = readWhole(path);
  const note = bytes === undefined ? undefined : noteIn(bytes);
  return note === undefined ? undefined : { note, pid: Number(note['pid']) };
}

function noteIn(bytes: Buffer): Record<string, unknown> | undefined {
  const note = orNothing(() => JSON.parse(bytes.toString('utf8')) as unknown);
  return typeof note === 'object' && note !== null ? (note as Record<string, unknown>) : undefined;
}

/**
 * Whether somebody holds the lock now, without writing or creating anything: a shared lock is tried for a moment, which
 * a writer that comes in between takes for one more holder and tries again.
 */
export function probeKernelLock(path: string): 'free' | 'held' | 'absent' {
  if (statOf(path) === undefined) return 'absent';
  const lock = loadNative();
  const fd = openFile(path, 'read');
  try {
    lock.tryLock(fd, 0, 0, false);
    return 'free';
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return 'held';
    throw error;
  } finally {
    closeQuietly(fd);
  }
}
