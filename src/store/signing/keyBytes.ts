/** Reading what keys lie in. What signs must be its owner's alone, and is never written over. */
import type { Stats } from 'node:fs';
import { errnoOf, LedgerError } from '../../core/errors';
import { readHandedFile } from '../handedFile';

/** No key is longer. */
export const MAX_KEY_BYTES = 64 << 10;
/** A key itself, and no path. */
const LINE = /^(?:ssh|ecdsa|sk)-[\w@.-]+[ \t]/;
const NO_BYTES = Buffer.alloc(0);

/**
 * The bytes of a key's file; none where it is no file, or too long. Keys may be reached through links, as those in ~/.ssh
 * often are.
 * @param isSecret whether others must not be able to read it
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export function readKeyBytes(path: string, isSecret = false): Buffer {
  try {
    const refuse = (stats: Stats): void => {
      if (isSecret) refuseOpen(path, stats);
    };
    return readHandedFile(path, MAX_KEY_BYTES, refuse) ?? NO_BYTES;
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    if (LINE.test(path)) {
      throw new LedgerError('KEY_UNUSABLE', `expected the line of an Ed25519 key, found ${path.slice(0, 100)}`, {
        hint: 'it was cut, is a key of another kind, or one by which anybody can sign',
        cause: error,
      });
    }
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

/** One's own secret that others may read. */
function refuseOpen(path: string, { mode, uid }: Stats): void {
  if ((mode & 0o077) === 0 || uid !== process.geteuid?.()) return;
  const found = (mode & 0o777).toString(8);
  throw new LedgerError('KEY_UNUSABLE', `expected ${path} to be readable by its owner alone, found mode ${found}`, {
    place: { segment: path },
    hint: `chmod 600 '${path}'; if others may have read it, make a new one`,
  });
}
