/** Public keys as they are written, and signatures by them, which the browser itself checks. */
import { areEqual, digestOf, fromBase64, joined, toBase64, utf8 } from './bytes';
import type { Bytes } from './bytes';

export interface Key {
  readonly bytes: Bytes;
  /** `SHA256:…`, as ssh-keygen shows it. */
  readonly fingerprint: string;
}

const KEY_BYTES = 32;
const DER_BEGINNING = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const NOTE_KIND = Uint8Array.of(1);

const wire = (bytes: Uint8Array): Bytes => joined(Uint8Array.of(0, 0, 0, bytes.length), bytes);
const blobOf = (bytes: Uint8Array): Bytes => joined(wire(utf8('ssh-ed25519')), wire(bytes));

/** The keys in a text: lines of OpenSSH, keys of signed notes, PEM. Undefined where one of them is none. */
export function readKeys(text: string): Key[] | undefined {
  const pem = /-----BEGIN PUBLIC KEY-----([^-]+)-----END PUBLIC KEY-----/g;
  const keys = [...text.matchAll(pem)].map(([, base64 = '']) => behind(DER_BEGINNING, base64.replace(/\s/g, '')));
  const lines = text.replace(pem, '').split('\n').map((line) => line.trim()).filter((line) => line !== ''); // prettier-ignore
  const all = [...keys, ...lines.map(keyInLine)].map((bytes) =>
    bytes && isOfSomebody(bytes) ? keyOf(bytes) : undefined,
  );
  return all.every((key) => key !== undefined) ? all : undefined;
}

function keyInLine(line: string): Bytes | undefined {
  const [, ssh] = /^ssh-ed25519 ([A-Za-z0-9+/=]+)(?: .*)?$/.exec(line) ?? [];
  const [, note] = /^[^\s+]+\+[0-9a-f]{8}\+([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
  return behind(blobOf(new Uint8Array(KEY_BYTES)).slice(0, -KEY_BYTES), ssh ?? '') ?? behind(NOTE_KIND, note ?? '');
}

/** The key's own bytes, behind those that say what it is. */
function behind(beginning: Uint8Array, base64: string): Bytes | undefined {
  const bytes = fromBase64(base64);
  const isKey = bytes?.length === beginning.length + KEY_BYTES && areEqual(bytes.slice(0, beginning.length), beginning);
  return isKey ? bytes.slice(beginning.length) : undefined;
}

const PRIME = 2n ** 255n - 19n;
const OF_ORDER_8 = 0x5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const OF_SMALL_ORDER: readonly bigint[] = [0n, 1n, PRIME - 1n, OF_ORDER_8, PRIME - OF_ORDER_8];

/** Under a point of small order anybody makes a signature of anything, and not every browser refuses one. A point has one spelling. */
function isOfSomebody(bytes: Bytes): boolean {
  const hex = [...bytes].reverse().map((byte) => byte.toString(16).padStart(2, '0')).join(''); // prettier-ignore
  const y = BigInt.asUintN(255, BigInt(`0x${hex}`));
  return y < PRIME && !OF_SMALL_ORDER.includes(y);
}

function keyOf(bytes: Bytes): Key {
  return { bytes, fingerprint: `SHA256:${toBase64(digestOf(blobOf(bytes))).replace(/=+$/, '')}` };
}

/** The four bytes by which a signed note names the key of its signer. */
export function noteKeyHash(name: string, { bytes }: Key): Bytes {
  return digestOf(joined(utf8(`${name}\n`), NOTE_KIND, bytes)).slice(0, 4);
}

/** Undefined where the browser cannot tell: not every one has Ed25519, and none has it for a page from http. */
export async function isSignature({ bytes }: Key, data: Bytes, signature: Bytes): Promise<boolean | undefined> {
  try {
    const key = await crypto.subtle.importKey('raw', bytes, 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', key, signature, data);
  } catch {
    return undefined;
  }
}
