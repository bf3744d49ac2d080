/**
 * The keys that evidence is checked by. They come from whoever checks, from nowhere else: a key that lies in a bundle says
 * nothing about it. What a key is for is decided by the key, never by what the bundle says: a public key is no secret to
 * compute an HMAC by.
 */
import { createPublicKey, KeyObject, timingSafeEqual, verify } from 'node:crypto';
import { LedgerError, orNothing } from '../errors';
import { hmacKeyId, hmacOf } from '../signing/hmacKey';
import { blobOf, fingerprintOf, keyInBlob, readPublicKey, verifierOf } from '../signing/keys';
import type { EvidenceRole } from '../signing/rotation';
import type { TrustedKeys } from '../signing/signature';
import type { KeyTrust } from '../signing/trustWalk';
import type { SignatureAlg } from './bundle';

export interface EvidenceKey {
  readonly alg: SignatureAlg;
  readonly keyId: string;
  readonly isSignature: (bytes: Buffer, signature: Buffer) => boolean;
  /** The 32 bytes of a public key. */
  readonly publicBytes: Buffer | undefined;
  /** Whose it is, where the settings say. */
  readonly actor: string | null;
  /**
   * Whether it counts for bundles, or tree heads, of a ledger that had so many rows.
   * @param atMs when it was signed at the earliest
   */
  readonly maySign: (role: EvidenceRole, atSize: number, atMs: number) => boolean;
  /** What is signed from then on counts no more. */
  readonly untilMs: number | undefined;
}

/** A key that was handed over to check by: for bundles and tree heads. */
export function publicKeyOf(bytes: Buffer): EvidenceKey {
  return { ...ed25519(bytes), actor: null, maySign: () => true, untilMs: undefined };
}

function ed25519(bytes: Buffer): Pick<EvidenceKey, 'alg' | 'keyId' | 'isSignature' | 'publicBytes'> {
  const key = verifierOf(bytes);
  const isSignature = (data: Buffer, signature: Buffer): boolean => verify(null, data, key, signature);
  return { alg: 'ed25519', keyId: fingerprintOf({ bytes }), isSignature, publicBytes: bytes };
}

export function sharedKeyOf(secret: Buffer): EvidenceKey {
  const isSignature = (bytes: Buffer, signature: Buffer): boolean => {
    const own = hmacOf(secret, bytes);
    return own.length === signature.length && timingSafeEqual(own, signature);
  };
  return {
    alg: 'hmac-sha256',
    keyId: hmacKeyId(secret),
    isSignature,
    publicBytes: undefined,
    actor: null,
    // A tree head is for everybody to check.
    maySign: (role) => role === 'bundle',
    untilMs: undefined,
  };
}

/** Those that the settings trust, and those to which they handed that on. */
export function trustedEvidenceKeys(trust: KeyTrust, trusted: TrustedKeys): EvidenceKey[] {
  return [...trust.publicKeys].map(([keyId, bytes]) => ({
    ...ed25519(bytes),
    actor: trusted.get(keyId)?.actor ?? null,
    maySign: (role, atSize, atMs) => trust.standing(role, keyId, atSize, atMs) === 'trusted',
    untilMs: trusted.get(keyId)?.untilMs,
  }));
}

/**
 * A key as a program has it: the line of a `.pub` file, PEM, the bytes of either or the 32 bytes of the key, or a key
 * object; a secret one is for HMAC.
 * @throws LedgerError KEY_UNUSABLE
 */
export function evidenceKeyOf(key: unknown): EvidenceKey {
  if (key instanceof KeyObject && key.type === 'secret') return sharedKeyOf(key.export());
  const bytes = publicBytesOf(key);
  if (bytes !== undefined) return publicKeyOf(bytes);
  throw new LedgerError('KEY_UNUSABLE', 'expected an Ed25519 public key, or a secret key object, found neither', {
    hint: 'the line "ssh-ed25519 AAAA…", PEM, the 32 bytes, or what createPublicKey or createSecretKey of node:crypto gives',
  });
}

function publicBytesOf(key: unknown): Buffer | undefined {
  // What is of no use as a key (a point of small order) is none in any form.
  const sound = (bytes: Buffer | undefined): Buffer | undefined => bytes && keyInBlob(blobOf(bytes));
  if (key instanceof KeyObject) return sound(bytesOf(key));
  if (key instanceof Uint8Array && key.length === 32) return sound(Buffer.from(key));
  const text = key instanceof Uint8Array ? Buffer.from(key).toString('utf8') : key;
  if (typeof text !== 'string') return undefined;
  return readPublicKey(text)?.bytes ?? sound(orNothing(() => bytesOf(createPublicKey(text))));
}

/** The 32 bytes of a key object; undefined for one of another kind. Of a private key its public half. */
function bytesOf(key: KeyObject): Buffer | undefined {
  if (key.asymmetricKeyType !== 'ed25519') return undefined;
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return Buffer.from(x, 'base64url');
}
