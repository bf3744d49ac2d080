/**
 * A run of whole lines, checked as one. Where every line is a row in good order (form, hash, link, seq, id, time, content,
 * streams), the chunk is regular and a short summary tells all that the rest of the ledger needs to know of it. Anything
 * else, however small, makes it irregular: then it is read again line by line (`walk.ts`), which names what is wrong.
 *
 * So this file decides nothing but "nothing to see here", and can be fast: some 2 µs for a row of 670 bytes.
 */
import { isUtf8 } from 'node:buffer';
import { payloadSha256 } from './canonicalBytes';
import { ChunkStreams } from './chunkStreams';
import type { StreamParts } from './chunkStreams';
import { LedgerError } from './errors';
import { BACKSLASH, OPEN, QUOTE } from './jsonBytes';
import * as member from './lineScan';
import { newLineFacts, scanLine } from './lineScan';
import type { LineFacts } from './lineScan';
import { MAX_LINE_BYTES } from './row';
import {
  compareFixed,
  HASH_CHARS,
  hashOfRange,
  hasFixedEnd,
  integerAt,
  isStoredTimeAt,
  isTextAt,
  isUlidAt,
  sameHash,
} from './rowBytes';
import { strictFault } from './strictForm';

/** A row of the ledger's own, handed on whole: few there are, and what they say matters beyond the chunk. */
export interface OwnLine {
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
  readonly own: readonly OwnLine[];
  readonly runs: StreamParts;
  readonly decisions: StreamParts;
}

/** The actions that close a stream. */
export const RUN_CLOSERS: readonly string[] = ['run_completed'];
export const DECISION_CLOSERS: readonly string[] = ['decision.executed', 'decision.expired'];

const REQUIRED = bits(member.SEQ, member.TS, member.ID, member.ACTION, member.PREV_HASH, member.HASH);
const RUN = bits(member.RUN_ID, member.RUN_SEQ, member.RUN_PREV_HASH);
const DECISION = bits(member.DECISION_ID, member.DECISION_SEQ, member.DECISION_PREV_HASH);
const CONTENT = bits(member.PAYLOAD, member.CONTENT_HASH);
const PLACES = bits(member.RUN_SEQ, member.RUN_PREV_HASH, member.DECISION_SEQ, member.DECISION_PREV_HASH);

function bits(...members: number[]): number {
  return members.reduce((all, one) => all | (1 << one), 0);
}

const facts = newLineFacts({ stepsOverHashes: true });

/**
 * Checks `bytes` from `from` to `to`, which must be whole lines, each ended by a newline.
 * @returns undefined where the chunk is not regular
 */
export function checkChunk(
  bytes: Buffer,
  from: number,
  to: number,
  options: { readonly strict: boolean },
): ChunkSummary | undefined {
  if (from === to || !isUtf8(bytes.subarray(from, to))) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const runs = new ChunkStreams(bytes, view);
  const decisions = new ChunkStreams(bytes, view);
  const own: OwnLine[] = [];
  const first = { seq: 0, prevHash: -1, id: -1, ts: -1 };
  const last = { seq: 0, hash: -1, id: -1, ts: -1 };
  let lines = 0;
  let content = false;
  for (let at = from; at < to; lines++) {
    const end = scanLine(bytes, at, facts);
    if (end < 0 || end - at > MAX_LINE_BYTES || !isRegular(bytes, at, end, facts)) return undefined;
    const seq = integerAt(bytes, facts.from[member.SEQ] as number, facts.to[member.SEQ] as number);
    const id = (facts.from[member.ID] as number) + 1;
    const ts = (facts.from[member.TS] as number) + 1;
    const prevHash = end - 140;
    if (lines === 0) Object.assign(first, { seq, prevHash, id, ts });
    else if (!follows(view, last, seq, prevHash, id, ts)) return undefined;
    last.seq = seq;
    last.id = id;
    last.ts = ts;
    last.hash = end - 66;
    if ((facts.seen & CONTENT) !== 0) content = true;
    if (isOwn(bytes, facts)) {
      if ((facts.seen & PLACES) !== 0 || isTextAt(bytes, facts.from[member.ACTION] as number, 'audit.tombstone'))
        return undefined;
      own.push({ line: lines, offset: at - from, text: bytes.toString('utf8', at, end) });
    } else if (!takeStreams(bytes, runs, decisions, last.hash)) return undefined;
    if (options.strict && strictFault(bytes.toString('utf8', at, end)) !== undefined) return undefined;
    at = end + 1;
  }
  const [runParts, decisionParts] = [runs.parts(), decisions.parts()];
  if (runParts === undefined || decisionParts === undefined) return undefined;
  const text = (start: number, length: number): string => bytes.toString('latin1', start, start + length);
  return {
    lines,
    bytes: to - from,
    firstSeq: first.seq,
    firstPrevHash: text(first.prevHash, HASH_CHARS),
    firstId: text(first.id, 26),
    firstTs: text(first.ts, 24),
    lastHash: text(last.hash, HASH_CHARS),
    lastId: text(last.id, 26),
    lastTs: text(last.ts, 24),
    content,
    own,
    runs: runParts,
    decisions: decisionParts,
  };
}

