/**
 * A chunk as its bytes tell it, without an object or a text for a row: some 2 µs for one of 670 bytes, as soon as the engine
 * has compiled what is here. That takes the time of some thousands of rows: for fewer, see `shortChunk.ts`.
 */
import type { ChunkOptions, ChunkSummary, KeptLine } from './chunk';
import { ChunkStreams } from './chunkStreams';
import { emptyDigest } from './indexDigest';
import type { IndexDigest } from './indexDigest';
import { QUOTE } from './jsonBytes';
import * as member from './lineScan';
import { memberBits, newLineFacts, scanLine } from './lineScan';
import type { LineFacts } from './lineScan';
import { CONTENT, isRegular } from './regularRow';
import { MAX_LINE_BYTES } from './row';
import { holdsSeal } from './seal';
import { compareFixed, HASH_CHARS, ID_CHARS, integerAt, isTextAt, sameHash, TIME_CHARS } from './rowBytes';
import { accumulateLine } from './rowDigest';
import { strictFault } from './strictForm';
import { DECISION_CLOSERS, RUN_CLOSERS } from './streams';
import { LeafList } from './tree/leafList';

const RUN = memberBits(member.RUN_ID, member.RUN_SEQ, member.RUN_PREV_HASH);
const DECISION = memberBits(member.DECISION_ID, member.DECISION_SEQ, member.DECISION_PREV_HASH);
const SIGNED = memberBits(member.SIGNATURE);
const PLACES = memberBits(member.RUN_SEQ, member.RUN_PREV_HASH, member.DECISION_SEQ, member.DECISION_PREV_HASH);

const facts = newLineFacts({ stepsOverHashes: true });
const leaves = new LeafList();

/** The same as `checkChunk`, of bytes that are UTF-8. */
export function scanChunk(bytes: Buffer, from: number, to: number, options: ChunkOptions): ChunkSummary | undefined {
  const chunk = new Chunk(bytes, from, options);
  for (let at = from; at < to;) {
    const end = scanLine(bytes, at, facts);
    if (end < 0 || end - at > MAX_LINE_BYTES || !isRegular(bytes, at, end, facts) || !chunk.take(at, end))
      return undefined;
    at = end + 1;
  }
  return chunk.summary(to);
}

/** Offsets of what the next row is compared with. */
interface RowPlace {
  seq: number;
  prevHash: number;
  hash: number;
  id: number;
  ts: number;
}

const NO_ROW: RowPlace = { seq: 0, prevHash: -1, hash: -1, id: -1, ts: -1 };

/** A chunk while it is read: regular rows go in one after the other. */
class Chunk {
  private readonly view: DataView;
  private readonly runs: ChunkStreams;
  private readonly decisions: ChunkStreams;
  private readonly own: KeptLine[] = [];
  private readonly signed: KeptLine[] = [];
  private readonly first: RowPlace = { ...NO_ROW };
  private readonly last: RowPlace = { ...NO_ROW };
  private readonly digest: IndexDigest | undefined;
  private readonly times = new Map<number, string>();
  /** The next one of `timesOf`. */
  private asked = 0;
  private lines = 0;
  private content = false;

  constructor(
    private readonly bytes: Buffer,
    private readonly from: number,
    private readonly options: ChunkOptions,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.runs = new ChunkStreams(bytes, this.view);
    this.decisions = new ChunkStreams(bytes, this.view);
    this.digest = options.digest === undefined ? undefined : emptyDigest();
    leaves.clear();
  }

