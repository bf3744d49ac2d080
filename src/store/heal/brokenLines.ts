/**
 * The lines of the live file that are not complete JSON objects: torn, and so to be set aside by `sweep`. A complete
 * line with a wrong hash is not among them: that is evidence. The whole file is read, by several threads.
 */
import { fstatSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { declaredLinks } from '../../core/chain';
import type { DigestEnd } from '../../core/chunkForm';
import { accumulate, emptyDigest, mergeDigests } from '../../core/indexDigest';
import type { ReadSoFar } from '../../core/progress';
import type { IndexDigest } from '../../core/indexDigest';
import { completeObject, seqOf } from '../../core/rowText';
import { readAt } from '../files';
import { projectLine } from '../index/indexRows';
import { scanLines } from '../read/lines';
import { startOfLine } from '../read/startOfLine';
import { CHUNK_BYTES, scanRegion } from '../scan/scanPool';
import type { ChunkResult } from '../scan/scanPool';

/** What a complete line beside broken ones says of its place in the chain. */
export interface Neighbour {
  readonly seq: number;
  readonly lastSeq: number;
  readonly prevHash: string;
  readonly hash: string;
}

/** Broken lines that follow each other. */
export interface BrokenRange {
  /** The first line, from 1, and how many. */
  readonly line: number;
  readonly lines: number;
  readonly offset: number;
  /** With the newline of the last line, where it has one. */
  readonly length: number;
}

export interface BrokenLines {
  /** Which file was read: ranges hold for no other. */
  readonly ino: number;
  readonly lines: number;
  readonly ranges: readonly BrokenRange[];
  /** The index's fingerprint of the rows that were asked for. */
  readonly digest: IndexDigest;
}

export interface FindOptions {
  /** Sum up the index's fingerprint of these rows, too. */
  readonly digestUpTo?: DigestEnd | undefined;
  readonly workers?: number;
  readonly onProgress?: ((done: ReadSoFar) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @param fd the live file; lines up to its size at the time of the call are looked at, the last also without its newline */
export async function findBrokenLines(fd: number, options: FindOptions = {}): Promise<BrokenLines> {
  const { ino, size } = fstatSync(fd);
  const to = startOfLine(fd, size);
  const found = new Collector(fd, options.digestUpTo);
  if (to > 0) await scanForm(fd, to, found, options);
  if (to < size) found.lookAtEnd(to, size - to);
  const { lines, ranges, digest } = found;
  return { ino, lines, ranges, digest };
}

async function scanForm(fd: number, to: number, found: Collector, options: FindOptions): Promise<void> {
  const region = { from: 0, to, chunkBytes: CHUNK_BYTES };
  const { workers = Math.min(4, availableParallelism()), signal, digestUpTo } = options;
  let exact = false;
  await scanRegion({ fd, region, mode: 'form', digestUpTo, workers, signal }, (result) => {
    exact ||= result.kind === 'unreadable';
    if (!exact) found.take(result);
    const bytes = Math.min(to, (result.index + 1) * CHUNK_BYTES);
    options.onProgress?.({ rows: found.lines, bytes, totalBytes: to });
  });
  // A line of megabytes is somewhere: read the file again, line by line.
  if (exact) found.readAll(to);
}

class Collector {
  lines = 0;
  ranges: BrokenRange[] = [];
  digest = emptyDigest();

  constructor(
    private readonly fd: number,
    private readonly digestUpTo: DigestEnd | undefined,
  ) {}

  take(result: ChunkResult): void {
    if (result.kind !== 'form') return;
    for (const [line, from, to] of result.candidates) {
      this.look({ line: this.lines + line + 1, offset: result.offset + from, length: to - from + 1 });
    }
    this.lines += result.lines;
    if (result.digest !== undefined) this.digest = mergeDigests(this.digest, result.digest);
    for (const [, from, to] of [...result.odd, ...result.candidates]) {
      const block = readAt(this.fd, result.offset + from, to - from);
      this.sumUp({ block, start: 0, end: block.length, offset: result.offset + from, bytes: to - from });
    }
  }

  /** What the index has of a line that is read exactly. */
  sumUp(line: Parameters<typeof projectLine>[0]): void {
    if (this.digestUpTo === undefined || line.offset >= this.digestUpTo.bytes) return;
    const row = projectLine(line, 0);
    if (row !== undefined && row.seq <= this.digestUpTo.seq) accumulate(this.digest, row);
  }

  readAll(to: number): void {
    this.lines = 0;
    this.ranges = [];
    this.digest = emptyDigest();
    scanLines(this.fd, 0, to, (line) => {
      const { offset, bytes, block, start, end, cut } = line;
      this.lines++;
      if (!cut) this.sumUp(line);
      if (cut || completeObject(block.subarray(start, end)) === undefined) {
        this.add({ line: this.lines, lines: 1, offset, length: bytes + 1 });
      }
    });
  }

  /** A last line without its newline: it may be a whole row that the index has. */
  lookAtEnd(offset: number, length: number): void {
    this.look({ line: this.lines + 1, offset, length });
    this.sumUp({ block: readAt(this.fd, offset, length), start: 0, end: length, offset, bytes: length });
  }

  look(at: { readonly line: number; readonly offset: number; readonly length: number }): void {
    const bytes = readAt(this.fd, at.offset, at.length);
    const terminated = bytes[bytes.length - 1] === 0x0a;
    if (completeObject(terminated ? bytes.subarray(0, -1) : bytes) === undefined) this.add({ ...at, lines: 1 });
  }

  add(range: BrokenRange): void {
    const last = this.ranges.at(-1);
    if (last === undefined || last.offset + last.length !== range.offset) {
      this.ranges.push(range);
      return;
    }
    this.ranges[this.ranges.length - 1] = {
      ...last,
      lines: last.lines + range.lines,
      length: last.length + range.length,
    };
  }
}

/** The complete line that ends just before `offset`, or undefined at the start of the file or where it is no line of a chain. */
export function neighbourBefore(fd: number, offset: number): Neighbour | undefined {
  for (let bytes = 4096; offset > 0; bytes *= 4) {
    const start = Math.max(0, offset - 1 - bytes);
    const block = readAt(fd, start, offset - 1 - start);
    const newline = block.lastIndexOf(0x0a);
    if (newline >= 0 || start === 0) return neighbourOf(block.subarray(newline + 1));
  }
  return undefined;
}

/** The complete line that begins at `offset`, or undefined at the end of the file or where it is no line of a chain. */
export function neighbourAfter(fd: number, offset: number): Neighbour | undefined {
  let found: Neighbour | undefined;
  scanLines(fd, offset, fstatSync(fd).size, ({ block, start, end, cut }) => {
    if (!cut) found = neighbourOf(block.subarray(start, end));
    return false;
  });
  return found;
}

function neighbourOf(line: Buffer): Neighbour | undefined {
  const value = completeObject(line);
  const links = value === undefined ? undefined : declaredLinks(line);
  const seq = seqOf(value?.['seq']);
  if (links === undefined || seq === undefined) return undefined;
  return { seq, lastSeq: seqOf(value?.['last_seq']) ?? seq, ...links };
}
