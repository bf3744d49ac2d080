/**
 * Walking the files of a ledger: closed segments as streams, the live one in parallel chunks, its tail with patience.
 * Regular chunks are absorbed by their summaries; the rest is walked line by line, in this thread.
 */
import { checkChunk } from '../../core/chunk';
import type { ChunkOptions, ChunkSummary } from '../../core/chunk';
import { accumulate } from '../../core/indexDigest';
import { holdsSeal } from '../../core/seal';
import { readStoredLine } from '../../core/storedLine';
import type { StoredLine } from '../../core/storedLine';
import type { FindingPlace } from '../../core/verdict';
import { absorbChunk, walkLine } from '../../core/walk';
import { beginSegment } from '../../core/walkState';
import type { Walk } from '../../core/walkState';
import { chunkBuffer, chunkCount, readChunk } from './chunks';
import type { Region } from './chunks';
import { projectLine } from '../index/indexRows';
import { scanLines } from '../read/lines';
import type { LineRange } from '../read/lines';
import { CHUNK_BYTES, scanRegion } from './scanPool';
import { segmentBlocks } from '../ledger/segments';
import type { Segment } from '../ledger/segments';

/** Below this a second thread costs more than it saves. */
const PARALLEL_BYTES = 12 << 20;

export interface WalkOptions {
  readonly strict: boolean;
  readonly workers: number;
  /** Sum up the index's fingerprint of the rows up to this seq. */
  readonly digestUpTo: number | undefined;
  /** Actions whose rows must be signed. */
  readonly toSign?: readonly string[] | undefined;
  /** Whether the walk grows a tree of the rows. */
  readonly hasTree?: boolean | undefined;
  /** Tell when these rows were appended: their seqs, in ascending order. */
  readonly timesOf?: readonly number[] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((done: { readonly rows: number; readonly bytes: number }) => void) | undefined;
}

/** What is to be known of lines that begin at `offset` of their segment. */
export function checkOf(
  { strict, digestUpTo: upToSeq, toSign, hasTree, timesOf }: WalkOptions,
  offset: number,
): ChunkOptions {
  return { strict, digest: upToSeq === undefined ? undefined : { upToSeq, offset }, toSign, hasTree, timesOf };
}

type LineBytes = Pick<LineRange, 'block' | 'start' | 'end' | 'offset' | 'bytes'>;

/** Where a walk stands in a segment. */
/** The beginning of a line. */
export interface LineStart {
  /** From 1. */
  readonly line: number;
  readonly offset: number;
}

interface Cursor {
  readonly segment: string;
  line: number;
  offset: number;
}

const placeOf = (cursor: Cursor): FindingPlace => ({
  segment: cursor.segment,
  line: cursor.line,
  offset: cursor.offset,
});

/** Walks a closed segment. */
export async function walkClosed(walk: Walk, segment: Segment, options: WalkOptions): Promise<void> {
  beginSegment(walk);
  const cursor: Cursor = { segment: segment.name, line: 1, offset: 0 };
  for await (const block of segmentBlocks(segment)) {
    options.signal?.throwIfAborted();
    cursor.offset = block.offset;
    if (block.overlong) {
      walkLine(walk, { kind: 'torn', rows: 1 }, placeOf(cursor));
      cursor.line++;
    } else walkBytes(walk, block.bytes, cursor, options);
    options.onProgress?.({ rows: walk.rows, bytes: cursor.offset });
  }
}

/**
 * Walks whole lines that are in memory. A last one without newline is walked as a torn line, unless it was tampered with.
 * Advances `cursor` behind them.
 * @param checked what "checkOf" asks for, where it is known already
 */
export function walkBytes(
  walk: Walk,
  bytes: Buffer,
  cursor: Cursor,
  options: WalkOptions,
  checked?: ChunkSummary,
): void {
  const end = bytes.lastIndexOf(0x0a) + 1;
  const summary = checked ?? checkChunk(bytes, 0, end, checkOf(options, cursor.offset));
  if (summary !== undefined && absorbChunk(walk, summary, placeOf(cursor))) cursor.line += summary.lines;
  else {
    for (let at = 0; at < end; cursor.line++) {
      const newline = bytes.indexOf(0x0a, at);
      const place = { ...placeOf(cursor), offset: cursor.offset + at };
      const line = { block: bytes, start: at, end: newline, offset: place.offset, bytes: newline - at };
      walkOne(walk, line, place, options);
      at = newline + 1;
    }
  }
  if (end < bytes.length) {
    walkLine(walk, unended(bytes.subarray(end), options), { ...placeOf(cursor), offset: cursor.offset + end });
    cursor.line++;
  }
  cursor.offset += bytes.length;
}

