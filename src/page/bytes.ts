/** Bytes and their texts, and SHA-256 of either: the one home of what the page computes digests with. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export type Bytes = Uint8Array<ArrayBuffer>;

export const utf8 = (text: string): Bytes => own(utf8ToBytes(text));
export const joined = (...parts: readonly Uint8Array[]): Bytes => own(concatBytes(...parts));
export const fromHex = (text: string): Bytes => own(hexToBytes(text));
export const digestOf = (bytes: Uint8Array): Bytes => own(sha256(bytes));
export const digestHex = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));

/** The bytes of a text in base64, in its one spelling; undefined where it is none. */
export function fromBase64(text: string): Bytes | undefined {
  try {
    const bytes = Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
    return toBase64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

export function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** What signs takes bytes that nobody shares. */
function own(bytes: Uint8Array): Bytes {
  return bytes as Bytes;
}
