/**
 * `ledger query`: the rows that conditions take, as they are stored, or figures over them.
 *
 * It says what the file holds; whether nobody changed it is for `verify` to say. No lock is taken, nobody is waited for.
 */
import { declaredLinks } from '../core/chain';
import type { Zone } from '../core/day';
import { LedgerError } from '../core/errors';
import type { Row } from '../core/members';
import type { ReadSoFar } from '../core/progress';
import { parseField } from '../core/query/field';
import { GroupTally } from '../core/query/groups';
import type { Grouping, Measure } from '../core/query/groups';
import { completeObject, memberFault } from '../core/rowText';
import type { TimeWindow } from '../core/when';
import { closeQuietly } from '../store/files';
import { presentSegments } from '../store/ledger/segments';
import { isFrom, linesWithContext } from '../store/query/context';
import { checkCursor, readCursor, writeCursor } from '../store/query/cursor';
import type { Cursor } from '../store/query/cursor';
import type { Lines } from '../store/query/lineBlocks';
import { forEachMatch, linesFrom, matchingLines, placeOfLast, withLinesBefore } from '../store/query/matchingLines';
import type { LinePlace } from '../store/query/matchingLines';
import { openQuery } from '../store/query/openQuery';
import type { Conditions, Opened, QueryNotes } from '../store/query/openQuery';
import type { WantedLines } from '../store/query/wantedLines';
import { followLedger } from '../store/read/follow';
import type { Followed } from '../store/read/follow';

export type { Conditions, QueryNotes } from '../store/query/openQuery';
export type { Followed } from '../store/read/follow';

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

export interface Query {
  readonly zone: Zone;
  /** The window that the flags mean; undefined where there is none. */
  readonly window: TimeWindow | undefined;
  readonly batches: AsyncIterable<QueryBatch>;
  /** Complete when the batches are. */
  readonly notes: QueryNotes;
  /** Moves the cursor behind what the batches had so far; to be called when that was shown. */
  readonly keepCursor: () => Promise<void>;
}

const FOLLOWED_FROM = 10;

/**
 * @throws LedgerError USAGE, CONFIG_INVALID, LEDGER_MISSING, CURSOR_LOST, UNSAFE_PATH, READ_FAILED; the batches as well
 */
export async function query(request: QueryRequest): Promise<Query> {
  checkTogether(request);
  const cursor = request.cursorFile === undefined ? undefined : readCursor(request.cursorFile);
  const opened = await openQuery(request, cursor);
  if (cursor !== undefined)
    await checkCursor(opened.paths, request.cursorFile ?? '', { ...cursor, head: opened.end.head });
  const reader = new Reader(opened, request);
  return {
    zone: opened.zone,
    window: opened.window,
    batches: reader.batches(),
    notes: opened.notes,
    keepCursor: async () => {
      const { read } = reader;
      if (request.cursorFile !== undefined && read !== undefined) await writeCursor(request.cursorFile, read);
    },
  };
}

/**
 * The rows that match, as objects. Named gaps and what is no row are left out.
 * @throws LedgerError as `query`, when the first one is asked for
 */
export async function* queryRows(request: QueryRequest): AsyncGenerator<Row> {
  const { batches } = await query(request);
  for await (const { lines } of batches) {
    for (const { line } of lines) {
      const row = completeObject(line);
      if (row !== undefined && memberFault(row) === undefined) yield row as unknown as Row;
    }
  }
}

export interface SummaryRequest extends Conditions {
  /** Fields to group by, as typed; none: one figure for all. */
  readonly by: readonly string[];
  readonly measures: readonly { readonly kind: Measure['kind']; readonly field: string }[];
  readonly onProgress?: ((done: ReadSoFar) => void) | undefined;
}

export interface QuerySummary extends Grouping {
  readonly window: TimeWindow | undefined;
  readonly zone: Zone;
  readonly source: WantedLines['source'];
  readonly notes: QueryNotes;
}

/**
 * How many rows there are, and figures over them.
 * @throws LedgerError as `query`, and TOO_MUCH
 */
export async function summarise(request: SummaryRequest): Promise<QuerySummary> {
  const by = request.by.map(parseField);
  const measures = request.measures.map(({ kind, field }) => ({ kind, field: parseField(field) }));
  const { end, filter, wanted, notes, window, zone } = await openQuery(request, undefined);
  try {
    const tally = new GroupTally(filter.fields, by, measures);
    const { onProgress } = request;
    const totalBytes = wanted.lines.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    let [rows, bytes] = [0, 0];
    const onBytes = (more: number): void => onProgress?.({ rows, bytes: (bytes += more), totalBytes });
    await forEachMatch(wanted.lines, filter, { broken: notes.broken, onBytes }, () => {
      rows++;
      tally.add();
    });
    return { ...tally.result(), window, zone, source: wanted.source, notes };
  } finally {
    closeQuietly(end.fd);
  }
}

function checkTogether({ follow, reverse, before, after }: QueryRequest): void {
  const context = before !== undefined || after !== undefined;
  const both = (one: string, other: string): LedgerError =>
    new LedgerError('USAGE', `expected either ${one} or ${other}, found both`);
  if (follow === true && reverse === true) throw both('-f', '-r');
  if (context && follow === true) throw both('-A and -B', '-f');
  if (context && reverse === true) throw both('-A and -B', '-r');
}

/** Reads what is there, then what comes. */
class Reader {
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
    const all = context ? this.#everyLine() : wanted.lines;
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

  /** Neighbours stand beside rows of which no index knows. */
  #everyLine(): Lines {
    const { wanted, end, paths } = this.opened;
    const closed = presentSegments(paths).filter(({ kind }) => kind !== 'live');
    return { ...wanted.lines, closed, ranges: [{ from: 0, to: end.linesEnd }] };
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
  for await (const batch of batches) {
    const lines = batch.filter((one) => isFrom(from, one)).map(({ line }) => ({ line, isMatch: true, isApart: false }));
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
