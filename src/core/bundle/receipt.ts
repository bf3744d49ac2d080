/** What is said of a bundle that was made. */
import { readSignedHead } from '../note/checkpoint';
import type { Bundle, BundleStream } from './bundle';

export type BundleFormat = 'json' | 'dir' | 'dsse' | 'html';

/** A field that was to be shown, and that nobody can show any more. */
export interface ErasedField {
  readonly seq: number;
  readonly field: string;
  /** The row that says so. */
  readonly erasure_seq: number;
}

/** What was made, and where it lies. */
export interface BundleReceipt {
  readonly workflow_id: string;
  readonly format: BundleFormat;
  readonly path: string | null;
  readonly rows: number;
  readonly streams: readonly BundleStream[];
  readonly checkpoint_size: number;
  readonly disclosed: number;
  /** Fields that were to be shown, and that a row says were erased. */
  readonly erased: readonly ErasedField[];
  readonly content_hash: string;
  readonly alg: string;
  readonly key_id: string;
}

export function receiptOf(
  bundle: Bundle,
  { format, out, erased }: Pick<BundleReceipt, 'format' | 'erased'> & { readonly out: string | undefined },
): BundleReceipt {
  const { workflowId, events, streams, checkpoint, disclosed = [], contentHash, signature } = bundle;
  return {
    workflow_id: workflowId,
    format,
    path: out ?? null,
    rows: events.length,
    streams,
    checkpoint_size: readSignedHead(Buffer.from(checkpoint))?.head.size ?? 0,
    disclosed: disclosed.length,
    erased,
    content_hash: contentHash,
    alg: signature.alg,
    key_id: signature.keyId,
  };
}
