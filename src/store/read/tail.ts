/**
 * The end of the ledger, read afresh under the lock before anything is built on it.
 *
 * "Ends with a newline" does not prove a whole row: a torn write can leave `\0\0…"}\n`. The tail is whole when its last
 * line parses, its own hash is right, and it links to the line before. Everything after the last complete line is torn.
 */
import { fstatSync } from 'node:fs';
import type { Head } from '../../core/chain';
import { declaredLinks } from '../../core/chain';
import type { Row } from '../../core/members';
import { completeObject, readLine } from '../../core/rowText';
import type { LineReading } from '../../core/rowText';
import { readAt } from '../files';

import { MAX_SCANNED_LINE_BYTES } from './lines';
import { startOfLine } from './startOfLine';

/** How much of the end is read at once. It also answers most questions about streams and keys (places.ts). */
export const TAIL_BYTES = 256 << 10;

/** Enough for the last two rows of most ledgers. */
export const SMALL_TAIL_BYTES = 8 << 10;

/** The last bytes of the file; the line that `offset` falls into may be cut. */
export interface TailBytes {
  readonly offset: number;
  readonly bytes: Buffer;
}

interface TailBase {
  readonly sizeBytes: number;
  readonly window: TailBytes;
}

export type Tail =
  | (TailBase & { readonly kind: 'empty' })
  | (TailBase & { readonly kind: 'whole'; readonly head: Head })
  /** The last row, or tombstone (`row` undefined), is whole, its newline is missing. */
  | (TailBase & { readonly kind: 'unterminated'; readonly head: Head; readonly row: Row | undefined })
  /** Bytes from `offset` to the end are torn; `head` is the last whole row before them (none: the first line is torn too). */
  | (TailBase & { readonly kind: 'torn'; readonly head: Head | undefined; readonly offset: number })
  /** A complete last line that is not a row of this chain. Nothing heals it, nothing builds on it. */
  | (TailBase & { readonly kind: 'wrong'; readonly offset: number; readonly why: string });

export type WholeTail = Extract<Tail, { kind: 'whole' }>;

interface TailLine {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** @param windowBytes how much of the end to read at once; a longer last line is read all the same */
export function readTail(fd: number, windowBytes = TAIL_BYTES): Tail {
  const sizeBytes = fstatSync(fd).size;
  const offset = Math.max(0, sizeBytes - windowBytes);
  const base: TailBase = { sizeBytes, window: { offset, bytes: readAt(fd, offset, sizeBytes - offset) } };
  if (sizeBytes === 0) return { ...base, kind: 'empty' };
  const found = lastCompleteLine(fd, base);
  if (found === undefined) return { ...base, kind: 'torn', head: undefined, offset: 0 };
  const { line, tornFrom } = found;
  const reading = readLine(line.bytes);
  const why = whyWrong(reading) ?? whyUnlinked(fd, base, line, reading);
  if (why !== undefined) return { ...base, kind: 'wrong', offset: line.start, why };
  const head = headOf(reading, base.window, line.start);
  if (tornFrom < sizeBytes) return { ...base, kind: 'torn', head, offset: tornFrom };
  if (line.end < sizeBytes) return { ...base, kind: 'whole', head };
  return { ...base, kind: 'unterminated', head, row: reading.kind === 'row' ? reading.row : undefined };
}

function headOf(reading: LineReading, window: TailBytes, lineStart: number): Head {
  if (reading.kind === 'row') return { seq: reading.row.seq, id: reading.row.id, hash: reading.row.hash };
  if (reading.kind === 'tombstone') {
    // A tombstone has no id; the ids to come must still be greater than those before it.
    const before = window.bytes.subarray(0, Math.max(0, lineStart - window.offset));
    return { seq: reading.lastSeq, id: lastIdIn(before), hash: reading.hash };
  }
  return { seq: 0, id: '', hash: '' };
}

function whyWrong(reading: LineReading): string | undefined {
  return reading.kind === 'wrong' ? reading.why : undefined;
}

/** The id of the last whole row in `bytes`, '' where there is none. */
export function lastIdIn(bytes: Buffer): string {
  for (let end = bytes.length; end > 0;) {
    // A negative place would be counted from the end of the bytes.
    const start = end < 2 ? 0 : bytes.lastIndexOf(0x0a, end - 2) + 1;
    const reading = readLine(bytes.subarray(start, bytes[end - 1] === 0x0a ? end - 1 : end));
    if (reading.kind === 'row') return reading.row.id;
    end = start;
  }
  return '';
}

/** The line before may be torn (only `sweep` heals the middle): then there is nothing to compare with. */
function whyUnlinked(fd: number, base: TailBase, line: TailLine, reading: LineReading): string | undefined {
  if (line.start === 0 || (reading.kind !== 'row' && reading.kind !== 'tombstone')) return undefined;
  const before = lineEndingAt(fd, base.window, line.start);
  const links =
    before === undefined || completeObject(before.bytes) === undefined ? undefined : declaredLinks(before.bytes);
  if (links === undefined) return undefined;
  const prevHash = reading.kind === 'row' ? reading.row.prev_hash : reading.prevHash;
  if (links.hash === prevHash) return undefined;
  return `the last row links to ${prevHash}, the row before it has hash ${links.hash}`;
}

/** The last line that is a complete JSON object, and where the torn bytes after it begin (the file's size: nowhere). */
function lastCompleteLine(
  fd: number,
  base: TailBase,
): { readonly line: TailLine; readonly tornFrom: number } | undefined {
  let end = base.sizeBytes;
  for (;;) {
    const line = lineEndingAt(fd, base.window, end);
    if (line === undefined) return undefined;
    if (completeObject(line.bytes) !== undefined) {
      // Without its newline the complete line is the last one: nothing after it is torn.
      return { line, tornFrom: end };
    }
    end = line.start;
  }
}

/**
 * The line that ends at `end` (just after its newline, or at the end of the file without one); undefined at the start of the file.
 * A line too long to be a row comes back without its bytes.
 */
function lineEndingAt(fd: number, window: TailBytes, end: number): TailLine | undefined {
  if (end === 0) return undefined;
  const last = byteAt(fd, window, end - 1);
  const contentEnd = last === 0x0a ? end - 1 : end;
  const start = afterNewlineBefore(fd, window, contentEnd);
  const length = contentEnd - start;
  const bytes = length > MAX_SCANNED_LINE_BYTES ? Buffer.alloc(0) : bytesOf(fd, window, start, length);
  return { start, end: contentEnd, bytes };
}

function byteAt(fd: number, window: TailBytes, offset: number): number | undefined {
  return bytesOf(fd, window, offset, 1)[0];
}

function bytesOf(fd: number, window: TailBytes, offset: number, length: number): Buffer {
  if (offset < window.offset) return readAt(fd, offset, length);
  const start = offset - window.offset;
  return window.bytes.subarray(start, start + length);
}

/** The offset just after the last newline before `end`; 0 where there is none. */
function afterNewlineBefore(fd: number, window: TailBytes, end: number): number {
  const inWindow = end > window.offset ? window.bytes.subarray(0, end - window.offset).lastIndexOf(0x0a) : -1;
  return inWindow >= 0 ? window.offset + inWindow + 1 : startOfLine(fd, Math.min(end, window.offset));
}
