/** Where evidence is put: a place where nothing is yet, and none of the ledger's own. */
import { realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, LedgerError, orNothing } from '../../core/errors';
import { statOf, syncFolder } from '../files';
import { isWithin } from '../paths';
import { createWhole } from '../wholeFile';

/**
 * To be asked before anything is done for what would go there.
 * @throws LedgerError NOT_WRITABLE where there is something of that name, a link as well; UNSAFE_PATH within the state folder
 */
export function refuseTaken(path: string, stateDir: string): void {
  const real = join(orNothing(() => realpathSync(dirname(resolve(path)))) ?? dirname(resolve(path)), basename(path));
  const state = orNothing(() => realpathSync(stateDir)) ?? resolve(stateDir);
  if (isWithin(real, state))
    throw new LedgerError('UNSAFE_PATH', `expected a place outside the state folder for evidence, found ${path}`, {
      place: { segment: path },
      hint: 'give another name: that folder is the ledger itself',
    });
  refuseExisting(path);
}

/** @throws LedgerError NOT_WRITABLE */
export function refuseExisting(path: string): void {
  const stats = statOf(path);
  if (stats === undefined) return;
  const found = stats.isFile() ? 'a file' : stats.isDirectory() ? 'a folder' : 'a link, a device or a pipe';
  throw new LedgerError('NOT_WRITABLE', `expected nothing at ${path}, found ${found}`, {
    place: { segment: path },
    hint: 'give another name: evidence is not written over',
  });
}

/**
 * A new file, on disk when this returns.
 * @throws LedgerError NOT_WRITABLE
 */
export function createEvidence(path: string, text: string): void {
  refuseExisting(path);
  try {
    createWhole(path, Buffer.from(text));
    syncFolder(dirname(resolve(path)));
  } catch (error) {
    // Somebody else was first: that one is theirs.
    if (errnoOf(error) !== 'EEXIST') orNothing(() => rmSync(path, { force: true }));
    throw notWritten(path, error);
  }
}

export function notWritten(path: string, error: unknown): LedgerError {
  const why = errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
  return new LedgerError('NOT_WRITABLE', `expected to write ${path}, found ${why}`, { place: { segment: path }, cause: error }); // prettier-ignore
}
