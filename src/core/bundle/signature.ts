/** Who signed a bundle, of those whom whoever checks trusts. */
import { formatTime } from '../time';
import { signedBytes } from './bundle';
import type { BundleSignature } from './bundle';
import type { BundleFindings, Checked } from './finding';
import type { EvidenceKey } from './keys';

export interface Signed {
  readonly bytes: Buffer;
  readonly signature: BundleSignature;
  /** The newest row in it: it was signed at this moment or later. */
  readonly atMs: number;
}

/** A bundle's content is signed by its digest. */
export function signedContent(contentHash: string, signature: BundleSignature, atMs: number): Signed {
  return { bytes: signedBytes(contentHash), signature, atMs };
}

export interface CheckedSignature {
  readonly state: Checked;
  /** Undefined where the signature does not hold, or is by nobody who is known. */
  readonly key: EvidenceKey | undefined;
}

/** @param keys those of whoever checks; none: nothing is found, and nothing is known */
export function checkSigned(signed: Signed, keys: readonly EvidenceKey[], findings: BundleFindings): CheckedSignature {
  if (keys.length === 0) return { state: 'not-checked', key: undefined };
  const key = signerOf(signed, keys, findings);
  return { state: key === undefined ? 'broken' : 'valid', key };
}

function signerOf(
  { bytes, signature: { alg, keyId, value }, atMs }: Signed,
  keys: readonly EvidenceKey[],
  findings: BundleFindings,
): EvidenceKey | undefined {
  const key = keys.find((one) => one.keyId === keyId && one.alg === alg);
  const known = keys.map((one) => one.keyId).join(', ');
  if (key === undefined)
    findings.add('UNKNOWN_KEY', `a signature by ${known.slice(0, 300)}`, `one by ${keyId} (${alg})`);
  else if (!key.isSignature(bytes, Buffer.from(value, 'hex')))
    findings.add('SIGNATURE_INVALID', `a signature of this content by ${keyId}`, 'one that is not');
  else if (isTrusted(key, atMs, findings)) return key;
  return undefined;
}

function isTrusted(key: EvidenceKey, atMs: number, findings: BundleFindings): boolean {
  const { keyId, actor, maySignBundles, untilMs } = key;
  const whose = `${keyId}${actor === null ? '' : `, of ${actor}`}`;
  const isPast = untilMs !== undefined && atMs >= untilMs;
  if (!maySignBundles)
    findings.add('UNTRUSTED_KEY', 'a key in the role "bundle" or "checkpoint"', `${whose}, in neither`);
  if (isPast)
    findings.add(
      'UNTRUSTED_KEY',
      `a key that was trusted at ${formatTime(atMs)}`,
      `${whose}, until ${formatTime(untilMs)}`,
    );
  return maySignBundles && !isPast;
}
