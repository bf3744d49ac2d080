/**
 * A file cut into chunks of whole lines without looking for the cuts first: chunk k holds the lines that begin in
 * `[from + k·size, from + (k+1)·size)`. Whoever reads a chunk finds its first and last line by itself, so two threads
 * need to agree on nothing but k.
 */
import { readInto } from '../files';

const NEWLINE = 0x0a;
/** How far behind its end a chunk looks at first for the end of its last line. */
const MARGIN_BYTES = 16 << 10;
/** A line that runs on for longer is no row; such a chunk is left to the exact reading. */
const MAX_OVERHANG_BYTES = (1 << 20) + 1;

export interface Region {
  readonly from: number;
  /** The end of a line. */
  readonly to: number;
  readonly chunkBytes: number;
}

/** Whole lines, in `bytes` from `start` to `end`; they lie at `offset` in the file. */
export interface ChunkBytes {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

export function chunkCount(region: Region): number {
  return Math.ceil((region.to - region.from) / region.chunkBytes);
}

/** Room for any chunk of a region; the last byte is kept for a newline that stops every scan. */
export function chunkBuffer(region: Region): Buffer {
  const size = Math.min(region.chunkBytes, region.to - region.from) + MAX_OVERHANG_BYTES + 2;
  return Buffer.from(new ArrayBuffer(size));
}

/**
 * Reads chunk `k` into `buffer`.
 * @returns undefined where its last line is too long to be a row; an empty range where no line begins in it
 */
export function readChunk(fd: number, region: Region, k: number, buffer: Buffer): ChunkBytes | undefined {
  const nominal = region.from + k * region.chunkBytes;
  // The byte before tells whether a line begins exactly here.
  const base = k === 0 ? nominal : nominal - 1;
  const boundary = Math.min(nominal + region.chunkBytes, region.to) - base;
  const room = Math.min(boundary + MAX_OVERHANG_BYTES, region.to - base);
  let filled = readInto(fd, buffer.subarray(0, Math.min(boundary + MARGIN_BYTES, room)), base);
  const start = k === 0 ? 0 : buffer.subarray(0, filled).indexOf(NEWLINE) + 1;
  if ((k > 0 && start === 0) || start >= boundary) return { bytes: buffer, start: 0, end: 0, offset: base };
  let end = buffer.subarray(0, filled).indexOf(NEWLINE, boundary - 1) + 1;
  if (end === 0 && filled < room) {
    filled += readInto(fd, buffer.subarray(filled, room), base + filled);
    end = buffer.subarray(0, filled).indexOf(NEWLINE, boundary - 1) + 1;
  }
  return end === 0 ? undefined : { bytes: buffer, start, end, offset: base + start };
}
