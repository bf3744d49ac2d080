/** A file that somebody hands in: a bundle, or one in an envelope. */
import { isUtf8 } from 'node:buffer';
import { LedgerError } from '../errors';
import type { WrittenMembers } from './bundle';
import { evidenceInEnvelope, isEnvelope } from './envelope';
import { noEvidence } from './evidence';
import type { EvidenceReading } from './evidence';
import { bundleIn, strictJson } from './read';
import type { BundleReading } from './read';
import { bundleOfBytes } from './writtenBundle';

export function readEvidence(bytes: Buffer): EvidenceReading {
  if (!isUtf8(bytes)) return noEvidence('text in UTF-8', 'other bytes');
  try {
    const plain = bundleOfBytes(bytes);
    if (plain !== undefined) return evidenceOf(plain.reading, plain.written);
    const value = strictJson(bytes.toString('utf8'));
    return isEnvelope(value) ? evidenceInEnvelope(value) : evidenceOf(bundleIn(value));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return noEvidence('strict JSON', error.message);
  }
}

function evidenceOf(reading: BundleReading, written?: WrittenMembers): EvidenceReading {
  if (reading.kind === 'none') return reading;
  const evidence = { bundle: reading.bundle, layers: [], findings: [], ...(written && { written }) };
  return { kind: 'evidence', evidence };
}
