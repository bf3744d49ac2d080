/**
 * A private key behind a passphrase, in the form that OpenSSL reads and writes (PKCS #8, PBES2). OpenSSL's own default
 * stretches a passphrase 2,048 times only; here scrypt does, with the numbers of `openssl pkcs8 -topk8 -scrypt`.
 */
import { createCipheriv, createPrivateKey, scryptSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const SALT_BYTES = 16;
const IV_BYTES = 16;
/** How many random bytes go with a new one. */
export const SEALING_BYTES = SALT_BYTES + IV_BYTES;
const KEY_BYTES = 32;
/** 16 MiB: OpenSSL refuses 32. */
const SCRYPT = { N: 1 << 14, r: 8, p: 1 };
const PBES2 = Buffer.from('06092a864886f70d01050d', 'hex');
const SCRYPT_OID = Buffer.from('06092b06010401da47040b', 'hex');
const AES_256_CBC = Buffer.from('060960864801650304012a', 'hex');
const [INTEGER, OCTETS, SEQUENCE] = [0x02, 0x04, 0x30];

const ENCRYPTED = /^-----BEGIN ENCRYPTED PRIVATE KEY-----/;

export function isEncryptedPem(text: string): boolean {
  return ENCRYPTED.test(text);
}

/** @returns undefined where it is another passphrase, or what is behind it is no key */
export function decryptedKey(text: string, passphrase: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: text, passphrase });
  } catch {
    return undefined;
  }
}

/** @param random `SEALING_BYTES` of them */
export function encryptedPem(key: KeyObject, passphrase: string, random: Buffer): string {
  const [salt, iv] = [random.subarray(0, SALT_BYTES), random.subarray(SALT_BYTES, SEALING_BYTES)];
  const cipher = createCipheriv('aes-256-cbc', scryptSync(passphrase, salt, KEY_BYTES, SCRYPT), iv);
  const plain = key.export({ type: 'pkcs8', format: 'der' });
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  const numbers = [SCRYPT.N, SCRYPT.r, SCRYPT.p].map((value) => der(INTEGER, minimal(value)));
  const stretching = der(SEQUENCE, SCRYPT_OID, der(SEQUENCE, der(OCTETS, salt), ...numbers));
  const scheme = der(SEQUENCE, PBES2, der(SEQUENCE, stretching, der(SEQUENCE, AES_256_CBC, der(OCTETS, iv))));
  const lines =
    der(SEQUENCE, scheme, der(OCTETS, sealed))
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${lines.join('\n')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

/** All that stands in such a key is shorter than 256 bytes. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function minimal(value: number): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}
