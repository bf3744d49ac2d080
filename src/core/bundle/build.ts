/** Putting a bundle together from lines as they are stored. Who calls it holds the result against `checkBundle` before it goes out. */
import type { Row } from '../members';
import type { Signer } from '../signing/signer';
import { BUNDLE_VERSION, contentHashOf, signedBytes } from './bundle';
import type { Bundle, BundleContent, BundleStream, Disclosure, LedgerOfBundle } from './bundle';
import { pathText } from './inclusion';
import { listsOf } from './lists';

export interface BundleRow {
  readonly row: Row;
  /** The stored line without its newline. */
  readonly line: string;
}

export interface BundleParts {
  readonly workflowId: string;
  readonly ledger: LedgerOfBundle;
  readonly streams: readonly BundleStream[];
  /** In the order of their seqs. */
  readonly rows: readonly BundleRow[];
  /** The note. */
  readonly checkpoint: string;
  /** The path from a leaf, whose place is from 0, to the root of the checkpoint. */
  readonly pathOf: (index: number) => readonly Buffer[];
  readonly disclosed: readonly Disclosure[];
}

export function bundleContent({ rows, pathOf, disclosed, ...parts }: BundleParts): BundleContent {
  const { workflowId, ledger, streams, checkpoint } = parts;
  return {
    version: BUNDLE_VERSION,
    workflowId,
    ledger,
    streams,
    events: rows.map(({ line }) => line),
    ...listsOf(rows.map(({ row }) => row)),
    checkpoint,
    inclusion: rows.map(({ row: { seq } }) => ({
      path: pathText(pathOf(seq - 1).map((hash) => hash.toString('base64'))),
      index: seq - 1,
      seq,
    })),
    ...(disclosed.length === 0 ? {} : { disclosed }),
  };
}

export async function signBundle(content: BundleContent, signer: Signer): Promise<Bundle> {
  const contentHash = contentHashOf(content);
  const value = (await signer.sign(signedBytes(contentHash))).toString('hex');
  return { ...content, contentHash, signature: { alg: signer.alg, keyId: signer.keyId, value } };
}
