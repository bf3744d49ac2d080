/** Who signed a bundle, of those whom whoever checks trusts. */
import { formatTime } from '../time';
import type { Layer } from './evidence';
import { BundleFindings } from './finding';
import type { Checked } from './finding';
import type { EvidenceKey } from './keys';

export interface CheckedSignature {
  readonly state: Checked;
  /** Undefined where a signature does not hold, or is by nobody who is known. */
  readonly key: EvidenceKey | undefined;
}

export interface WhoChecks {
  /** None: nothing is found, and nothing is known. */
  readonly keys: readonly EvidenceKey[];
  /** Of how many rows the ledger was. */
  readonly atSize: number;
  /** The newest row in it: it was signed at this moment or later. */
  readonly atMs: number;
}

/** @param layers the bundle, and what it is wrapped in: all of them by one key */
export function checkSigned(
  layers: readonly Layer[],
  { keys, atSize, atMs }: WhoChecks,
  findings: BundleFindings,
): CheckedSignature {
  const ids = new Set(layers.map(({ signature }) => signature.keyId));
  if (ids.size > 1) findings.add('SIGNATURE_INVALID', 'one key for all signatures', [...ids].join(' and '));
  if (keys.length === 0) return { state: ids.size > 1 ? 'broken' : 'not-checked', key: undefined };
  const found = new BundleFindings();
  const signers = layers.map((layer) => signerOf(layer, keys, found));
  const [key] = signers;
  const isGood = key !== undefined && signers.every((one) => one === key) && isTrusted(key, { atSize, atMs }, found);
  findings.addAll(found);
  if (isGood) return { state: 'valid', key };
  return { state: found.isOnlyUntrusted && ids.size === 1 ? 'untrusted' : 'broken', key: undefined };
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

function isTrusted(
  { keyId, actor, maySign, untilMs }: EvidenceKey,
  { atSize, atMs }: Pick<WhoChecks, 'atSize' | 'atMs'>,
  findings: BundleFindings,
): boolean {
  if (maySign('bundle', atSize, atMs)) return true;
  const whose = `${keyId}${actor === null ? '' : `, of ${actor}`}`;
  const isPast = untilMs !== undefined && atMs >= untilMs;
  const why = isPast ? `that was trusted until ${formatTime(untilMs)} alone` : 'that is not, or no longer';
  const want = `a key that is trusted to sign a bundle of ${atSize} rows ("bundle" or "checkpoint" among its roles)`;
  findings.add('UNTRUSTED_KEY', want, `${whose}, ${why}`);
  return false;
}
