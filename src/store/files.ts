/**
 * The file operations of the store, with what each makes durable. Every open refuses symlinks, devices and pipes; every
 * open for writing also refuses files that somebody else owns or that have a second name.
 *
 * Modes are explicit: folders 0700, files 0600. Nothing here ever changes the mode of what exists.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, LedgerError } from '../core/errors';
import { INNER_LINK_ADVICE, linkAdvice, ownFileAdvice } from './linkAdvice';

const { O_RDONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY, O_TRUNC } = constants;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * How a file is opened: `read`; `append` (exists); `create` (must not exist); `truncate` (exists, and is emptied);
 * `update` (exists, and is written at offsets). `…-or-create`: the same, and created where it is missing.
 */
export type OpenMode = 'read' | 'append' | 'append-or-create' | 'create' | 'truncate' | 'update' | 'update-or-create';

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  append: O_RDWR | O_APPEND,
  'append-or-create': O_RDWR | O_APPEND | O_CREAT,
  create: O_RDWR | O_CREAT | O_EXCL,
  truncate: O_RDWR | O_TRUNC,
  update: O_RDWR,
  'update-or-create': O_RDWR | O_CREAT,
};

/**
 * Opens a regular file of ours.
 * @throws LedgerError UNSAFE_PATH for a symlink, a device, a pipe or a second hard link; NOT_OWNER; else the system's error
 */
