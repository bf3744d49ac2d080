/**
 * The lines of a query in the order that was asked for: as they stand, the newest first, the last few, each with its
 * neighbours; and then those that come.
 */
import { declaredLinks } from '../../core/chain';
import { closeQuietly } from '../files';
import { followLedger } from '../read/follow';
import type { Followed } from '../read/follow';
import { linesWithContext } from './context';
import type { Cursor } from './cursor';
import { countsFrom, linesFrom, matchingLines, placeOfLast, withLinesBefore } from './matchingLines';
import type { LinePlace } from './matchingLines';
import { everyLine } from './openQuery';
import type { Conditions, Opened } from './openQuery';

export interface QueryRequest extends Conditions {
  /** The last so many of them. */
  readonly lastRows?: number | undefined;
  /** The newest first. */
  readonly reverse?: boolean;
  /** So many rows before and after each. */
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  /** Begin behind the row that this file names. */
  readonly cursorFile?: string | undefined;
  readonly follow?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface QueriedLine {
  /** The stored bytes without their newline; valid until the next batch is asked for. */
  readonly line: Buffer;
  readonly isMatch: boolean;
  /** Whether rows lie between this one and the one before it, where neighbours are shown. */
  readonly isApart: boolean;
}

export interface QueryBatch {
  readonly lines: readonly QueriedLine[];
  /** What a reader that follows is told besides: torn bytes, rows that are gone. */
  readonly told: readonly Followed[];
}

/** Who only follows begins with so many rows, as a reader of a log does. */
const FOLLOWED_FROM = 10;

/** Reads what is there, then what comes. */
export class QueryReader {
  /** The newest row that was looked at. */
  read: Cursor | undefined;

  constructor(
    private readonly opened: Opened,
    private readonly request: QueryRequest,
  ) {}

  async *batches(): AsyncGenerator<QueryBatch> {
    const { end } = this.opened;
    try {
      for await (const lines of this.#stored()) yield { lines, told: [] };
    } finally {
      closeQuietly(end.fd);
    }
    this.read = end.head;
    if (this.request.follow === true) yield* this.#coming();
  }

  async *#stored(): AsyncGenerator<readonly QueriedLine[]> {
    const { filter, wanted, notes } = this.opened;
    const { reverse = false, before, after } = this.request;
    const count = this.#lastRows();
    if (count === 0) return;
    const context = before !== undefined || after !== undefined;
    // Neighbours stand beside rows of which no index knows.
    const all = context ? everyLine(this.opened) : wanted.lines;
    if (reverse) {
      yield* first(count, asMatches(matchingLines(all, filter, { backwards: true, broken: notes.broken })));
      return;
    }
    const from = count === Infinity ? undefined : await placeOfLast(all, filter, count);
    if (context) {
      const options = { before: before ?? 0, after: after ?? 0, from, broken: notes.broken };
      yield* linesWithContext(withLinesBefore(all, from, options.before), filter, options);
      return;
    }
    const lines = from === undefined ? all : linesFrom(all, from);
    for await (const batch of asMatches(matchingLines(lines, filter, { backwards: false, broken: notes.broken }), from))
      yield batch;
  }

  #lastRows(): number {
    const { lastRows, follow, since, cursorFile } = this.request;
    if (lastRows !== undefined) return lastRows;
    return follow === true && since === undefined && cursorFile === undefined ? FOLLOWED_FROM : Infinity;
  }

  async *#coming(): AsyncGenerator<QueryBatch> {
    const { paths, filter, end } = this.opened;
    const { signal } = this.request;
    const from = { afterSeq: end.head?.seq ?? 0 };
    const followed = followLedger(paths, { from, follow: true, ...(signal === undefined ? {} : { signal }) });
    for await (const batch of followed) {
      const lines: QueriedLine[] = [];
      for (const one of batch) {
        if (one.kind === 'broken' || one.kind === 'lost') continue;
        const { line } = one;
        const seq = one.kind === 'row' ? one.seq : one.lastSeq;
        this.read = { seq, hash: declaredLinks(line)?.hash ?? '' };
        if (filter.judge(line, 0, line.length) === 'match') lines.push({ line, isMatch: true, isApart: false });
      }
      yield { lines, told: batch.filter(({ kind }) => kind === 'broken' || kind === 'lost') };
    }
  }
}

async function* asMatches(
  batches: AsyncIterable<readonly (LinePlace & { readonly line: Buffer })[]>,
  from?: LinePlace,
): AsyncGenerator<readonly QueriedLine[]> {
  const counts = countsFrom(from);
  for await (const batch of batches) {
    const lines = batch.filter(counts).map(({ line }) => ({ line, isMatch: true, isApart: false }));
    if (lines.length > 0) yield lines;
  }
}

async function* first(
  count: number,
  batches: AsyncIterable<readonly QueriedLine[]>,
): AsyncGenerator<readonly QueriedLine[]> {
  let left = count;
  for await (const batch of batches) {
    yield batch.slice(0, left);
    left -= batch.length;
    if (left <= 0) return;
  }
}
