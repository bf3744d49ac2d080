/** Reading a file that somebody hands over: it may be anything, and lie anywhere. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { errnoOf, LedgerError } from '../../core/errors';
import { MAX_EVIDENCE_BYTES, parseEvidence } from '../../core/evidence/evidenceFile';
import type { EvidenceFile } from '../../core/evidence/evidenceFile';
import { readAt } from '../files';

/** @throws LedgerError READ_FAILED, EVIDENCE_INVALID with the file's name in it */
export function readEvidence(path: string): EvidenceFile {
  return parseNamed(readHanded(path), path);
}

/** @throws LedgerError EVIDENCE_INVALID */
export function parseNamed(bytes: Buffer, name: string): EvidenceFile {
  try {
    return parseEvidence(bytes);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const { code, message, place, hint } = error;
    throw new LedgerError(code, `${name}: ${message}`, {
      place: { ...place, segment: name },
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** At most one byte more than such a file can have: of a larger one that is enough to know. */
function readHanded(path: string): Buffer {
  try {
    // A pipe that nobody writes to must not be waited for.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) throw notRead(path, 'a folder, a device or a pipe');
      return readAt(fd, 0, MAX_EVIDENCE_BYTES + 1);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw notRead(path, errnoOf(error) === 'ENOENT' ? 'none of that name' : (errnoOf(error) ?? String(error)), error);
  }
}

function notRead(path: string, found: string, cause?: unknown): LedgerError {
  return new LedgerError('READ_FAILED', `expected a file ${path}, found ${found}`, {
    place: { segment: path },
    cause,
  });
}
