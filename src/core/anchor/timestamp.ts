/**
 * Time stamps of RFC 3161: what is asked, and what an answer says. Whether the authority signed it is for `openssl ts` to
 * check, with the certificates that one trusts; here it is seen that the answer is to this question.
 */
import { hash } from 'node:crypto';
import { DER, der, readDer, within } from './der';
import type { DerValue } from './der';

const SHA256 = Buffer.from('608648016503040201', 'hex');
const SIGNED_DATA = Buffer.from('2a864886f70d010702', 'hex');
const STAMP = Buffer.from('2a864886f70d0109100104', 'hex');
const GRANTED: ReadonlySet<number> = new Set([0, 1]);
export const NONCE_BYTES = 8;

/** What is stamped: the text of a head, which its first lines are, whoever has signed it by now. */
export function imprintOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

/** A question for a stamp with the authority's certificate in it. */
export function stampRequest(imprint: Buffer, nonce: Buffer): Buffer {
  const algorithm = der(DER.sequence, der(DER.oid, SHA256), der(DER.null));
  return der(
    DER.sequence,
    der(DER.integer, Buffer.from([1])),
    der(DER.sequence, algorithm, der(DER.octets, imprint)),
    der(DER.integer, nonce),
    der(DER.boolean, Buffer.from([0xff])),
  );
}

/** Random bytes as a number that is written in one way: above zero, and its first byte is not empty. */
export function nonceOf(random: Uint8Array): Buffer {
  const nonce = Buffer.from(random);
  nonce[0] = ((nonce[0] as number) & 0x3f) | 0x40;
  return nonce;
}

export interface Stamp {
  /** When, as the authority says. */
  readonly atMs: number;
  readonly imprint: Buffer;
  readonly nonce: Buffer | undefined;
}

export type StampAnswer =
  | { readonly kind: 'stamp'; readonly stamp: Stamp }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'none' };

export function readStampAnswer(bytes: Buffer): StampAnswer {
  const [answer, ...behind] = readDer(bytes) ?? [];
  const [status, token] = (behind.length === 0 ? within(answer, DER.sequence) : undefined) ?? [];
  const [code] = within(status, DER.sequence) ?? [];
  if (code?.tag !== DER.integer || code.content.length !== 1) return { kind: 'none' };
  if (!GRANTED.has(code.content[0] as number)) return { kind: 'refused', status: code.content[0] as number };
  const stamp = stampIn(token);
  return stamp === undefined ? { kind: 'none' } : { kind: 'stamp', stamp };
}

/** ContentInfo → SignedData → EncapsulatedContentInfo → TSTInfo. */
function stampIn(token: DerValue | undefined): Stamp | undefined {
  const [type, content] = within(token, DER.sequence) ?? [];
  if (!isOid(type, SIGNED_DATA)) return undefined;
  const [signed] = within(content, DER.context0) ?? [];
  const [, , encapsulated] = within(signed, DER.sequence) ?? [];
  const [innerType, inner] = within(encapsulated, DER.sequence) ?? [];
  if (!isOid(innerType, STAMP)) return undefined;
  const [octets] = within(inner, DER.context0) ?? [];
  if (octets?.tag !== DER.octets) return undefined;
  const [info] = readDer(octets.content) ?? [];
  return infoIn(within(info, DER.sequence) ?? []);
}

/** TSTInfo: version, policy, imprint, serial number, time, then what may be left out; the nonce is the one number there. */
function infoIn([, , imprint, , time, ...optional]: readonly DerValue[]): Stamp | undefined {
  const [algorithm, octets] = within(imprint, DER.sequence) ?? [];
  const [oid] = within(algorithm, DER.sequence) ?? [];
  const atMs = time?.tag === DER.time ? timeOf(time.content.toString('latin1')) : undefined;
  if (!isOid(oid, SHA256) || octets?.tag !== DER.octets || atMs === undefined) return undefined;
  return { atMs, imprint: octets.content, nonce: optional.find(({ tag }) => tag === DER.integer)?.content };
}

function isOid(value: DerValue | undefined, oid: Buffer): boolean {
  return value?.tag === DER.oid && value.content.equals(oid);
}

/** `20261122201542Z`, with or without parts of a second. */
function timeOf(text: string): number | undefined {
  const [, year, month, day, hour, minute, second, part = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/.exec(text) ?? [];
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${part}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
