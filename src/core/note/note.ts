/**
 * Signed notes, as C2SP writes them: a text, a blank line, and a line for each signature. Other tools read them.
 *
 *   example.org/ledger
 *   12
 *   3v4k…=
 *
 *   — example.org/ledger Uw2QOkn8…
 *
 * A signature begins with four bytes that say by which key it is: two keys of one name are told apart by them. Refused: a
 * note that is not UTF-8, has other control characters than the newline, or has no signature or more than a hundred.
 */
import { isUtf8 } from 'node:buffer';
import { hash, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isSoundKey, verifierOf } from '../signing/keys';

export interface NoteSignature {
  readonly name: string;
  /** The first four bytes. */
  readonly keyHash: number;
  /** What is behind them. */
  readonly bytes: Buffer;
}

export interface Note {
  /** What is signed; ends in a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** `cosignature`: of a witness, who signs the time, too. */
export type NoteKeyKind = 'ed25519' | 'cosignature';

export interface NoteKey {
  readonly name: string;
  readonly keyHash: number;
  /** 32 bytes. */
  readonly publicKey: Buffer;
  readonly kind: NoteKeyKind;
}

const KINDS: Readonly<Record<NoteKeyKind, number>> = { ed25519: 0x01, cosignature: 0x04 };
export const MAX_NOTE_BYTES = 1_000_000;
const MAX_SIGNATURES = 100;
const HASH_BYTES = 4;
const SIGNATURE_BYTES = 64;
const TIME_BYTES = 8;
const LINE = /^\u2014 (\S+) (\S+)$/u;
// eslint-disable-next-line no-control-regex -- these are what is refused
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes of a text in base64, in its one spelling; undefined where it is none. */
export function base64Bytes(text: string): Buffer | undefined {
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
  return bytes?.toString('base64') === text ? bytes : undefined;
}

/** Whether a text can be the name of a key. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\s+]/u.test(name) && !CONTROL.test(name);
}

/** The note in bytes; undefined where they are none. The exact inverse of `formatNote`. */
export function parseNote(bytes: Buffer): Note | undefined {
  if (bytes.length > MAX_NOTE_BYTES || !isUtf8(bytes)) return undefined;
  const whole = bytes.toString('utf8');
  const end = whole.lastIndexOf('\n\n');
  if (end < 0 || !whole.endsWith('\n') || CONTROL.test(whole) || whole.startsWith('\ufeff')) return undefined;
  const lines = whole.slice(end + 2, -1).split('\n');
  const signatures = lines.map(parseSignature);
  if (lines.length > MAX_SIGNATURES || !signatures.every((one) => one !== undefined)) return undefined;
  return { text: whole.slice(0, end + 1), signatures };
}

function parseSignature(line: string): NoteSignature | undefined {
  const [, name = '', base64 = ''] = LINE.exec(line) ?? [];
  const bytes = base64Bytes(base64);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= HASH_BYTES) return undefined;
  return { name, keyHash: bytes.readUInt32BE(0), bytes: bytes.subarray(HASH_BYTES) };
}

export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(signatureLine).join('')}`;
}

export function signatureLine({ name, keyHash, bytes }: NoteSignature): string {
  const keyed = Buffer.alloc(HASH_BYTES + bytes.length);
  keyed.writeUInt32BE(keyHash, 0);
  keyed.set(bytes, HASH_BYTES);
  return `\u2014 ${name} ${keyed.toString('base64')}\n`;
}

export function noteKeyOf(name: string, publicKey: Buffer, kind: NoteKeyKind = 'ed25519'): NoteKey {
  const typed = Buffer.from([KINDS[kind], ...publicKey]);
  const digest = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'buffer');
  return { name, keyHash: digest.readUInt32BE(0), publicKey, kind };
}

/** Keys under one name, as those of a ledger are. */
export function noteKeysOf(name: string, publicKeys: Iterable<Buffer>): NoteKey[] {
  return Array.from(publicKeys, (publicKey) => noteKeyOf(name, publicKey));
}

/** As notes name a key to those who check by it: `example.org/ledger+530d903a+AekyeRrm…`. */
export function noteKeyText({ name, keyHash, publicKey, kind }: NoteKey): string {
  const typed = Buffer.from([KINDS[kind], ...publicKey]);
  return `${name}+${keyHash.toString(16).padStart(8, '0')}+${typed.toString('base64')}`;
}

/** The key in such a text; undefined where it is none, or a key that proves nothing. */
export function readNoteKey(text: string): NoteKey | undefined {
  const [, name = '', hex = '', base64 = ''] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text) ?? [];
  const typed = base64Bytes(base64);
  const kind = (['ed25519', 'cosignature'] as const).find((one) => KINDS[one] === typed?.[0]);
  const publicKey = typed?.subarray(1);
  if (publicKey === undefined || !isSoundKey(publicKey) || kind === undefined || !isKeyName(name)) return undefined;
  const key = noteKeyOf(name, Buffer.from(publicKey), kind);
  return key.keyHash === Number.parseInt(hex, 16) ? key : undefined;
}

/** Whether a signature is said to be by this key: the signature itself is not looked at. */
export function isBy({ name, keyHash }: NoteSignature, key: NoteKey): boolean {
  return name === key.name && keyHash === key.keyHash;
}

/** Whether this is the key's signature of the text. */
export function checkNoteSignature(text: string, signature: NoteSignature, key: NoteKey): boolean {
  if (!isBy(signature, key)) return false;
  const verifier = verifierOf(key.publicKey);
  const { bytes } = signature;
  if (key.kind === 'ed25519') return isSignatureOf(Buffer.from(text), bytes, verifier);
  const seconds = cosignedAt(signature);
  if (seconds === undefined) return false;
  return isSignatureOf(cosignedBytes(text, seconds), bytes.subarray(TIME_BYTES), verifier);
}

/** What a witness signs at that time, in seconds since 1970. */
export function cosignedBytes(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
}

/** When a witness says to have signed, in seconds since 1970; undefined where it is no cosignature. */
export function cosignedAt({ bytes }: NoteSignature): bigint | undefined {
  return bytes.length === TIME_BYTES + SIGNATURE_BYTES ? bytes.readBigUInt64BE(0) : undefined;
}

function isSignatureOf(data: Buffer, signature: Buffer, verifier: KeyObject): boolean {
  return signature.length === SIGNATURE_BYTES && verify(null, data, verifier, signature);
}

export type Opened =
  | { readonly kind: 'signed'; readonly by: readonly NoteKey[] }
  /** A key that is known did not make the signature that bears its name. */
  | { readonly kind: 'forged'; readonly by: NoteKey }
  /** No signature is by a key that is known. */
  | { readonly kind: 'unknown' };

/** Who signed a note, of those whose keys are known: each of their signatures must hold. Those by others say nothing. */
export function openNote({ text, signatures }: Note, keys: readonly NoteKey[]): Opened {
  const by: NoteKey[] = [];
  for (const signature of signatures) {
    const key = keys.find((one) => isBy(signature, one));
    if (key === undefined) continue;
    if (!checkNoteSignature(text, signature, key)) return { kind: 'forged', by: key };
    if (!by.includes(key)) by.push(key);
  }
  return by.length > 0 ? { kind: 'signed', by } : { kind: 'unknown' };
}
