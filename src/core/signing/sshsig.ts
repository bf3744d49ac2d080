/**
 * Signatures of files as `ssh-keygen -Y verify` takes them (SSHSIG): over the digest of the file, for one purpose, the
 * namespace, so that a signature for one is none for another.
 *
 *   -----BEGIN SSH SIGNATURE-----
 *   U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTk…
 *   -----END SSH SIGNATURE-----
 */
import { createHash } from 'node:crypto';
import { base64Bytes } from '../note/note';
import { orNothing } from '../errors';
import { blobOf, keyInBlob, KEY_TYPE } from './keys';
import { WireReader, wireNumber, wireText } from './wire';

const MAGIC = Buffer.from('SSHSIG');
const VERSION = 1;
const DIGEST = 'sha512';
const SIGNATURE_BYTES = 64;
const ARMOUR = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----\n?$/;

export interface SshSignature {
  /** The 32 bytes of the key that it says it is by. */
  readonly publicBytes: Buffer;
  readonly namespace: string;
  /** The 64 bytes of the signature. */
  readonly value: Buffer;
}

/** The bytes that are signed for a file. */
export function sshSignedBytes(file: Uint8Array, namespace: string): Buffer {
  const digest = createHash(DIGEST).update(file).digest();
  return Buffer.concat([MAGIC, wireText(namespace), wireText(''), wireText(DIGEST), wireText(digest)]);
}

export function sshSignatureText({ publicBytes, namespace, value }: SshSignature): string {
  const blob = Buffer.concat([
    MAGIC,
    wireNumber(VERSION),
    wireText(blobOf(publicBytes)),
    wireText(namespace),
    wireText(''),
    wireText(DIGEST),
    wireText(Buffer.concat([wireText(KEY_TYPE), wireText(value)])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
}

/** The signature in such a text; undefined where it is none by an Ed25519 key, over another digest, or cut short. */
export function readSshSignature(text: string): SshSignature | undefined {
  const blob = base64Bytes(ARMOUR.exec(text)?.[1]?.replaceAll('\n', '') ?? '');
  return blob?.subarray(0, MAGIC.length).equals(MAGIC) === true
    ? orNothing(() => readBlob(new WireReader(blob.subarray(MAGIC.length))))
    : undefined;
}

function readBlob(reader: WireReader): SshSignature | undefined {
  if (reader.number() !== VERSION) return undefined;
  const publicBytes = keyInBlob(reader.text());
  const [namespace, reserved, digest] = [reader.text(), reader.text(), reader.text()].map(String);
  const signature = new WireReader(reader.text());
  const [type, value] = [signature.text().toString(), signature.text()];
  const isWhole = reader.rest().length + signature.rest().length === 0 && value.length === SIGNATURE_BYTES;
  if (publicBytes === undefined || namespace === undefined || type !== KEY_TYPE || !isWhole) return undefined;
  return reserved === '' && digest === DIGEST ? { publicBytes, namespace, value } : undefined;
}