function unended(bytes: Buffer, options: WalkOptions): StoredLine {
  const line = readStoredLine(bytes, options);
  switch (line.kind) {
    case 'row': {
      const { seq, prev_hash: prevHash } = line.row;
      return { kind: 'torn', rows: 1, lacksNewline: { seq, lastSeq: seq, prevHash } };
    }
    case 'tombstone':
      return { kind: 'torn', rows: 1, lacksNewline: line };
    case 'torn':
      return { kind: 'torn', rows: 1 };
    case 'altered':
    case 'foreign':
      return line;
  }
}

/**
 * Walks the live segment from its start, or a line of it, to `to`, which is the end of a line.
 * @returns the cursor that stands there
 */
export async function walkLive(
  walk: Walk,
  live: { readonly segment: Segment; readonly fd: number; readonly to: number; readonly from?: LineStart | undefined },
  options: WalkOptions,
): Promise<Cursor> {
  const { fd, to, from = { line: 1, offset: 0 } } = live;
  if (from.offset === 0) beginSegment(walk);
  const cursor: Cursor = { segment: live.segment.name, line: from.line, offset: from.offset };
  const region: Region = { from: from.offset, to, chunkBytes: CHUNK_BYTES };
  const take = (index: number, offset: number, summary: ChunkSummary | undefined): void => {
    const before = Math.min(region.from + (index + 1) * region.chunkBytes, to);
    if (summary !== undefined && offset === cursor.offset && absorbChunk(walk, summary, placeOf(cursor))) {
      cursor.line += summary.lines;
      cursor.offset += summary.bytes;
    } else walkRange(walk, fd, { from: cursor.offset, before, to }, cursor, options);
    options.onProgress?.({ rows: walk.rows, bytes: cursor.offset });
  };
  if (to - from.offset < PARALLEL_BYTES || options.workers < 2) scanHere(fd, region, options, take);
  else await scanAside(fd, region, options, take);
  return cursor;
}

/** `summary`: undefined where the chunk is to be read line by line. */
type TakeChunk = (index: number, offset: number, summary: ChunkSummary | undefined) => void;

function scanHere(fd: number, region: Region, options: WalkOptions, take: TakeChunk): void {
  const buffer = chunkBuffer(region);
  for (let index = 0; index < chunkCount(region); index++) {
    options.signal?.throwIfAborted();
    const chunk = readChunk(fd, region, index, buffer);
    if (chunk === undefined) take(index, NaN, undefined);
    else if (chunk.end > chunk.start)
      take(index, chunk.offset, checkChunk(buffer, chunk.start, chunk.end, checkOf(options, chunk.offset)));
  }
}

async function scanAside(fd: number, region: Region, options: WalkOptions, take: TakeChunk): Promise<void> {
  const { strict, workers, signal, digestUpTo: seq, toSign, hasTree } = options;
  const digestUpTo = seq === undefined ? undefined : { seq, bytes: region.to };
  await scanRegion(
    { fd, region, mode: strict ? 'strict' : 'check', digestUpTo, toSign, hasTree, workers, signal },
    (result) => {
      if (result.kind === 'empty') return;
      if (result.kind === 'regular') take(result.index, result.offset, result.summary);
      else take(result.index, NaN, undefined);
    },
  );
}

/** Walks the lines that begin in `[from, before)`. */
function walkRange(
  walk: Walk,
  fd: number,
  range: { readonly from: number; readonly before: number; readonly to: number },
  cursor: Cursor,
  options: WalkOptions,
): void {
  if (range.from >= range.before) return;
  scanLines(fd, range.from, range.to, (line) => {
    if (line.offset >= range.before) return false;
    const place = { ...placeOf(cursor), offset: line.offset };
    if (line.cut) walkLine(walk, { kind: 'torn', rows: 1 }, place);
    else walkOne(walk, line, place, options);
    cursor.line++;
    cursor.offset = line.offset + line.bytes + 1;
    return true;
  });
}

/** One line, read exactly. */
function walkOne(walk: Walk, line: LineBytes, place: FindingPlace, options: WalkOptions): void {
  const bytes = line.block.subarray(line.start, line.end);
  walk.sealed ||= holdsSeal(bytes);
  walkLine(walk, readStoredLine(bytes, options), place);
  if (options.digestUpTo === undefined) return;
  const row = projectLine(line, 0);
  if (row !== undefined && row.seq <= options.digestUpTo) accumulate(walk.digest, row);
}
