/**
 * Where a stream stands, and whether an idempotency key was used before: asked under the lock for the rows of one group.
 *
 * Three places know, each looked into only where the one before does not answer:
 *   1. `recent` (recent.ts): what this process appended itself or read since;
 *   2. the last 256 KiB of the file, which the tail check has read anyway;
 *   3. the index for everything before; or, where there is none, the file itself, backwards.
 * A line counts only after it was read and is whole: a wrong index can cost time, never truth.
 */
import type { StreamHead } from '../../core/chain';
import { storedString } from '../../core/json';
import type { Row } from '../../core/members';
import type { OwnAction } from '../../core/ownRows';
import { readLine } from '../../core/rowText';
import { readAt } from '../files';
import type { TailBytes } from '../read/tail';

export type PlaceKind = 'run_id' | 'decision_id' | 'idempotency_key';

/** What answers for the rows before the tail. */
export interface OlderRows {
  /** Where the last row with this value lies, among the rows that begin before `beforeOffset`; undefined where there is none. */
  find(kind: PlaceKind, value: string, beforeOffset: number): Row | undefined;
}

/** The file itself: `fromOffset`, the start of a line, ends the search early. */
export interface FileRows extends OlderRows {
  find(kind: PlaceKind, value: string, beforeOffset: number, fromOffset?: number): Row | undefined;
}

const BLOCK_BYTES = 4 << 20;

/** The head of a stream after its last row. */
export function streamHeadOf(row: Row, kind: 'run_id' | 'decision_id'): StreamHead {
  const seq = kind === 'run_id' ? row.run_seq : row.decision_seq;
  return { seq: seq ?? 0, hash: row.hash };
}

/** The last row in `bytes` that has `value` in its member `kind`; lines cut by the edges of `bytes` do not count. */
export function lastRowWith(bytes: Buffer, kind: PlaceKind, value: string): Row | undefined {
  // The ledger's own rows stand in no stream; a key they can have.
  const counts = (row: Row): boolean => kind === 'idempotency_key' || !row.action.startsWith('audit.');
  return lastRowThat(bytes, kind, value, (row) => row[kind] === value && counts(row));
}

/** The last of the ledger's own rows of one kind in `bytes` (of which `isIt` is true). */
export function lastRowOfAction(bytes: Buffer, action: OwnAction, isIt?: (row: Row) => boolean): Row | undefined {
  return lastRowThat(bytes, 'action', action, (row) => row.action === action && (isIt === undefined || isIt(row)));
}

function lastRowThat(bytes: Buffer, member: string, value: string, isIt: (row: Row) => boolean): Row | undefined {
  const needle = Buffer.from(`"${member}":${storedString(value)}`);
  let from = bytes.length;
  for (;;) {
    const at = from < 0 ? -1 : bytes.lastIndexOf(needle, from);
    if (at < 0) return undefined;
    const start = at === 0 ? 0 : bytes.lastIndexOf(0x0a, at - 1) + 1;
    const end = bytes.indexOf(0x0a, at);
    const reading = readLine(bytes.subarray(start, end < 0 ? bytes.length : end));
    // The same text can stand in a payload: only the row's own member counts.
    if (reading.kind === 'row' && isIt(reading.row)) return reading.row;
    from = start - 1;
  }
}

/** Answers from the file itself, backwards: right on its own, and what is left where there is no index. */
export function fileAsOlderRows(fd: number): FileRows {
  return {
    find: (kind, value, beforeOffset, fromOffset = 0) =>
      lastInBlocks(fd, fromOffset, beforeOffset, (bytes) => lastRowWith(bytes, kind, value)),
  };
}

/** The last row in a part of a file, which `find` finds in the bytes of whole lines; read backwards. */
export function lastInBlocks(
  fd: number,
  fromOffset: number,
  beforeOffset: number,
  find: (bytes: Buffer) => Row | undefined,
): Row | undefined {
  let end = beforeOffset;
  while (end > fromOffset) {
    const start = Math.max(fromOffset, end - BLOCK_BYTES);
    const block = readAt(fd, start, end - start);
    // The line that the block's start falls into is left for the next block.
    const firstLine = start === fromOffset ? 0 : block.indexOf(0x0a) + 1;
    const found = find(block.subarray(firstLine));
    if (found !== undefined) return found;
    end = start + firstLine;
    if (start > fromOffset && firstLine === 0) end = start;
  }
  return undefined;
}

/** The first line that begins inside the tail window: older rows are asked for what is before it. */
export function windowStart(window: TailBytes): number {
  return window.offset === 0 ? 0 : window.offset + window.bytes.indexOf(0x0a) + 1;
}