/** Whether a line is a row with the right hash and content, whatever its neighbours are. */
function isRegular(bytes: Buffer, start: number, end: number, found: LineFacts): boolean {
  const { seen, from, to } = found;
  if ((seen & REQUIRED) !== REQUIRED || found.ambiguous || !hasFixedEnd(bytes, end, found)) return false;
  if (integerAt(bytes, from[member.SEQ] as number, to[member.SEQ] as number) < 0) return false;
  if (!isUlidAt(bytes, from[member.ID] as number, to[member.ID] as number)) return false;
  if (!isStoredTimeAt(bytes, from[member.TS] as number, to[member.TS] as number)) return false;
  if (!isPlainText(bytes, from[member.ACTION] as number, to[member.ACTION] as number)) return false;
  if (!isTextAt(bytes, from[member.HASH] as number, hashOfRange(bytes, start, end))) return false;
  const content = seen & CONTENT;
  if (content === 0) return true;
  if (content !== CONTENT || bytes[from[member.PAYLOAD] as number] !== OPEN) return false;
  return isTextAt(bytes, from[member.CONTENT_HASH] as number, contentHash(bytes, found));
}

function contentHash(bytes: Buffer, found: LineFacts): string {
  const from = found.from[member.PAYLOAD] as number;
  try {
    return payloadSha256(bytes, { from, to: found.to[member.PAYLOAD] as number, form: found.form });
  } catch (error) {
    if (error instanceof LedgerError) return 'no canonical form';
    throw error;
  }
}

function follows(
  view: DataView,
  last: { seq: number; hash: number; id: number; ts: number },
  seq: number,
  prevHash: number,
  id: number,
  ts: number,
): boolean {
  return (
    seq === last.seq + 1 &&
    sameHash(view, prevHash, last.hash) &&
    compareFixed(view, last.id, id, 26) < 0 &&
    compareFixed(view, last.ts, ts, 24) <= 0
  );
}

/** A string without escapes: what it begins with can be read off its bytes. */
function isPlainText(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] !== QUOTE) return false;
  for (let at = from; at < to; at++) if (bytes[at] === BACKSLASH) return false;
  return true;
}

/** Whether the action begins with `audit.`. */
function isOwn(bytes: Buffer, found: LineFacts): boolean {
  const at = (found.from[member.ACTION] as number) + 1;
  return bytes[at] === 0x61 && bytes.toString('latin1', at, at + 6) === 'audit.';
}

const id = { from: 0, to: 0 };

function takeStreams(bytes: Buffer, runs: ChunkStreams, decisions: ChunkStreams, hash: number): boolean {
  const run = facts.seen & RUN;
  if (run !== 0 && (run !== RUN || !take(bytes, runs, member.RUN_ID, hash, RUN_CLOSERS))) return false;
  const decision = facts.seen & DECISION;
  return (
    decision === 0 || (decision === DECISION && take(bytes, decisions, member.DECISION_ID, hash, DECISION_CLOSERS))
  );
}

/** The three members of a stream's place have neighbouring numbers: the id, its seq, its prev_hash. */
function take(
  bytes: Buffer,
  streams: ChunkStreams,
  idMember: number,
  hash: number,
  closers: readonly string[],
): boolean {
  const { from, to } = facts;
  const seq = integerAt(bytes, from[idMember + 1] as number, to[idMember + 1] as number);
  const prevFrom = from[idMember + 2] as number;
  if (bytes[from[idMember] as number] !== QUOTE || seq < 0 || seq > 0xfffffffe) return false;
  if (bytes[prevFrom] !== QUOTE || (to[idMember + 2] as number) - prevFrom !== HASH_CHARS + 2) return false;
  id.from = (from[idMember] as number) + 1;
  id.to = (to[idMember] as number) - 1;
  const action = from[member.ACTION] as number;
  return streams.take(id, seq, prevFrom + 1, hash, closes(bytes, action, closers));
}

function closes(bytes: Buffer, action: number, closers: readonly string[]): boolean {
  for (const closer of closers) if (isTextAt(bytes, action, closer)) return true;
  return false;
}
