/**
 * The tail of a ledger that is being written to, read with patience: a row in flight is never reported. Before anything in
 * the tail counts as damage it is read again, on a fresh descriptor, for up to a second.
 *
 * A file only grows, so an unfinished last line that is followed by a newline later was a row in flight; what is unfinished
 * after that is a younger row, and not looked at. A file that was replaced or cut meanwhile must be read from its start.
 */
import { fstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkChunk } from '../../core/chunk';
import type { ChunkOptions, ChunkSummary } from '../../core/chunk';
import { readStoredLine } from '../../core/storedLine';
import { readAt, withFile } from '../files';
import { monotonicMs } from '../machine/clock';

const NEWLINE = 0x0a;
/** What is read again when something in it looks wrong. */
export const TAIL_BYTES = 256 << 10;
const MAX_TAIL_BYTES = 32 << 20;
const POLL_MS = 25;

export type Settled =
  /** The bytes from the tail's start; they end in a newline unless what is there stays unfinished. `summary`: where all of them are in good order. */
  | { readonly kind: 'tail'; readonly bytes: Buffer; readonly summary: ChunkSummary | undefined }
  /** The file is another one, or shorter than it was. */
  | { readonly kind: 'replaced' };

/** Where the tail of a file of `size` bytes begins: at the start of a line, some way before the end. */
export function tailStart(fd: number, size: number): number {
  for (let length = TAIL_BYTES; length < size && length <= MAX_TAIL_BYTES; length *= 2) {
    const newline = readAt(fd, size - length, length - 1).indexOf(NEWLINE);
    if (newline >= 0) return size - length + newline + 1;
  }
  return size <= MAX_TAIL_BYTES ? 0 : size;
}

/**
 * Reads `[from, end)` of the file at `path`, again and again while its last lines look unfinished, for up to `waitMs`.
 * @param check what is to be known of the lines
 */
export async function settleTail(
  path: string,
  seen: { readonly ino: number; readonly size: number; readonly from: number },
  waitMs: number,
  check: ChunkOptions = { strict: false },
): Promise<Settled> {
  const deadline = monotonicMs() + waitMs;
  let firstLength: number | undefined;
  let before: Buffer | undefined;
  for (;;) {
    const bytes = readFresh(path, seen);
    if (bytes === undefined) return { kind: 'replaced' };
    firstLength ??= bytes.length;
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    // What was unfinished at the first look is finished now; anything unfinished behind it is younger.
    const finished = whole >= firstLength;
    const tail = finished ? bytes.subarray(0, whole) : bytes;
    const summary = finished && whole > 0 ? checkChunk(tail, 0, whole, check) : undefined;
    if (summary !== undefined || (finished && whole === 0)) return { kind: 'tail', bytes: tail, summary };
    const still = before !== undefined && tail.subarray(0, before.length).equals(before);
    if ((finished && still && endsInWholeLine(tail)) || monotonicMs() >= deadline)
      return { kind: 'tail', bytes: tail, summary: undefined };
    before = tail;
    await sleep(POLL_MS);
  }
}

function readFresh(
  path: string,
  seen: { readonly ino: number; readonly size: number; readonly from: number },
): Buffer | undefined {
  return withFile(path, 'read', (fd) => {
    const { ino, size } = fstatSync(fd);
    return ino !== seen.ino || size < seen.size ? undefined : readAt(fd, seen.from, size - seen.from);
  });
}

/** Whether the last line is a complete JSON object: what is wrong before such a line is no row in flight. */
function endsInWholeLine(bytes: Buffer): boolean {
  const end = bytes.length - 1;
  const start = end <= 0 ? 0 : bytes.lastIndexOf(NEWLINE, end - 1) + 1;
  return readStoredLine(bytes.subarray(start, end), { strict: false }).kind !== 'torn';
}
