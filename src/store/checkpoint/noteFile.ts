/** A note in a file, which may be anybody's: no more of it is read than a note can have. */
import { MAX_NOTE_BYTES } from '../../core/note/note';
import { readWhole } from '../files';

/**
 * @returns undefined where there is no file; of one that is too long for a note, more than a note has
 * @throws LedgerError UNSAFE_PATH, the system's error
 */
export function readNote(path: string): Buffer | undefined {
  return readWhole(path, MAX_NOTE_BYTES + 1);
}
