/** `ledger bundle verify`: evidence from somebody else, held against itself and against the keys of whoever checks. */
import type { KeyObject } from 'node:crypto';
import { checkEvidence, noBundle } from '../core/bundle/check';
import type { BundleReport } from '../core/bundle/check';
import type { EvidenceReading } from '../core/bundle/evidence';
import { evidenceInFolder } from '../core/bundle/folder';
import { evidenceKeyOf } from '../core/bundle/keys';
import type { EvidenceKey } from '../core/bundle/keys';
import { readEvidence } from '../core/bundle/readEvidence';
import { EvidenceError, LedgerError } from '../core/errors';
import { readBundleAt } from '../store/bundle/bundleFiles';
import { evidenceKeys } from '../store/bundle/evidenceKeys';
import type { KeysAsked } from '../store/bundle/evidenceKeys';
import type { Place } from '../store/ledger/locate';

export type { BundleReport } from '../core/bundle/check';
export type { BundleFinding } from '../core/bundle/finding';

/** `ssh-ed25519 AAAA…`, PEM, the 32 bytes, or a key object; for HMAC a secret one (createSecretKey). */
export type EvidencePublicKey = string | Uint8Array | KeyObject;

export interface BundleVerifyRequest extends KeysAsked {
  readonly place: Place;
  /** A file, or a folder. */
  readonly path: string;
}

/** @throws LedgerError READ_FAILED, KEY_UNUSABLE, CONFIG_INVALID */
export async function verifyBundle({ place, path, ...asked }: BundleVerifyRequest): Promise<BundleReport> {
  const source = readBundleAt(path);
  const keys = await evidenceKeys(place, asked);
  return checked(() => (source.kind === 'file' ? readEvidence(source.bytes) : evidenceInFolder(source.files)), keys);
}

/** Evidence may be anything: what a check of ours stumbles over is none, and never an answer without a code. */
function checked(read: () => EvidenceReading, keys: readonly EvidenceKey[]): BundleReport {
  try {
    const reading = read();
    return reading.kind === 'none' ? noBundle(reading.finding) : checkEvidence(reading.evidence, keys);
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof LedgerError)) throw error;
    return noBundle({ code: 'MALFORMED', seq: null, want: 'a bundle that can be checked', got: error.message });
  }
}

/**
 * Checks a bundle from a program: by this key, and no other.
 * @param bundle its text, its bytes, or what was parsed of it; an envelope with one in it as well
 * @returns what it shows, and what it does not prove
 * @throws EvidenceError with the code of the first thing that does not hold; LedgerError KEY_UNUSABLE
 */
// eslint-disable-next-line @typescript-eslint/require-await -- what is wrong is a rejection, and never thrown before it
export async function verifyEvidenceBundle(bundle: unknown, publicKey: EvidencePublicKey): Promise<BundleReport> {
  const key = evidenceKeyOf(publicKey);
  const bytes = bytesOf(bundle);
  const report = checked(() => readEvidence(bytes), [key]);
  const [fault] = report.findings;
  if (fault === undefined) return report;
  const at = fault.seq === null ? '' : ` at row ${fault.seq}`;
  throw new EvidenceError(fault.code, `expected ${fault.want}${at}, found ${fault.got}`);
}

function bytesOf(bundle: unknown): Buffer {
  if (bundle instanceof Uint8Array) return Buffer.from(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const text = typeof bundle === 'string' ? bundle : jsonOf(bundle);
  // Half a character would become another one among bytes.
  if (!text.isWellFormed())
    throw new EvidenceError('MALFORMED', 'expected a bundle, found half a character in its text');
  return Buffer.from(text);
}

function jsonOf(bundle: unknown): string {
  try {
    return JSON.stringify(bundle) ?? '';
  } catch (error) {
    const isDeep = error instanceof RangeError;
    const why = isDeep ? 'it is nested too deep' : error instanceof Error ? error.message : String(error);
    throw new EvidenceError('MALFORMED', `expected a bundle, found what is no text and no JSON: ${why}`);
  }
}
