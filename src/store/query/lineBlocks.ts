/**
 * The lines of a ledger in blocks, forwards or backwards: closed segments first, then the parts of the live file that are
 * asked for. Memory does not grow with the file; only a closed segment that is read backwards is unpacked whole. Small
 * parts that follow each other share a block (pickedLines.ts).
 *
 * A block holds whole lines, each with its newline. It is valid until the next one is asked for.
 */
import { fstatSync } from 'node:fs';
import { LedgerError } from '../../core/errors';
import type { Verdict } from '../../core/query/rowFilter';
import { readAt } from '../files';
import type { ByteRange } from '../index/indexWindow';
import { LIVE_NAME } from '../index/indexSchema';
import { segmentBlocks } from '../ledger/segments';
import type { Segment } from '../ledger/segments';
import { scanLines } from '../read/lines';
import { chunkBuffer, chunkCount, readChunk } from '../scan/chunks';
import { groupsOf, pickLines } from './pickedLines';

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;
const NEWLINE_BYTE = Buffer.of(NEWLINE);

export interface Lines {
  /** The closed segments that are read, in order. */
  readonly closed: readonly Segment[];
  /** Parts of the live file that were read already. */
  readonly kept: readonly LineBlock[];
  readonly fd: number;
  /** Parts of it behind those, in order, each of whole lines. */
  readonly ranges: readonly ByteRange[];
  /** What stands behind them without a newline, where that is a row. */
  readonly bareLine: { readonly line: Buffer; readonly offset: number } | undefined;
}

export interface LineBlock {
  readonly segment: string;
  /** Where one of the block's bytes stands in the segment's uncompressed bytes. */
  readonly offsetOf: (at: number) => number;
  readonly bytes: Buffer;
  /** Whether it is one line that is too long to be a row: the block holds nothing of it. */
  readonly overlong: boolean;
  /** What the filter says of each of its lines, where it was asked already. */
  readonly judged?: readonly JudgedLine[];
}

export interface JudgedLine {
  readonly start: number;
  /** Its newline not counted. */
  readonly end: number;
  readonly verdict: Verdict;
  /** What it is, where that was wanted. */
  readonly object: Readonly<Record<string, unknown>> | undefined;
}

/** Calls back for each line of a block, its newline not counted. */
export function eachLine({ bytes }: LineBlock, take: (start: number, end: number) => void): void {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start);
    take(start, end);
    start = end + 1;
  }
}

export async function* blocksForward({ closed, kept, fd, ranges, bareLine }: Lines): AsyncGenerator<LineBlock> {
  for (const segment of closed) yield* closedBlocks(segment);
  yield* kept;
  for (const group of groupsOf(ranges)) {
    const reader = groupReader(fd, group);
    for (let k = 0; k < reader.count; k++) yield* reader.chunk(k);
  }
  if (bareLine !== undefined) yield bareBlock(bareLine);
}

export async function* blocksBackward({ closed, kept, fd, ranges, bareLine }: Lines): AsyncGenerator<LineBlock> {
  if (bareLine !== undefined) yield bareBlock(bareLine);
  for (const group of groupsOf(ranges).toReversed()) {
    const reader = groupReader(fd, group);
    for (let k = reader.count - 1; k >= 0; k--) yield* reader.chunk(k).toReversed();
  }
  yield* kept.toReversed();
  for (const segment of closed.toReversed()) {
    const blocks: LineBlock[] = [];
    for await (const block of closedBlocks(segment)) blocks.push(block);
    yield* blocks.toReversed();
  }
}

async function* closedBlocks(segment: Segment): AsyncGenerator<LineBlock> {
  for await (const { bytes, offset, overlong } of segmentBlocks(segment))
    yield {
      segment: segment.name,
      offsetOf: startingAt(offset),
      overlong,
      bytes: overlong ? Buffer.alloc(0) : endedByNewline(bytes),
    };
}

function bareBlock({ line, offset }: { readonly line: Buffer; readonly offset: number }): LineBlock {
  return { segment: LIVE_NAME, offsetOf: startingAt(offset), bytes: endedByNewline(line), overlong: false };
}

const startingAt =
  (offset: number) =>
  (at: number): number =>
    offset + at;

function endedByNewline(bytes: Buffer): Buffer {
  return bytes.at(-1) === NEWLINE_BYTE[0] ? bytes : Buffer.concat([bytes, NEWLINE_BYTE]);
}

/** Chunks of the live file, in any order. What somebody cuts off meanwhile is told: half an answer looks like a whole one. */
interface GroupReader {
  readonly count: number;
  readonly chunk: (k: number) => LineBlock[];
}

function groupReader(fd: number, group: readonly ByteRange[]): GroupReader {
  const [range] = group as [ByteRange];
  if (range.to - range.from > CHUNK_BYTES) return new ChunkReader(fd, range);
  const chunk = (): LineBlock[] => [pickLines(fd, group) ?? failChanged(fd, group.at(-1)?.to ?? 0)];
  return { count: 1, chunk };
}

function failChanged(fd: number, to: number): never {
  const { size } = fstatSync(fd);
  const found = size < to ? `${size}: it was cut while it was read` : 'other lines: it was changed while it was read';
  throw new LedgerError('READ_FAILED', `expected ${to} bytes in ${LIVE_NAME}, found ${found}`, {
    place: { segment: LIVE_NAME, offset: Math.min(size, to) },
    hint: 'see "ledger verify"',
  });
}

class ChunkReader implements GroupReader {
  readonly count: number;
  readonly #region;
  readonly #buffer: Buffer;

  constructor(
    private readonly fd: number,
    { from, to }: ByteRange,
  ) {
    this.#region = { from, to, chunkBytes: CHUNK_BYTES };
    this.count = chunkCount(this.#region);
    this.#buffer = chunkBuffer(this.#region);
  }

  chunk(k: number): LineBlock[] {
    const blocks = this.#blocks(k);
    const { to } = this.#region;
    return fstatSync(this.fd).size < to ? failChanged(this.fd, to) : blocks;
  }

  #blocks(k: number): LineBlock[] {
    const read = readChunk(this.fd, this.#region, k, this.#buffer);
    if (read === undefined) return this.#lineByLine(k);
    const { bytes, start, end, offset } = read;
    if (start === end) return [];
    return [{ segment: LIVE_NAME, offsetOf: startingAt(offset), bytes: bytes.subarray(start, end), overlong: false }];
  }

  /** The lines that begin in a chunk whose last one goes on for longer than a row may. */
  #lineByLine(k: number): LineBlock[] {
    const { from, to, chunkBytes } = this.#region;
    const [start, end] = [from + k * chunkBytes, Math.min(to, from + (k + 1) * chunkBytes)];
    const blocks: LineBlock[] = [];
    // From the byte before, which tells whether a line begins here: what stands in front of the first newline is cut off.
    scanLines(this.fd, k === 0 ? start : start - 1, to, (line) => {
      const isRest = k > 0 && line.offset === start - 1;
      if (isRest) return true;
      if (line.offset >= end) return false;
      const bytes = line.cut ? Buffer.alloc(0) : readAt(this.fd, line.offset, line.bytes + 1);
      blocks.push({ segment: LIVE_NAME, offsetOf: startingAt(line.offset), bytes, overlong: line.cut });
      return true;
    });
    return blocks;
  }
}
