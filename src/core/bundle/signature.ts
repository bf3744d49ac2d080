/** Who signed a bundle, of those whom whoever checks trusts. */
import { formatTime } from '../time';
import type { Layer } from './evidence';
import type { BundleFindings, Checked } from './finding';
import type { EvidenceKey } from './keys';

export interface CheckedSignature {
  readonly state: Checked;
  /** Undefined where a signature does not hold, or is by nobody who is known. */
  readonly key: EvidenceKey | undefined;
}

export interface WhoChecks {
  /** None: nothing is found, and nothing is known. */
  readonly keys: readonly EvidenceKey[];
  /** The newest row in it: it was signed at this moment or later. */
  readonly atMs: number;
}

/** @param layers the bundle, and what it is wrapped in: all of them by one key */
export function checkSigned(
  layers: readonly Layer[],
  { keys, atMs }: WhoChecks,
  findings: BundleFindings,
): CheckedSignature {
  const ids = new Set(layers.map(({ signature }) => signature.keyId));
  if (ids.size > 1) findings.add('SIGNATURE_INVALID', 'one key for all signatures', [...ids].join(' and '));
  if (keys.length === 0) return { state: ids.size > 1 ? 'broken' : 'not-checked', key: undefined };
  const signers = layers.map((layer) => signerOf(layer, keys, findings));
  const key = signers[0];
  if (key === undefined || signers.some((one) => one !== key) || !isTrusted(key, atMs, findings))
    return { state: 'broken', key: undefined };
  return { state: 'valid', key };
}

function signerOf(
  { bytes, signature: { alg, keyId, value } }: Layer,
  keys: readonly EvidenceKey[],
  findings: BundleFindings,
): EvidenceKey | undefined {
  const key = keys.find((one) => one.keyId === keyId && one.alg === alg);
  const known = keys.map((one) => one.keyId).join(', ');
  if (key === undefined)
    findings.add('UNKNOWN_KEY', `a signature by ${known.slice(0, 300)}`, `one by ${keyId} (${alg})`);
  else if (key.isSignature(bytes, Buffer.from(value, 'hex'))) return key;
  else findings.add('SIGNATURE_INVALID', `a signature of this content by ${keyId}`, 'one that is not');
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
