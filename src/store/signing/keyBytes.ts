/** Reading what keys lie in. What signs must be its owner's alone, and is never written over. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { errnoOf, LedgerError } from '../../core/errors';

/** No key is longer. */
const MAX_KEY_BYTES = 64 << 10;
const NO_BYTES = Buffer.alloc(0);

/**
 * The bytes of a key's file; none where it is no file, or too long. Keys may be reached through links, as those in ~/.ssh
 * often are.
 * @param isSecret whether others must not be able to read it
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export function readKeyBytes(path: string, isSecret = false): Buffer {
  try {
    // A pipe must not be waited for.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile() || stats.size > MAX_KEY_BYTES) return NO_BYTES;
      const isOthers = (stats.mode & 0o077) !== 0 && stats.uid === process.geteuid?.();
      if (isSecret && isOthers) throw tooOpen(path, stats.mode);
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError(
      'READ_FAILED',
      `expected to read a key in ${path || '(no name)'}, found ${errnoOf(error) ?? String(error)}`,
      {
        place: { segment: path },
        hint: 'a key is the path of a file, or the name of one that "ledger key new" made: "ledger key list" shows them',
        cause: error,
      },
    );
  }
}

function tooOpen(path: string, mode: number): LedgerError {
  const found = (mode & 0o777).toString(8);
  return new LedgerError('KEY_UNUSABLE', `expected ${path} to be readable by its owner alone, found mode ${found}`, {
    place: { segment: path },
    hint: `chmod 600 '${path}'; if others may have read it, make a new one`,
  });
}
