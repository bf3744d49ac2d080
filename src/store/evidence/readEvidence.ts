/** Reading a proof or a head that somebody hands over. */
import { errnoOf, LedgerError } from '../../core/errors';
import { MAX_EVIDENCE_BYTES, parseEvidence } from '../../core/evidence/evidenceFile';
import type { EvidenceFile } from '../../core/evidence/evidenceFile';
import { readHandedFile } from '../handedFile';

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

function readHanded(path: string): Buffer {
  try {
    const bytes = readHandedFile(path, MAX_EVIDENCE_BYTES);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    throw notRead(path, errnoOf(error) === 'ENOENT' ? 'none of that name' : (errnoOf(error) ?? String(error)), error);
  }
  throw new LedgerError(
    'READ_FAILED',
    `${path}: expected a file of at most ${MAX_EVIDENCE_BYTES} bytes, found a folder, a device, a pipe, or a larger one`,
    { place: { segment: path } },
  );
}

function notRead(path: string, found: string, cause: unknown): LedgerError {
  return new LedgerError('READ_FAILED', `expected a file ${path}, found ${found}`, {
    place: { segment: path },
    cause,
  });
}
