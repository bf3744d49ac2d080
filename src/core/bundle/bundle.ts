/**
 * An evidence bundle: the rows of whole streams, line by line as they are stored, with what proves that they stand in a
 * ledger under a signed tree head. Nothing of any other row is in it but hashes.
 *
 *   {"version":1,"workflowId":"r1","ledger":{…},"streams":[{"kind":"run","id":"r1","rows":12,"state":"closed"}],
 *    "events":["{\"seq\":2,…}",…],"policyVerdicts":[4],"approvals":[5],"proposals":[3],"chainTransactions":[],
 *    "checkpoint":"local/01J…\n40\n3v4k…=\n\n— local/01J… Uw2Q…\n","inclusion":[{"hashes":["…"],"index":1,"seq":2},…],
 *    "contentHash":"sha256:…","signature":{"alg":"ed25519","keyId":"SHA256:…","value":"<hex>"}}
 *
 * `contentHash` is the SHA-256 of all that in canonical form (RFC 8785), without `contentHash` and `signature`; the signature
 * is over the bytes `ledger-bundle/1\n` + contentHash.
 */
import { sha256HexOf } from '../digest';
import { canonicalJson, toJson } from '../json';
import { listText } from './inclusion';
import type { Inclusion } from './inclusion';
import type { ListName } from './lists';

export const BUNDLE_VERSION = 1;
const SIGNED_BEGINNING = 'ledger-bundle/1\n';

export type StreamState =
  /** Its last row closes it. */
  | 'closed'
  /** No row closes it: others may follow. */
  | 'open'
  /** Rows came after the one that closes it. */
  | 'late'
  /** Rows of an order that stand in no stream: that they are all, no chain shows. */
  | 'loose';

export interface BundleStream {
  readonly kind: 'run' | 'decision' | 'order';
  readonly id: string;
  /** How many of the rows are in it. */
  readonly rows: number;
  readonly state: StreamState;
}

/** The opening of a sealed field: what stands in the row is the digest of the other three. */
export interface Disclosure {
  readonly seq: number;
  /** The member that is sealed; one of the payload is `payload.NAME`. */
  readonly field: string;
  readonly salt: string;
  readonly name: string;
  readonly value: unknown;
  readonly digest: string;
}

export const SIGNATURE_ALGS = ['ed25519', 'hmac-sha256'] as const;
export type SignatureAlg = (typeof SIGNATURE_ALGS)[number];

export interface BundleSignature {
  readonly alg: SignatureAlg;
  readonly keyId: string;
  /** Hex. */
  readonly value: string;
}

export interface LedgerOfBundle {
  readonly ledger_id: string;
  readonly origin: string;
}

/** All that is signed. */
export interface BundleContent extends Readonly<Record<ListName, readonly number[]>> {
  readonly version: typeof BUNDLE_VERSION;
  /** What was asked for: the id of a run, a decision or an order, or the conditions of a query. */
  readonly workflowId: string;
  readonly ledger: LedgerOfBundle;
  readonly streams: readonly BundleStream[];
  /** The rows' exact lines, in the order of their seqs. */
  readonly events: readonly string[];
  /** A signed note. */
  readonly checkpoint: string;
  /** One for each event, in the same order. */
  readonly inclusion: readonly Inclusion[];
  readonly disclosed?: readonly Disclosure[];
}

export interface Bundle extends BundleContent {
  readonly contentHash: string;
  readonly signature: BundleSignature;
}

/** Bytes of members of a bundle by their names: where they stand in a file in canonical form. */
export type WrittenMembers = ReadonlyMap<string, Uint8Array>;

/**
 * Part by part: one character beyond Latin in the text of them all would make each of a million take twice the room.
 * @param written of the content that was read from these bytes; what is not in it is written anew
 */
export function contentHashOf(content: BundleContent, written: WrittenMembers = new Map()): string {
  const members = Object.entries(content).filter(([name]) => !UNHASHED.has(name));
  const sorted = members.sort(([one], [other]) => (one < other ? -1 : 1));
  const texts = sorted.flatMap(([name, value], i) => [
    `${i === 0 ? '{' : ','}"${name}":`,
    written.get(name) ?? canonicalMember(name, value),
  ]);
  return `sha256:${sha256HexOf([...texts, '}'])}`;
}

/** The bytes that are signed. */
export function signedBytes(contentHash: string): Buffer {
  return Buffer.from(`${SIGNED_BEGINNING}${contentHash}`);
}

/** The file of a bundle. */
export function bundleText(bundle: Bundle): string {
  return `${bundleJson(bundle)}\n`;
}

/** Its JSON, members in their order. */
export function bundleJson(bundle: Bundle): string {
  const { inclusion, ...others } = bundle;
  const members = Object.keys(bundle).map((name) => {
    const text = name === 'inclusion' ? listText(inclusion) : JSON.stringify(others[name as keyof typeof others]);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${members.join(',')}}`;
}

const UNHASHED: ReadonlySet<string> = new Set(['contentHash', 'signature']);

/** The two long members are of one known form: written natively, a thousand rows take a tenth of the time. */
function canonicalMember(name: string, value: unknown): string {
  if (name === 'events') return JSON.stringify(value);
  if (name === 'inclusion') return listText(value as Bundle['inclusion']);
  return canonicalJson(toJson(value));
}
