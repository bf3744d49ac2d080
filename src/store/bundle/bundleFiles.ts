/** Bundles on the disk: one file, or a folder that is there whole or not at all. */
import { renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { namesOfBundle, SUMS } from '../../core/bundle/folder';
import { errnoOf, LedgerError } from '../../core/errors';
import { ensureFolder, namesIn, syncFolder } from '../files';
import { createWhole } from '../wholeFile';
import { MAX_HANDED_BYTES, readHandedFile } from '../handedFile';
import { notWritten, refuseExisting } from '../evidence/newEvidence';

/**
 * Writes all files under a temporary name, syncs them and gives the folder its name.
 * @throws LedgerError NOT_WRITABLE, also where there is something of that name
 */
export function writeBundleFolder(path: string, files: ReadonlyMap<string, Buffer>, pid: number): void {
  refuseExisting(path);
  const [folder, parent] = [resolve(path), dirname(resolve(path))];
  const temporary = `${folder}.tmp-${pid}`;
  try {
    ensureFolder(temporary);
    for (const [name, bytes] of files) createWhole(join(temporary, name), bytes);
    syncFolder(temporary);
    refuseExisting(path);
    renameSync(temporary, folder);
    syncFolder(parent);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error instanceof LedgerError ? error : notWritten(path, error);
  }
}

export type BundleSource =
  | { readonly kind: 'file'; readonly bytes: Buffer }
  | { readonly kind: 'folder'; readonly files: ReadonlyMap<string, Buffer> };

/** Files that make a bundle are few; a stranger's folder may have any number of others. */
const MAX_FILES = 100;

/**
 * What lies at a path.
 * @throws LedgerError READ_FAILED
 */
export function readBundleAt(path: string): BundleSource {
  try {
    return statSync(path).isDirectory()
      ? { kind: 'folder', files: filesIn(path) }
      : { kind: 'file', bytes: bytesOf(path) };
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError('READ_FAILED', `expected to read ${path}, found ${errnoOf(error) ?? String(error)}`, {
      place: { segment: path },
      cause: error,
    });
  }
}

/** All names, with the bytes of those alone that belong to a bundle or that its digests name. */
function filesIn(folder: string): Map<string, Buffer> {
  const names = namesIn(folder).filter((name) => !name.startsWith('.'));
  const bytesOf = (name: string): Buffer | undefined => (names.includes(name) ? readHandedFile(join(folder, name)) : undefined); // prettier-ignore
  const wanted = namesOfBundle(bytesOf(SUMS)).slice(0, MAX_FILES);
  const read = new Map(wanted.map((name) => [name, bytesOf(name)]));
  const others = names.filter((name) => !read.has(name)).slice(0, MAX_FILES);
  const found = [...read].flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, bytes] as const]));
  return new Map([...found, ...others.map((name) => [name, Buffer.alloc(0)] as const)]);
}

function bytesOf(path: string): Buffer {
  const bytes = readHandedFile(path);
  if (bytes !== undefined) return bytes;
  throw new LedgerError('READ_FAILED', `expected ${path} to be a file of at most ${MAX_HANDED_BYTES >> 20} MiB, found a device, a pipe or a larger one`, { place: { segment: path } }); // prettier-ignore
}
