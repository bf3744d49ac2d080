/** Bytes that are set aside, verbatim and durable, before anything is cut: `quarantine/<heal_id>.bin`, and what they were. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { errnoOf } from '../../core/errors';
import {
  closeQuietly,
  ensureFolder,
  openFile,
  readAt,
  readInto,
  refuseLink,
  statOf,
  syncData,
  syncFolder,
  withFile,
  writeAll,
} from '../files';
import type { StatePaths } from '../paths';

const BLOCK_BYTES = 1 << 20;

export interface SetAside {
  /** Relative to the state folder: `quarantine/01J….bin`. */
  readonly quarantine: string;
  readonly length: number;
  readonly sha256: string;
  /** The first bytes, to see what they were. */
  readonly start: Buffer;
  readonly hasZeros: boolean;
}

/** Copies `[offset, offset + length)` of an open file into quarantine. Durable when it returns: content, name and folder. */
export function setAside(paths: StatePaths, healId: string, fd: number, offset: number, length: number): SetAside {
  refuseLink(paths.quarantine);
  ensureFolder(paths.quarantine);
  const name = `${healId}.bin`;
  const target = createOver(join(paths.quarantine, name));
  const digest = createHash('sha256');
  let start: Buffer | undefined;
  let hasZeros = false;
  try {
    for (const block of blocksOf(fd, offset, length)) {
      start ??= Buffer.from(block.subarray(0, 64 << 10));
      hasZeros ||= block.includes(0);
      digest.update(block);
      writeAll(target, block);
    }
    syncData(target);
  } finally {
    closeQuietly(target);
  }
  syncFolder(paths.quarantine);
  return {
    quarantine: `quarantine/${name}`,
    length,
    sha256: digest.digest('hex'),
    start: start ?? Buffer.alloc(0),
    hasZeros,
  };
}

/** A range of a file in blocks, each valid until the next: one buffer serves for all. Ends early where the file does. */
function* blocksOf(fd: number, offset: number, length: number): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, length));
  for (let done = 0; done < length;) {
    const bytes = readInto(fd, buffer.subarray(0, Math.min(buffer.length, length - done)), offset + done);
    if (bytes === 0) return;
    yield buffer.subarray(0, bytes);
    done += bytes;
  }
}

/** A killed attempt may have left a part under the same name; its id belongs to nobody else, so it is written anew. */
function createOver(path: string): number {
  try {
    return openFile(path, 'create');
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return openFile(path, 'truncate');
  }
}

/** SHA-256 of a range of a file, hex; undefined where the file is shorter. */
export function digestRange(fd: number, offset: number, length: number): string | undefined {
  const digest = createHash('sha256');
  let bytes = 0;
  for (const block of blocksOf(fd, offset, length)) {
    digest.update(block);
    bytes += block.length;
  }
  return bytes === length ? digest.digest('hex') : undefined;
}

/** What is set aside under an id, or undefined where there is nothing (any more). */
export function readSetAside(paths: StatePaths, healId: string): SetAside | undefined {
  refuseLink(paths.quarantine);
  const path = join(paths.quarantine, `${healId}.bin`);
  const length = statOf(path)?.size;
  if (length === undefined) return undefined;
  return withFile(path, 'read', (fd) => {
    const start = readAt(fd, 0, Math.min(length, 64 << 10));
    return {
      quarantine: `quarantine/${healId}.bin`,
      length,
      sha256: digestRange(fd, 0, length) ?? '',
      start,
      hasZeros: start.includes(0),
    };
  });
}