  /** Takes the row that was scanned last; false where it does not go on from the rows before it. */
  take(start: number, end: number): boolean {
    const { bytes, last } = this;
    const seq = integerAt(bytes, facts.from[member.SEQ] as number, facts.to[member.SEQ] as number);
    const id = (facts.from[member.ID] as number) + 1;
    const ts = (facts.from[member.TS] as number) + 1;
    if (this.lines > 0 && !follows(this.view, last, seq, end - 140, id, ts)) return false;
    last.seq = seq;
    last.prevHash = end - 140;
    last.hash = end - 66;
    last.id = id;
    last.ts = ts;
    if (this.lines === 0) Object.assign(this.first, last);
    if ((facts.seen & CONTENT) !== 0) this.content = true;
    const own = isOwn(bytes, facts);
    if (own ? !this.takeOwn(start, end) : !takeStreams(bytes, this.runs, this.decisions, last.hash)) return false;
    const { strict, digest, toSign } = this.options;
    const isSigned = (facts.seen & SIGNED) !== 0;
    if (!own && (isSigned || (toSign !== undefined && isOneOf(bytes, toSign)))) this.signed.push(this.kept(start, end));
    if (this.digest !== undefined && digest !== undefined && seq <= digest.upToSeq) {
      const offset = digest.offset + start - this.from;
      accumulateLine(this.digest, bytes, { seq, start, end, offset, own }, facts);
    }
    if (this.options.hasTree === true) leaves.add(bytes.toString('latin1', last.hash, last.hash + HASH_CHARS));
    if (this.options.timesOf !== undefined) this.takeTime(this.options.timesOf, seq, ts);
    this.lines++;
    return !(strict || isSigned) || strictFault(bytes.toString('utf8', start, end)) === undefined;
  }

  private takeTime(timesOf: readonly number[], seq: number, ts: number): void {
    while ((timesOf[this.asked] ?? Infinity) < seq) this.asked++;
    if (timesOf[this.asked] === seq) this.times.set(seq, this.bytes.toString('latin1', ts, ts + TIME_CHARS));
  }

  private takeOwn(start: number, end: number): boolean {
    const { bytes } = this;
    if ((facts.seen & PLACES) !== 0 || isTextAt(bytes, facts.from[member.ACTION] as number, 'audit.tombstone'))
      return false;
    this.own.push(this.kept(start, end));
    return true;
  }

  private kept(start: number, end: number): KeptLine {
    return { line: this.lines, offset: start - this.from, text: this.bytes.toString('utf8', start, end) };
  }

  summary(to: number): ChunkSummary | undefined {
    const { bytes, first, last, lines, content, own, signed, digest } = this;
    const [runs, decisions] = [this.runs.parts(), this.decisions.parts()];
    if (runs === undefined || decisions === undefined) return undefined;
    const text = (start: number, length: number): string => bytes.toString('latin1', start, start + length);
    return {
      lines,
      bytes: to - this.from,
      firstSeq: first.seq,
      firstPrevHash: text(first.prevHash, HASH_CHARS),
      firstId: text(first.id, ID_CHARS),
      firstTs: text(first.ts, TIME_CHARS),
      lastHash: text(last.hash, HASH_CHARS),
      lastId: text(last.id, ID_CHARS),
      lastTs: text(last.ts, TIME_CHARS),
      content,
      sealed: holdsSeal(bytes.subarray(this.from, to)),
      own,
      signed,
      runs,
      decisions,
      digest,
      leaves: this.options.hasTree === true ? leaves.copy() : undefined,
      times: this.times,
    };
  }
}

function follows(view: DataView, last: RowPlace, seq: number, prevHash: number, id: number, ts: number): boolean {
  return (
    seq === last.seq + 1 &&
    sameHash(view, prevHash, last.hash) &&
    compareFixed(view, last.id, id, ID_CHARS) < 0 &&
    compareFixed(view, last.ts, ts, TIME_CHARS) <= 0
  );
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
  return streams.take(id, seq, prevFrom + 1, hash, isOneOf(bytes, closers));
}

/** Whether the action of the row is one of these. */
function isOneOf(bytes: Buffer, actions: readonly string[]): boolean {
  const at = facts.from[member.ACTION] as number;
  for (const action of actions) if (isTextAt(bytes, at, action)) return true;
  return false;
}
