/** A secret that two share, for HMAC-SHA-256: whoever can check with it could have made it. 32 random bytes or more. */
import { createHash, createHmac } from 'node:crypto';

export const HMAC_KEY_BYTES = 32;
/** Random ones have more different bytes than this. */
const FEW_DIFFERENT = 8;
const ID_BEGINNING = 'ledger-hmac-key-id/1\n';
const ID_HEX = 16;

/**
 * The key in a file, as hex, base64 or raw bytes.
 * @returns undefined where there are too few, or where nobody drew them at random
 */
export function hmacKeyIn(file: Buffer): Buffer | undefined {
  const key = decoded(file);
  return key.length >= HMAC_KEY_BYTES && new Set(key).size > FEW_DIFFERENT ? key : undefined;
}

function decoded(file: Buffer): Buffer {
  const text = file.toString('latin1').trim();
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : file;
}

/** By which the key is known, and from which it cannot be told. */
export function hmacKeyId(key: Buffer): string {
  return `hmac:${createHash('sha256').update(ID_BEGINNING).update(key).digest('hex').slice(0, ID_HEX)}`;
}

export function hmacOf(key: Buffer, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes).digest();
}
