/**
 * The rows of a ledger as they come. Every row is handed on once, whole, in order: a line counts when its newline is
 * there and its own hash is right. No lock is taken, nobody is waited for.
 *
 * A heal may replace the file (another inode) or cut torn bytes off. So only whole rows move the place from which is
 * read on, every look opens the path afresh, and where the place does not hold any more it is found again by the rows
 * that were handed on last. What is torn is not shown but told, once, when it has stood for a second.
 */
import { fstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { declaredLinks } from '../../core/chain';
import { errnoOf } from '../../core/errors';
import type { Row } from '../../core/members';
import { readLine } from '../../core/rowText';
import { closeQuietly, openFile, readAt } from '../files';
import { Footprints } from './footprints';
import { lastRowsFrom } from './lastRows';
import { scanLines } from './lines';
import type { LineRange } from './lines';
import type { StatePaths } from '../paths';
import { noLedger } from '../ledger/missing';
import { listSegments, presentSegments, segmentBlocks } from '../ledger/segments';
import { monotonicMs } from '../machine/clock';

export type Followed =
  | { readonly kind: 'row'; readonly seq: number; readonly line: Buffer; readonly row: Row }
  /** A named gap in place of rows `seq` to `lastSeq`. */
  | { readonly kind: 'tombstone'; readonly seq: number; readonly lastSeq: number; readonly line: Buffer }
  /** A line of the live file that is no whole row with a right hash. */
  | { readonly kind: 'broken'; readonly offset: number; readonly bytes: number; readonly why: string }
  /** Rows that were handed on and are not in the file any more. */
  | { readonly kind: 'lost'; readonly fromSeq: number; readonly toSeq: number };

export interface FollowOptions {
  /** Where to begin: with the last so many rows, or behind a row. */
  readonly from: { readonly lastRows: number } | { readonly afterSeq: number };
  /** Whether to wait for more at the end. */
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

const POLL_MS = 50;
/** What stands torn for so long is no row in flight. */
const PATIENCE_MS = 1_000;
const MAX_LOOK_BYTES = 4 << 20;
const LINE_END_BYTES = 156;

/**
 * Hands on rows in batches until the end, or with `follow` until the signal. The place is taken before this returns, and
 * is a row, not an open file: whenever the first batch is asked for, nothing that came meanwhile is missed.
 * @throws LedgerError LEDGER_MISSING where there is none, UNSAFE_PATH; the system's error where it cannot be read
 */
export function followLedger(paths: StatePaths, options: FollowOptions): AsyncGenerator<readonly Followed[]> {
  presentSegments(paths);
  const follower = new Follower(paths);
  const lacking = follower.begin(options.from);
  return batchesFrom(paths, options, follower, { lacking, first: follower.look(monotonicMs()) });
}

async function* batchesFrom(
  paths: StatePaths,
  { from, follow, signal }: FollowOptions,
  follower: Follower,
  { lacking, first }: { readonly lacking: number; readonly first: readonly Followed[] },
): AsyncGenerator<readonly Followed[]> {
  yield* closedRows(paths, from, lacking);
  for (let batch = first; signal?.aborted !== true; batch = follower.look(monotonicMs())) {
    if (batch.length > 0) yield batch;
    if (follower.hasMore) continue;
    if (!follow && !follower.isWaiting) return;
    try {
      await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
    } catch {
      return;
    }
  }
}

/** Rows of closed segments, where the live file alone has not what was asked for. */
async function* closedRows(
  paths: StatePaths,
  from: FollowOptions['from'],
  lacking: number,
): AsyncGenerator<readonly Followed[]> {
  if (lacking === 0) return;
  let rows: Followed[] = [];
  const closed = listSegments(paths).filter(({ kind }) => kind !== 'live');
  // The last rows are in the last segments: the first segment that is needed is looked for from the end.
  for (const segment of 'lastRows' in from ? closed.slice(-Math.max(1, lacking)) : closed) {
    for await (const { bytes, overlong } of segmentBlocks(segment)) {
      let start = 0;
      for (let end = bytes.indexOf(0x0a); end >= 0 && !overlong; end = bytes.indexOf(0x0a, start)) {
        const line = wholeLine(bytes.subarray(start, end));
        start = end + 1;
        if (line !== undefined && (!('afterSeq' in from) || line.seq > from.afterSeq)) rows.push(line);
      }
      if ('lastRows' in from) rows = rows.slice(-lacking);
      else if (rows.length > 0) yield rows.splice(0);
    }
  }
  if (rows.length > 0) yield rows;
}

type WholeLine = Extract<Followed, { kind: 'row' | 'tombstone' }>;

function wholeLine(bytes: Buffer): WholeLine | undefined {
  const reading = readLine(bytes);
  if (reading.kind === 'row') return { kind: 'row', seq: reading.row.seq, line: Buffer.from(bytes), row: reading.row };
  if (reading.kind !== 'tombstone') return undefined;
  return { kind: 'tombstone', seq: reading.seq, lastSeq: reading.lastSeq, line: Buffer.from(bytes) };
}

interface Broken {
  readonly offset: number;
  readonly bytes: number;
  readonly why: string;
  readonly sinceMs: number;
}

/** One reader's place in the live file. */
class Follower {
  /** Set where a look stopped before the end of the file. */
  hasMore = false;
  readonly #prints = new Footprints();
  #offset = 0;
  #ino = -1;
  #seen = '';
  #surplus = 0;
  /** Broken lines after the last whole row, by offset: torn, or a row in flight. */
  #broken = new Map<number, Broken>();
  readonly #told = new Set<number>();

  constructor(private readonly paths: StatePaths) {}

  /** Whether something at the end may still become a row. */
  get isWaiting(): boolean {
    return [...this.#broken.keys()].some((offset) => !this.#told.has(offset));
  }

  /** Takes the place to begin at; returns how many rows the live file has too few (Infinity: not known). */
  begin(from: FollowOptions['from']): number {
    const fd = this.#open();
    if (fd === undefined) throw noLedger(this.paths);
    try {
      const { ino, size } = fstatSync(fd);
      this.#ino = ino;
      if ('afterSeq' in from) {
        this.#prints.startAfter(from.afterSeq);
        this.#offset = this.#prints.offsetToReadFrom(fd, size);
        return this.#offset === 0 ? Infinity : 0;
      }
      const { offset, surplus, lacking } = lastRowsFrom(fd, size, Math.max(1, from.lastRows));
      this.#offset = offset;
      this.#surplus = surplus + (from.lastRows === 0 && lacking === 0 ? 1 : 0);
      return from.lastRows === 0 ? 0 : lacking;
    } finally {
      closeQuietly(fd);
    }
  }

  /** What has come since the last look. */
  look(nowMs: number): Followed[] {
    const fd = this.#open();
    if (fd === undefined) return [];
    try {
      const { ino, size, mtimeMs } = fstatSync(fd);
      const seen = `${ino}/${size}/${mtimeMs}`;
      if (seen === this.#seen && !this.hasMore) return this.#tellBroken(nowMs);
      const moved = ino === this.#ino && size >= this.#offset && this.#isInPlace(fd) ? [] : this.#findPlace(fd, size);
      this.#ino = ino;
      this.#seen = seen;
      return [...moved, ...this.#read(fd, size, nowMs), ...this.#tellBroken(nowMs)];
    } finally {
      closeQuietly(fd);
    }
  }

  #open(): number | undefined {
    try {
      return openFile(this.paths.ledger, 'read');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Whether the row before the place is the one that was handed on last: the file may have been cut and grown again. */
  #isInPlace(fd: number): boolean {
    const last = this.#prints.last;
    if (last === undefined || this.#offset === 0) return true;
    const end = readAt(fd, Math.max(0, this.#offset - LINE_END_BYTES), Math.min(this.#offset, LINE_END_BYTES));
    return end.at(-1) === 0x0a && declaredLinks(end.subarray(0, -1))?.hash === last.hash;
  }

  #findPlace(fd: number, size: number): Followed[] {
    this.#broken.clear();
    this.#told.clear();
    const { offset, lost } = this.#prints.find(fd, size);
    this.#offset = offset;
    return lost === undefined ? [] : [{ kind: 'lost', ...lost }];
  }

  #read(fd: number, size: number, nowMs: number): Followed[] {
    const out: Followed[] = [];
    const from = this.#offset;
    const before = this.#broken;
    this.#broken = new Map();
    this.hasMore = false;
    scanLines(fd, from, size, (range) => {
      const { block, start, end, offset, bytes, terminated } = range;
      const line = terminated && !range.cut ? wholeLine(block.subarray(start, end)) : undefined;
      if (line === undefined) {
        const known = before.get(offset);
        this.#broken.set(offset, { offset, bytes, why: whyBroken(range), sinceMs: known?.sinceMs ?? nowMs });
        return true;
      }
      // What is broken before a whole row is in the middle: it will not become one.
      for (const one of this.#broken.values()) this.#tell(out, one);
      this.#broken.clear();
      this.#offset = offset + bytes + 1;
      this.#take(out, line);
      this.hasMore = this.#offset - from > MAX_LOOK_BYTES;
      return !this.hasMore;
    });
    return out;
  }

  #take(out: Followed[], line: WholeLine): void {
    const { hash } = declaredLinks(line.line.subarray(-LINE_END_BYTES)) ?? { hash: '' };
    if (!this.#prints.leave(line.kind === 'row' ? line.seq : line.lastSeq, hash)) return;
    if (this.#surplus > 0) this.#surplus--;
    else out.push(line);
  }

  #tellBroken(nowMs: number): Followed[] {
    const out: Followed[] = [];
    for (const one of this.#broken.values()) if (nowMs - one.sinceMs >= PATIENCE_MS) this.#tell(out, one);
    return out;
  }

  #tell(out: Followed[], { offset, bytes, why }: Broken): void {
    if (this.#told.has(offset)) return;
    this.#told.add(offset);
    out.push({ kind: 'broken', offset, bytes, why });
  }
}

function whyBroken({ block, start, end, terminated, cut }: LineRange): string {
  if (cut) return 'a line too long to be a row';
  const reading = readLine(block.subarray(start, end));
  if (reading.kind === 'wrong') return reading.why;
  return terminated || reading.kind === 'torn' ? 'no whole row' : 'a row without its newline';
}
