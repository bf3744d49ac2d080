/**
 * A run of whole lines, checked as one. Where every line is a row in good order (form, hash, link, seq, id, time, content,
 * streams), the chunk is regular and a short summary tells all that the rest of the ledger needs to know of it. Anything
 * else, however small, makes it irregular: then it is read again line by line (`walk.ts`), which names what is wrong.
 *
 * So nothing is decided here but "nothing to see", and it can be fast. There are two ways to it, which never differ in what
 * they say of a chunk: one is quick from the first row on, the other one once it is warm.
 */
import { isUtf8 } from 'node:buffer';
import type { StreamParts } from './chunkStreams';
import type { IndexDigest } from './indexDigest';
import { scanChunk } from './scannedChunk';
import { checkShortChunk, SHORT_BYTES } from './shortChunk';

/** A row that is handed on whole: few there are, and what they say matters beyond the chunk. */
export interface KeptLine {
  /** From 0, within the chunk. */
  readonly line: number;
  readonly offset: number;
  readonly text: string;
}

export interface ChunkSummary {
  readonly lines: number;
  readonly bytes: number;
  readonly firstSeq: number;
  readonly firstPrevHash: string;
  readonly firstId: string;
  readonly firstTs: string;
  readonly lastHash: string;
  readonly lastId: string;
  readonly lastTs: string;
  /** Whether any row has a payload. */
  readonly content: boolean;
  /** Whether anything in a row is sealed. */
  readonly sealed: boolean;
  /** Rows of the ledger's own. */
  readonly own: readonly KeptLine[];
  /** Rows that are signed, or must be. */
  readonly signed: readonly KeptLine[];
  readonly runs: StreamParts;
  readonly decisions: StreamParts;
  /** The index's fingerprint of these rows, where it was asked for. */
  readonly digest: IndexDigest | undefined;
  /** The leaf hashes of these rows, where they were asked for. */
  readonly leaves: Uint8Array<ArrayBuffer> | undefined;
  /** When rows were appended, of those that it was asked of. */
  readonly times: ReadonlyMap<number, string>;
}

export interface ChunkOptions {
  /** Every line must be exactly what the writer would have written. */
  readonly strict: boolean;
  /** Sum up the index's fingerprint of the rows up to this seq; the chunk begins at `offset` of its segment. */
  readonly digest?: { readonly upToSeq: number; readonly offset: number } | undefined;
  /** Actions whose rows must be signed. */
  readonly toSign?: readonly string[] | undefined;
  /** Hash the rows as leaves of the tree, too. */
  readonly hasTree?: boolean | undefined;
  /** Tell when these rows were appended: their seqs, in ascending order. */
  readonly timesOf?: readonly number[] | undefined;
}

/**
 * Checks `bytes` from `from` to `to`, which must be whole lines, each ended by a newline.
 * @returns undefined where the chunk is not regular
 */
export function checkChunk(bytes: Buffer, from: number, to: number, options: ChunkOptions): ChunkSummary | undefined {
  if (from === to || !isUtf8(bytes.subarray(from, to))) return undefined;
  const short = to - from <= SHORT_BYTES ? checkShortChunk(bytes, from, to, options) : undefined;
  return short ?? scanChunk(bytes, from, to, options);
}
