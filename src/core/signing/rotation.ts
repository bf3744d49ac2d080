/**
 * A row `audit.key-rotation`: from it on, another key signs for the ledger. Both keys sign it, so nobody passes trust on
 * who does not have it, and nobody takes on a key that is not theirs. It names the row that it was signed to stand behind:
 * it fits that one place of that one ledger.
 *
 *   "payload":{"after":{"hash":"9f…","seq":41},"new":{"key":"ssh-ed25519 AAAA…","key_id":"SHA256:…"},"new_signature":"…",
 *     "old":{"key":"ssh-ed25519 AAAA…","key_id":"SHA256:…"},"old_signature":"…","roles":["bundle","checkpoint"]}
 */
import { verify } from 'node:crypto';
import { orNothing } from '../errors';
import { canonicalJson, toJson } from '../json';
import { fingerprintOf, publicKeyLine, readPublicKey, verifierOf } from './keys';
import type { PublicKey } from './keys';

export const KEY_ROTATION = 'audit.key-rotation';
/** The idempotency key of the first row that hands on from a key: by it a reader finds whether there is one. */
export function rotationUse(oldKeyId: string): string {
  return `key-rotation:${oldKeyId}`;
}

const BEGINNING = 'ledger-key-rotation/1\n';
const SIGNATURE = /^[A-Za-z0-9+/]{86}==$/;

/** What a key does for the ledger: sign tree heads, sign bundles. People's own roles are not handed on. */
export const EVIDENCE_ROLES = ['bundle', 'checkpoint'] as const;
export type EvidenceRole = (typeof EVIDENCE_ROLES)[number];

export interface RotationPlace {
  /** The row before, and its hash. */
  readonly seq: number;
  readonly hash: string;
}

export interface Rotation {
  readonly old: PublicKey;
  readonly new: PublicKey;
  readonly roles: readonly EvidenceRole[];
  readonly after: RotationPlace;
}

export interface SignedRotation extends Rotation {
  readonly oldSignature: Buffer;
  readonly newSignature: Buffer;
}

/** The bytes that both keys sign. */
export function rotationBytes(ledgerId: string, rotation: Rotation): Buffer {
  return Buffer.from(`${BEGINNING}${ledgerId}\n${canonicalJson(toJson(said(rotation)))}`);
}

export function rotationPayload(rotation: SignedRotation): object {
  return {
    ...said(rotation),
    old_signature: rotation.oldSignature.toString('base64'),
    new_signature: rotation.newSignature.toString('base64'),
  };
}

function said({ old, new: next, roles, after: { seq, hash } }: Rotation): object {
  return { old: named(old), new: named(next), roles: [...roles].sort(), after: { seq, hash } };
}

function named({ bytes }: PublicKey): object {
  const key = { bytes, comment: '' };
  return { key_id: fingerprintOf(key), key: publicKeyLine(key) };
}

/** The rotation in a payload; undefined where it is none, or not in the one form that would be written. */
export function readRotation(payload: unknown): SignedRotation | undefined {
  const { old, new: next, roles, after: place, ...signatures } = membersOf(payload);
  const [oldKey, newKey, known] = [keyOf(old), keyOf(next), rolesOf(roles)];
  const { seq, hash } = membersOf(place);
  const [oldSignature, newSignature] = [bytesOf(signatures['old_signature']), bytesOf(signatures['new_signature'])];
  if (!oldKey || !newKey || !known || !oldSignature || !newSignature) return undefined;
  if (!Number.isSafeInteger(seq) || typeof hash !== 'string' || oldKey.bytes.equals(newKey.bytes)) return undefined;
  const after = { seq: seq as number, hash };
  const rotation = { old: oldKey, new: newKey, roles: known, after, oldSignature, newSignature };
  // What was left out of the signed bytes must not be in the row.
  const [whole, found] = [rotationPayload(rotation), payload].map((one) => orNothing(() => canonicalJson(toJson(one))));
  return whole !== undefined && whole === found ? rotation : undefined;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function keyOf(value: unknown): PublicKey | undefined {
  const { key } = membersOf(value);
  return typeof key === 'string' ? readPublicKey(key) : undefined;
}

function rolesOf(value: unknown): readonly EvidenceRole[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const known = EVIDENCE_ROLES.filter((role) => value.includes(role));
  return known.length === value.length ? known : undefined;
}

function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' && SIGNATURE.test(value) ? Buffer.from(value, 'base64') : undefined;
}

/** Which of its two signatures does not hold. */
export function badSignature(ledgerId: string, rotation: SignedRotation): 'old' | 'new' | undefined {
  const bytes = rotationBytes(ledgerId, rotation);
  const holds = ({ bytes: key }: PublicKey, signature: Buffer): boolean =>
    verify(null, bytes, verifierOf(key), signature);
  if (!holds(rotation.old, rotation.oldSignature)) return 'old';
  return holds(rotation.new, rotation.newSignature) ? undefined : 'new';
}
