/**
 * The keys that evidence is checked by. They come from whoever checks, from nowhere else: a key that lies in a bundle says
 * nothing about it. What a key is for is decided by the key, never by what the bundle says: a public key is no secret to
 * compute an HMAC by.
 */
import { createPublicKey, KeyObject, timingSafeEqual, verify } from 'node:crypto';
import { LedgerError, orNothing } from '../errors';
import { hmacKeyId, hmacOf } from '../signing/hmacKey';
import { blobOf, fingerprintOf, keyInBlob, readPublicKey, verifierOf } from '../signing/keys';
import type { TrustedKeys } from '../signing/signature';
import type { SignatureAlg } from './bundle';

export interface EvidenceKey {
  readonly alg: SignatureAlg;
  readonly keyId: string;
  readonly isSignature: (bytes: Buffer, signature: Buffer) => boolean;
  /** The 32 bytes of a public key. */
  readonly publicBytes: Buffer | undefined;
  /** Whose it is, where the settings say. */
  readonly actor: string | null;
  readonly maySignBundles: boolean;
  readonly maySignHeads: boolean;
  /** What is signed from then on counts no more. */
  readonly untilMs: number | undefined;
}

/** A key that was handed over to check by: for bundles and tree heads. */
export function publicKeyOf(bytes: Buffer): EvidenceKey {
  const roles = { actor: null, maySignBundles: true, maySignHeads: true, untilMs: undefined };
  return { ...ed25519(fingerprintOf({ bytes }), verifierOf(bytes)), publicBytes: bytes, ...roles };
}

function ed25519(keyId: string, key: KeyObject): Pick<EvidenceKey, 'alg' | 'keyId' | 'isSignature'> {
  return { alg: 'ed25519', keyId, isSignature: (bytes, signature) => verify(null, bytes, key, signature) };
}

export function sharedKeyOf(secret: Buffer): EvidenceKey {
  const isSignature = (bytes: Buffer, signature: Buffer): boolean => {
    const own = hmacOf(secret, bytes);
    return own.length === signature.length && timingSafeEqual(own, signature);
  };
  const roles = { actor: null, maySignBundles: true, maySignHeads: false, untilMs: undefined };
  return { alg: 'hmac-sha256', keyId: hmacKeyId(secret), isSignature, publicBytes: undefined, ...roles };
}

/** Those of the settings, each for what its roles say. */
export function configuredKeys(keys: TrustedKeys): EvidenceKey[] {
  return [...keys.values()].map(({ keyId, verifier, actor, roles, untilMs }) => ({
    ...ed25519(keyId, verifier),
    publicBytes: bytesOf(verifier),
    actor,
    maySignBundles: roles.includes('bundle') || roles.includes('checkpoint'),
    maySignHeads: roles.includes('checkpoint'),
    untilMs,
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
