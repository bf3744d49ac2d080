/** What somebody hands in as evidence: a bundle, and what it is wrapped in. */
import type { Bundle, BundleSignature, WrittenMembers } from './bundle';
import type { BundleFinding } from './finding';

/** A further signature, by the key of the bundle. */
export interface Layer {
  readonly bytes: Buffer;
  readonly signature: BundleSignature;
}

export interface Evidence {
  readonly bundle: Bundle;
  /** Of the file that it was read from. */
  readonly written?: WrittenMembers;
  readonly layers: readonly Layer[];
  /** What is wrong with the wrapping. */
  readonly findings: readonly BundleFinding[];
}

export type EvidenceReading =
  | { readonly kind: 'evidence'; readonly evidence: Evidence }
  | { readonly kind: 'none'; readonly finding: BundleFinding };

export function noEvidence(want: string, got: string): EvidenceReading {
  return { kind: 'none', finding: { code: 'MALFORMED', seq: null, want, got: got.slice(0, 200) } };
}