export function openFile(path: string, mode: OpenMode): number {
  const fd = openNoFollow(path, FLAGS[mode]);
  try {
    checkOpened(path, fstatSync(fd), mode);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openNoFollow(path: string, flags: number): number {
  try {
    return openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ELOOP') throw unsafe(path, 'a symbolic link', { hint: linkAdvice(path), cause: error });
    if (errno === 'ENXIO') throw unsafe(path, 'a pipe or socket', { cause: error });
    throw error;
  }
}

function checkOpened(path: string, stats: Stats, mode: OpenMode): void {
  if (!stats.isFile()) throw unsafe(path, stats.isDirectory() ? 'a folder' : 'a device, pipe or socket');
  if (mode === 'read') return;
  const euid = process.geteuid?.();
  if (euid !== undefined && stats.uid !== euid) {
    throw new LedgerError('NOT_OWNER', `expected ${path} to belong to uid ${euid}, found uid ${stats.uid}`, {
      place: { segment: path },
      hint: `run as the owner, for instance: sudo -u '#${stats.uid}' ledger …`,
    });
  }
  if (stats.nlink > 1)
    throw unsafe(path, `a file with ${stats.nlink} names (hard links)`, { hint: ownFileAdvice(path) });
}

function unsafe(path: string, found: string, more: { hint?: string; cause?: unknown } = {}): LedgerError {
  return new LedgerError('UNSAFE_PATH', `expected ${path} to be a regular file, found ${found}`, {
    place: { segment: path },
    hint: 'move it away, or choose another folder with --dir',
    ...more,
  });
}

/** Runs `use` with an open file and closes it. An error of the close is ignored: what had to be durable was synced before. */
export function withFile<T>(path: string, mode: OpenMode, use: (fd: number) => T): T {
  const fd = openFile(path, mode);
  try {
    return use(fd);
  } finally {
    closeQuietly(fd);
  }
}

/** Closes a descriptor; its error tells nothing about data that was synced before. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // EIO here is about nothing that was promised.
  }
}

/** Reads `length` bytes at `offset`, or fewer where the file ends before. */
export function readAt(fd: number, offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  const bytes = readInto(fd, buffer, offset);
  return bytes === length ? buffer : buffer.subarray(0, bytes);
}

/** Fills `buffer` from `offset` on; returns how many bytes there were. */
export function readInto(fd: number, buffer: Uint8Array, offset: number): number {
  let done = 0;
  while (done < buffer.length) {
    const bytes = readUninterrupted(fd, buffer, done, offset + done);
    if (bytes === 0) break;
    done += bytes;
  }
  return done;
}

/** Of the calls used here, libuv leaves only `read` to the caller when a signal interrupts it. */
function readUninterrupted(fd: number, buffer: Uint8Array, start: number, offset: number): number {
  for (;;) {
    try {
      return readSync(fd, buffer, start, buffer.length - start, offset);
    } catch (error) {
      if (errnoOf(error) !== 'EINTR') throw error;
    }
  }
}

/** Writes all of `data` where the descriptor stands (the end, for `append`): one write, and the rest of a short one. */
export function writeAll(fd: number, data: Uint8Array): void {
  let done = 0;
  while (done < data.length) done += writeSync(fd, data, done, data.length - done, null);
}

/** Writes all of `data` at an offset. */
export function writeAt(fd: number, data: Uint8Array, offset: number): void {
  let done = 0;
  while (done < data.length) done += writeSync(fd, data, done, data.length - done, offset + done);
}

/** Takes a file away, where there is one: "rmSync" loads what takes folders away first, which is 4 ms of a start. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** The whole content of a small file, or the beginning of one that is longer than it should be; undefined where there is none. */
export function readWhole(path: string, maxBytes = Infinity): Buffer | undefined {
  // Most of the files that are asked for are not there, and a thrown error takes longer than a look.
  if (statOf(path) === undefined) return undefined;
  try {
    return withFile(path, 'read', (fd) => readAt(fd, 0, Math.min(fstatSync(fd).size, maxBytes)));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The state of a path itself (never of what a link points to), or undefined where there is nothing. */
export function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Makes the content of a file durable, and throws where the file system stopped meanwhile. */
export function syncData(fd: number): void {
  fdatasyncSync(fd);
  checkNotStopped(fd);
}

/**
 * Whether a sync that returned 0 can be believed. ext4 and xfs look at their state when a sync begins; if they are shut
 * down, or ext4 stops at an error, while the data is on its way, the transaction with the file's new size is dropped,
 * nothing is left to wait for, and the sync returns 0: in 3 to 10 of 100 stops under load, on Linux 6.18, with
 * `fsync` and `O_DSYNC` as well. A change to the inode needs a journal that lives. On ext4 the first one may only
 * make it notice that its journal is dead; the second is then refused. Both take 6 us, a sync some hundreds.
 * @throws the system's error (EIO, EROFS) where the file system has stopped
 */
export function checkNotStopped(fd: number): void {
  touch(fd);
  touch(fd);
}

/** What a stopped file system answers; any other refusal is about the file. */
const STOPPED: ReadonlySet<string | undefined> = new Set(['EIO', 'EROFS']);

function touch(fd: number): void {
  const now = Date.now() / 1000;
  try {
    futimesSync(fd, now, now);
  } catch (error) {
    if (STOPPED.has(errnoOf(error))) throw error;
    // An append-only file (chattr +a) keeps its times: a file system that was shut down refuses the read as well.
    readAt(fd, 0, 1);
  }
}

/** Makes the names in a folder durable: after a create, a rename, an unlink. */
export function syncFolder(path: string): void {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeQuietly(fd);
  }
}

/** Creates a folder (0700) and its missing parents, durably. Returns whether it was missing. */
export function ensureFolder(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return false;
  ensureFolder(dirname(path));
  try {
    mkdirSync(path, { mode: FOLDER_MODE });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  syncFolder(dirname(path));
  return true;
}

/**
 * What is kept in a folder of the state folder must lie there: a link leads elsewhere.
 * @throws LedgerError UNSAFE_PATH for a symlink
 */
export function refuseLink(folder: string): void {
  if (!isLink(folder)) return;
  throw new LedgerError('UNSAFE_PATH', `expected ${folder} to be a folder, found a symbolic link`, {
    place: { segment: folder },
    hint: INNER_LINK_ADVICE,
  });
}

/** Whether a path is itself a symlink, wherever that leads. */
export function isLink(path: string): boolean {
  return statOf(path)?.isSymbolicLink() === true;
}

function noFolder(folder: string): LedgerError {
  return new LedgerError('UNSAFE_PATH', `expected ${folder} to be a folder, found something else`, {
    place: { segment: folder },
    hint: 'look at what it is, and move it away',
  });
}

/** The names in a folder; none where there is no folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    if (errnoOf(error) === 'ENOTDIR') throw noFolder(folder);
    throw error;
  }
}

/** The size and the inode of an open file. */
export function statOpen(fd: number): Stats {
  return fstatSync(fd);
}
