/** Bundles on the disk: one file that is replaced whole, or a folder that is there whole or not at all. */
import { isUtf8 } from 'node:buffer';
import { readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { EvidenceError, errnoOf, LedgerError } from '../../core/errors';
import { replaceFile } from '../atomicFile';
import { ensureFolder, namesIn, statOf, syncFolder } from '../files';
import { createWhole } from '../wholeFile';

/** @throws LedgerError NOT_WRITABLE */
export async function writeBundleFile(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, text);
  } catch (error) {
    throw notWritten(path, error);
  }
}

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

function refuseExisting(path: string): void {
  if (statOf(path) === undefined) return;
  throw new LedgerError('NOT_WRITABLE', `expected nothing at ${path}, found something`, {
    place: { segment: path },
    hint: 'give another name: evidence is not written over',
  });
}

function notWritten(path: string, error: unknown): LedgerError {
  const why = errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
  return new LedgerError('NOT_WRITABLE', `expected to write ${path}, found ${why}`, { place: { segment: path }, cause: error }); // prettier-ignore
}

export type BundleSource =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'folder'; readonly files: ReadonlyMap<string, Buffer> };

/**
 * What lies at a path.
 * @throws LedgerError READ_FAILED, UNSAFE_PATH; MALFORMED for what is no text
 */
export function readBundleAt(path: string): BundleSource {
  try {
    if (!statSync(path).isDirectory()) return { kind: 'file', text: textOf(path) };
    const names = namesIn(path).filter((name) => !name.startsWith('.'));
    return { kind: 'folder', files: new Map(names.map((name) => [name, bytesOf(join(path, name))])) };
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError('READ_FAILED', `expected to read ${path}, found ${errnoOf(error) ?? String(error)}`, {
      place: { segment: path },
      cause: error,
    });
  }
}

/** Through links: a bundle is a file of anybody's. A folder within one is a file that nothing names. */
function bytesOf(path: string): Buffer {
  return statSync(path).isDirectory() ? Buffer.alloc(0) : readFileSync(path);
}

function textOf(path: string): string {
  const bytes = bytesOf(path);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new EvidenceError('MALFORMED', `expected a bundle in UTF-8 in ${path}, found other bytes`);
}
