/**
 * Keys of people, as SSH spells them, so that the keys they have will do: Ed25519 alone. A key is known by its fingerprint,
 * which `ssh-keygen -l` shows, too.
 *
 *   ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… alice@laptop  →  SHA256:mVPwvezndPv/ARoIadVY98vAC0g+P/5633yTC4d/wXE
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { WireReader, wireNumber, wireText } from './wire';

export const KEY_TYPE = 'ssh-ed25519';
/** Of a public key, and of the seed of a private one. */
const KEY_BYTES = 32;

export interface PublicKey {
  /** The 32 bytes of the key. */
  readonly bytes: Buffer;
  /** What stands behind it: whose it is, in whose words. */
  readonly comment: string;
}

export interface PrivateKey {
  readonly key: KeyObject;
  readonly publicKey: PublicKey;
}

/** A key file is locked with a passphrase: what it says of itself all the same. */
export interface LockedKey {
  readonly key: undefined;
  readonly publicKey: PublicKey;
}

/** `SHA256:…`, by which a key is known. */
export function fingerprintOf({ bytes }: Pick<PublicKey, 'bytes'>): string {
  return `SHA256:${hash('sha256', blobOf(bytes), 'base64').replace(/=+$/, '')}`;
}

/** A public key as SSH hands it on. */
export function blobOf(bytes: Buffer): Buffer {
  return Buffer.concat([wireText(KEY_TYPE), wireText(bytes)]);
}

/** The key in such bytes; undefined where it is another kind of key, or none. */
export function keyInBlob(blob: Buffer): Buffer | undefined {
  return orUndefined(() => {
    const reader = new WireReader(blob);
    if (reader.text().toString() !== KEY_TYPE) return undefined;
    const bytes = reader.text();
    return reader.rest().length === 0 && isSoundKey(bytes) ? Buffer.from(bytes) : undefined;
  });
}

/** Points by which signatures of anything can be made, but for the sign: no honest key is one. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0'.repeat(64),
  `01${'0'.repeat(62)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'f'.repeat(60)}7f`,
]);

/** 2^255 - 19 and what is above it up to 2^255, as hex: second spellings, which RFC 8032 forbids. */
const NOT_REDUCED = /^(?:e[def]|f[0-9a-f])f{60}7f$/;

/** Whether bytes can be the public key of somebody honest, spelt in the one way. */
export function isSoundKey(bytes: Buffer): boolean {
  if (bytes.length !== KEY_BYTES) return false;
  const unsigned = Buffer.from(bytes);
  unsigned[KEY_BYTES - 1] = (unsigned[KEY_BYTES - 1] as number) & 0x7f;
  const hex = unsigned.toString('hex');
  return !SMALL_ORDER.has(hex) && !NOT_REDUCED.test(hex);
}

/** The line of a `.pub` file; undefined where it is none of an Ed25519 key. */
export function readPublicKey(line: string): PublicKey | undefined {
  if (/[\r\n]/.test(line.trim())) return undefined;
  const [type, base64 = '', ...comment] = line.trim().split(/[ \t]+/);
  const bytes = type === KEY_TYPE ? keyInBlob(Buffer.from(base64, 'base64')) : undefined;
  return bytes && { bytes, comment: comment.join(' ') };
}

export function publicKeyLine({ bytes, comment }: PublicKey): string {
  const line = `${KEY_TYPE} ${blobOf(bytes).toString('base64')}`;
  return comment === '' ? line : `${line} ${comment}`;
}

/** What checks signatures by it. */
export function verifierOf(bytes: Buffer): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' });
}

const OPENSSH = /^-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----\s*$/;
const PEM = /^-----BEGIN PRIVATE KEY-----/;
const MAGIC = Buffer.from('openssh-key-v1\0');

/**
 * The text of a private key's file: OpenSSH's, or PKCS #8 as OpenSSL writes it.
 * @returns a locked key where a passphrase is on it; undefined where it is no Ed25519 key
 */
export function readPrivateKey(text: string): PrivateKey | LockedKey | undefined {
  const openssh = OPENSSH.exec(text)?.[1];
  if (openssh !== undefined) return orUndefined(() => readOpenSsh(Buffer.from(openssh, 'base64')));
  return PEM.test(text) ? orUndefined(() => privateKeyOf(createPrivateKey(text), '')) : undefined;
}

function readOpenSsh(bytes: Buffer): PrivateKey | LockedKey | undefined {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const reader = new WireReader(bytes.subarray(MAGIC.length));
  const cipher = reader.text().toString();
  reader.text(); // how the passphrase is stretched
  reader.text();
  if (reader.number() !== 1) return undefined;
  const publicBytes = keyInBlob(reader.text());
  if (publicBytes === undefined) return undefined;
  if (cipher !== 'none') return { key: undefined, publicKey: { bytes: publicBytes, comment: '' } };
  const inner = new WireReader(reader.text());
  if (inner.number() !== inner.number() || inner.text().toString() !== KEY_TYPE) return undefined;
  inner.text();
  const seed = inner.text().subarray(0, KEY_BYTES);
  const read = privateKeyOf(fromSeed(seed, publicBytes), inner.text().toString());
  return read?.publicKey.bytes.equals(publicBytes) === true ? read : undefined;
}

function fromSeed(seed: Buffer, publicBytes: Buffer): KeyObject {
  const [d, x] = [seed.toString('base64url'), publicBytes.toString('base64url')];
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' });
}

/** @returns undefined where it is another kind of key */
export function privateKeyOf(key: KeyObject, comment: string): PrivateKey | undefined {
  const bytes = bytesOf(createPublicKey(key));
  return bytes && { key, publicKey: { bytes, comment } };
}

function bytesOf(key: KeyObject): Buffer | undefined {
  if (key.asymmetricKeyType !== 'ed25519') return undefined;
  const bytes = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
  return isSoundKey(bytes) ? bytes : undefined;
}

const PUBLIC_PEM = /^-----BEGIN PUBLIC KEY-----/;

/** A public key as OpenSSL writes it. */
export function readPublicPem(text: string): PublicKey | undefined {
  const bytes = PUBLIC_PEM.test(text) ? orUndefined(() => bytesOf(createPublicKey(text))) : undefined;
  return bytes && { bytes, comment: '' };
}

export function newPrivateKey(comment: string): PrivateKey {
  return privateKeyOf(generateKeyPairSync('ed25519').privateKey, comment) as PrivateKey;
}

/** OpenSSH's form, without a passphrase: `ssh-keygen -p` puts one on it, `ssh-add` takes it. */
export function privateKeyText({ key, publicKey: { bytes, comment } }: PrivateKey, check: number): string {
  const { d = '' } = key.export({ format: 'jwk' });
  const seed = Buffer.from(d, 'base64url');
  const inner = Buffer.concat([
    wireNumber(check),
    wireNumber(check),
    blobOf(bytes),
    wireText(Buffer.concat([seed, bytes])),
    wireText(comment),
  ]);
  // Filled up to whole blocks of eight with 1, 2, 3, …
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, i) => i + 1));
  const whole = Buffer.concat([
    MAGIC,
    wireText('none'),
    wireText('none'),
    wireText(''),
    wireNumber(1),
    wireText(blobOf(bytes)),
    wireText(Buffer.concat([inner, padding])),
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** What is cut short or garbled is no key. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
