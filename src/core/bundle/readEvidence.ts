/** A file that somebody hands in: a bundle, or one in an envelope. */
import { LedgerError } from '../errors';
import { evidenceInEnvelope, isEnvelope } from './envelope';
import { noEvidence } from './evidence';
import type { EvidenceReading } from './evidence';
import { bundleIn, strictJson } from './read';

export function readEvidence(text: string): EvidenceReading {
  try {
    const value = strictJson(text);
    if (isEnvelope(value)) return evidenceInEnvelope(value);
    const reading = bundleIn(value);
    return reading.kind === 'none'
      ? reading
      : { kind: 'evidence', evidence: { bundle: reading.bundle, layers: [], findings: [] } };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return noEvidence('strict JSON', error.message);
  }
}
