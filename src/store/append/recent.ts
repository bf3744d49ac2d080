/**
 * What one process remembers of the newest rows, `fromBytes` to `toBytes` of one file: stream heads and keys. It is
 * never believed on its own account: before each group the file's inode must be the same, and what others appended
 * since is read. So a pipe of many rows asks the file and the index only for what is new to it.
 */
import { fstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { Head, StreamHead } from '../../core/chain';
import type { Row } from '../../core/members';
import { readLine } from '../../core/rowText';
import { readAt } from '../files';
import { scanLines } from '../read/lines';
import { hashOfRow } from '../read/seek';
import type { WholeTail } from '../read/tail';
import type { LostRows } from './lostRows';
import { streamHeadOf } from './places';

/** More foreign rows than this are left to the index. */
const MAX_CATCH_UP_BYTES = 1 << 20;
/** A longer row is not remembered whole: its tail is read and checked as anybody's. */
const MAX_LEFT_BYTES = 8 << 10;
/** A row's last bytes with its newline: its hash is among them, so they tell one row from every other. */
const END_BYTES = 76;

type FileNow = Pick<Stats, 'ino' | 'size'>;

interface LinePlace {
  readonly offset: number;
  readonly bytes: number;
}

export class Recent {
  readonly #run = new Map<string, StreamHead>();
  readonly #decision = new Map<string, StreamHead>();
  readonly #keys = new Map<string, LinePlace>();
  #ino = -1;
  #fromBytes = 0;
  #toBytes = 0;
  /** What stands before `toBytes`. */
  #end: Buffer = Buffer.alloc(0);
  /** Our own last row, where nothing was seen behind it. */
  #left: { readonly line: Buffer; readonly head: Head } | undefined;
  #tailAsLeft: WholeTail | undefined;
  /** Our own last row, on disk and acknowledged, whatever became of the file since. */
  #acknowledged: Head | undefined;

  /** Rows that begin before this are not remembered here. */
  get fromBytes(): number {
    return this.#fromBytes;
  }

  /** Rows that end behind this are not remembered yet. */
  get toBytes(): number {
    return this.#toBytes;
  }

  get size(): number {
    return this.#run.size + this.#decision.size + this.#keys.size;
  }

  /** Whether this is the file that is followed, and it has not shrunk. */
  isFollowing({ ino, size }: FileNow): boolean {
    return ino === this.#ino && size >= this.#toBytes;
  }

  /**
   * The tail, where the file ends exactly as our last commit left it: its last row was whole and linked when it was
   * written, and every byte of it still stands.
   */
  tailAsLeft(fd: number, { ino, size }: FileNow): WholeTail | undefined {
    const left = this.#left;
    if (left === undefined) return undefined;
    if (ino !== this.#ino || size !== this.#toBytes) return undefined;
    const offset = size - left.line.length;
    const bytes = readAt(fd, offset, left.line.length);
    if (!bytes.equals(left.line)) return undefined;
    this.#tailAsLeft = { kind: 'whole', sizeBytes: size, window: { offset, bytes }, head: left.head };
    return this.#tailAsLeft;
  }

  /** Whether this tail is the one that `tailAsLeft` saw just now: then there is nothing to follow. */
  isAsLeft(tail: WholeTail): boolean {
    return tail === this.#tailAsLeft;
  }

  /**
   * Brings the memory up to the file as it is now, under the lock.
   * @returns whether the file has only grown since: false for the first look, too
   */
  follow(fd: number, sizeBytes: number): boolean {
    const { ino } = fstatSync(fd);
    const behind = sizeBytes - this.#toBytes;
    if (ino !== this.#ino || behind < 0 || behind > MAX_CATCH_UP_BYTES || !this.#endStands(fd)) {
      this.reset(ino, sizeBytes);
      this.#end = endBefore(fd, sizeBytes);
      return false;
    }
    if (behind === 0) return true;
    scanLines(fd, this.#toBytes, sizeBytes, ({ block, start, end, offset, bytes }) => {
      const reading = readLine(block.subarray(start, end));
      if (reading.kind === 'row') this.#note(reading.row, { offset, bytes });
    });
    this.#toBytes = sizeBytes;
    this.#end = endBefore(fd, sizeBytes);
    this.#left = undefined;
    return true;
  }

  /** A file that was cut and has grown again has the same inode, and other rows. */
  #endStands(fd: number): boolean {
    return endBefore(fd, this.#toBytes).equals(this.#end);
  }

  /** Forgets everything; from now on remembers what comes after `sizeBytes`. */
  reset(ino: number, sizeBytes: number): void {
    this.#run.clear();
    this.#decision.clear();
    this.#keys.clear();
    this.#ino = ino;
    this.#fromBytes = sizeBytes;
    this.#toBytes = sizeBytes;
    this.#left = undefined;
  }

  /** Forgets what the index knows by now. */
  restart(): void {
    this.reset(this.#ino, this.#toBytes);
  }

  stream(kind: 'run_id' | 'decision_id', id: string): StreamHead | undefined {
    return kind === 'run_id' ? this.#run.get(id) : this.#decision.get(id);
  }

  /** A stream head of a group that was committed just now. */
  noteStream(kind: 'run_id' | 'decision_id', id: string, head: StreamHead): void {
    (kind === 'run_id' ? this.#run : this.#decision).set(id, head);
  }

  noteKey(key: string, place: LinePlace): void {
    this.#keys.set(key, place);
  }

  /** Our own group was written: `data`, which ends at `toBytes`; `head` is its last row. */
  advance(toBytes: number, data: Buffer, head: Head): void {
    this.#toBytes = toBytes;
    this.#acknowledged = head;
    this.#end = Buffer.from(data.subarray(-END_BYTES));
    const start = data.lastIndexOf(0x0a, data.length - 2) + 1;
    this.#left = data.length - start > MAX_LEFT_BYTES ? undefined : { line: Buffer.from(data.subarray(start)), head };
  }

  /** What this process wrote and the file, which ends with row `lastSeq`, has no more: it was cut, and may have grown again. */
  lostRows(fd: number, lastSeq: number): LostRows | undefined {
    const last = this.#acknowledged;
    if (last === undefined) return undefined;
    const { seq, hash } = last;
    if (seq > lastSeq) return { fromSeq: lastSeq + 1, toSeq: seq, head: hash };
    // A tombstone in its place has a heal row that tells; a row of an earlier segment is not here.
    const now = hashOfRow(fd, seq);
    return now === undefined || now === hash ? undefined : { fromSeq: seq, toSeq: seq, head: hash };
  }

  /** Rows that are named as lost by now are not named again. */
  forgetAcknowledged(): void {
    this.#acknowledged = undefined;
  }

  /** The row of a key, read from the file again. */
  keyed(fd: number, key: string): Row | undefined {
    const place = this.#keys.get(key);
    if (place === undefined) return undefined;
    const reading = readLine(readAt(fd, place.offset, place.bytes));
    return reading.kind === 'row' && reading.row.idempotency_key === key ? reading.row : undefined;
  }

  #note(row: Row, place: LinePlace): void {
    if (row.idempotency_key !== undefined) this.#keys.set(row.idempotency_key, place);
    if (row.action.startsWith('audit.')) return;
    if (row.run_id !== undefined) this.#run.set(row.run_id, streamHeadOf(row, 'run_id'));
    if (row.decision_id !== undefined) this.#decision.set(row.decision_id, streamHeadOf(row, 'decision_id'));
  }
}

function endBefore(fd: number, offset: number): Buffer {
  const start = Math.max(0, offset - END_BYTES);
  return readAt(fd, start, offset - start);
}
