/** SHA-256 and the constants of its hex form. One home for the hash, so that every floor agrees on the spelling. */
import { createHash, hash } from 'node:crypto';

export const ZERO_HASH = '0'.repeat(64);
export const HEX64 = /^[0-9a-f]{64}$/;

/** Lower-case hex SHA-256 of bytes, or of the UTF-8 bytes of a string. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** The same over several, one behind the other. */
export function sha256HexOf(parts: Iterable<string | Uint8Array>): string {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest('hex');
}
