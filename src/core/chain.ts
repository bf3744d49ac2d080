/**
 * The chain over stored bytes. One preimage function serves the writer and every checker.
 *
 *   hash = SHA-256 of the line without its newline and without `,"hash":"<64 hex>"`
 *
 * So a line ends, always, in `,"prev_hash":"<64 hex>","hash":"<64 hex>"}`, and a place in the chain is read off its end.
 */
import { sha256Hex } from './digest';
import type { CheckedRow } from './row';
import { storedString } from './json';

/** Bytes of `,"hash":"<64 hex>"}`. */
export const HASH_SUFFIX_BYTES = 75;
/** Bytes of `,"prev_hash":"<64 hex>","hash":"<64 hex>"}`. */
const HASH_END_BYTES = 154;
const HASH_END = /^,"prev_hash":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/;

/** Where the ledger stands: its last row. */
export interface Head {
  readonly seq: number;
  readonly id: string;
  readonly hash: string;
}

/** Where a stream (the rows of one `run_id` or `decision_id`) stands. */
export interface StreamHead {
  readonly seq: number;
  readonly hash: string;
}

/** What the ledger adds to a row. */
export interface Placement {
  readonly seq: number;
  /** Stored form. */
  readonly ts: string;
  readonly id: string;
  readonly by: string;
  readonly nonce: string;
  readonly prevHash: string;
  /** The stream's head before this row; undefined where the row is in no such stream. */
  readonly run: StreamHead | undefined;
  readonly decision: StreamHead | undefined;
}

export interface PlacedRow {
  /** The whole line without its newline. */
  readonly line: string;
  readonly hash: string;
}

/** Spells the line of a checked row at its place and hashes it. */
export function placeRow(row: CheckedRow, at: Placement): PlacedRow {
  const text = unhashedRow(row, at);
  const hash = sha256Hex(`${text}}`);
  return { line: `${text}${hashSuffix(hash)}`, hash };
}

/** A row's text up to its hash: with `}` behind it, the preimage of the hash; with `hashSuffix`, the line. */
export function unhashedRow(row: CheckedRow, at: Placement): string {
  let text = `{"seq":${at.seq},"ts":"${at.ts}","id":"${at.id}","by":${storedString(at.by)},${row.members}`;
  if (at.run !== undefined) text += `,"run_seq":${at.run.seq + 1},"run_prev_hash":"${at.run.hash}"`;
  if (at.decision !== undefined)
    text += `,"decision_seq":${at.decision.seq + 1},"decision_prev_hash":"${at.decision.hash}"`;
  if (row.contentHash !== undefined) text += `,"content_hash":"${row.contentHash}"`;
  return `${text},"nonce":"${at.nonce}","prev_hash":"${at.prevHash}"`;
}

export function hashSuffix(hash: string): string {
  return `,"hash":"${hash}"}`;
}

/**
 * The links that a line's fixed end declares, or undefined where a line does not end as a row does.
 * @param line the bytes of one line without its newline
 */
export function declaredLinks(line: Buffer): { readonly prevHash: string; readonly hash: string } | undefined {
  const end = line.toString('latin1', Math.max(0, line.length - HASH_END_BYTES));
  const match = HASH_END.exec(end);
  return match === null ? undefined : { prevHash: match[1] as string, hash: match[2] as string };
}

/** Whether a line ends as a row does, in the hash of its bytes. */
export function isWholeLine(line: Buffer): boolean {
  const end = line.toString('latin1', Math.max(0, line.length - HASH_END_BYTES));
  return HASH_END.test(end) && end.endsWith(hashSuffix(hashOfLine(line)));
}

/** The hash of a line that has the fixed end. The comma before `"hash"` is turned into the closing brace for a moment: no copy. */
export function hashOfLine(line: Buffer): string {
  const comma = line.length - HASH_SUFFIX_BYTES;
  const saved = line[comma] as number;
  line[comma] = 0x7d;
  const hash = sha256Hex(line.subarray(0, comma + 1));
  line[comma] = saved;
  return hash;
}
