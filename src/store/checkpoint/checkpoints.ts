/**
 * The checkpoints of a ledger: signed notes in `checkpoints/<size>.txt`. One is put there whole, under its name, or not at
 * all, and is never written over: two that sign one size sign the same root, or one of them is wrong.
 */
import { linkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../core/errors';
import { readSignedHead } from '../../core/note/checkpoint';
import type { SignedHead } from '../../core/note/checkpoint';
import { ensureFolder, namesIn, refuseLink, removeFile, syncFolder } from '../files';
import { readNote } from './noteFile';
import { createWhole } from '../wholeFile';
import type { StatePaths } from '../paths';

export interface StoredCheckpoint extends SignedHead {
  readonly path: string;
  /** Of the note. */
  readonly bytes: Buffer;
}

/** A file that has the name of a checkpoint; `checkpoint` is undefined where it is none, or one of another size. */
export interface CheckpointFile {
  readonly name: string;
  readonly size: number;
  readonly bytes: Buffer;
  readonly checkpoint: StoredCheckpoint | undefined;
  /** Why it could not be read, where it could not. */
  readonly fault?: string | undefined;
}

const NAME = /^([1-9][0-9]{0,15})\.txt$/;

/** In ascending order of size. */
export function checkpointFiles(paths: StatePaths): CheckpointFile[] {
  return sizesIn(paths).map((size) => readCheckpoint(paths, size));
}

/** The one with the largest size, whether it can be read or not. */
export function newestFile(paths: StatePaths): CheckpointFile | undefined {
  const size = sizesIn(paths).at(-1);
  return size === undefined ? undefined : readCheckpoint(paths, size);
}

/** Those that can be read. */
export function listCheckpoints(paths: StatePaths): StoredCheckpoint[] {
  return checkpointFiles(paths).flatMap(({ checkpoint }) => checkpoint ?? []);
}

export function newestCheckpoint(paths: StatePaths): StoredCheckpoint | undefined {
  for (const size of sizesIn(paths).reverse()) {
    const { checkpoint } = readCheckpoint(paths, size);
    if (checkpoint !== undefined) return checkpoint;
  }
  return undefined;
}

function sizesIn({ checkpoints }: StatePaths): number[] {
  return namesIn(checkpoints)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b);
}

export function readCheckpoint(paths: StatePaths, size: number): CheckpointFile {
  const name = `${size}.txt`;
  const path = join(paths.checkpoints, name);
  try {
    const bytes = readNote(path) ?? Buffer.alloc(0);
    const signed = readSignedHead(bytes);
    return { name, size, bytes, checkpoint: signed?.head.size === size ? { path, bytes, ...signed } : undefined };
  } catch (error) {
    // One file that is none must not keep anybody from looking at the rest.
    const fault = error instanceof Error ? error.message : String(error);
    return { name, size, bytes: Buffer.alloc(0), checkpoint: undefined, fault };
  }
}

/**
 * Puts a note in its place; it is on disk then.
 * @returns false where there is one of this size already, which stays
 */
export function publishCheckpoint(paths: StatePaths, size: number, note: Buffer): boolean {
  ensureFolder(paths.checkpoints);
  refuseLink(paths.checkpoints);
  const path = join(paths.checkpoints, `${size}.txt`);
  const temporary = join(paths.checkpoints, `.${size}.${process.pid}.tmp`);
  try {
    removeFile(temporary);
    createWhole(temporary, note);
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return false;
  } finally {
    removeFile(temporary);
    syncFolder(paths.checkpoints);
  }
}
