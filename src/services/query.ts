/**
 * `ledger query`: the rows that conditions take, as they are stored, or figures over them.
 *
 * It says what the file holds; whether nobody changed it is for `verify` to say. No lock is taken, nobody is waited for.
 */
import type { Zone } from '../core/day';
import { LedgerError } from '../core/errors';
import type { Row } from '../core/members';
import type { ReadSoFar } from '../core/progress';
import { parseField } from '../core/query/field';
import { GroupTally } from '../core/query/groups';
import type { Grouping, Measure } from '../core/query/groups';
import type { ReadWhat } from '../core/access';
import { storedRow } from '../core/storedRow';
import { summaryLine } from '../core/summary';
import type { TimeWindow } from '../core/when';
import { openReading } from '../store/access/reading';
import type { ReadAsked, Reading } from '../store/access/reading';
import { closeQuietly } from '../store/files';
import { refuseOwn } from '../store/ledger/ownFiles';
import { checkCursor, readCursor, writeCursor } from '../store/query/cursor';
import type { Cursor } from '../store/query/cursor';
import { forEachMatch } from '../store/query/matchingLines';
import { openQuery } from '../store/query/openQuery';
import type { Conditions, Opened, QueryNotes } from '../store/query/openQuery';
import { QueryReader } from '../store/query/queryReader';
import type { QueryBatch, QueryRequest as RowsWanted } from '../store/query/queryReader';
import type { WantedLines } from '../store/query/wantedLines';

export type { ReadAsked } from '../store/access/reading';
export type { Conditions, QueryNotes } from '../store/query/openQuery';
export type { QueriedLine, QueryBatch } from '../store/query/queryReader';
export type { Followed } from '../store/read/follow';

/** How it is asked for: content is shown by the settings. */
interface Asked {
  readonly reading?: ReadAsked | undefined;
}

export interface QueryRequest extends RowsWanted, Asked {
  /** The only ones that will be printed of each row. */
  readonly fields?: readonly string[] | undefined;
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

/**
 * @throws LedgerError USAGE, CONFIG_INVALID, LEDGER_MISSING, CURSOR_LOST, UNSAFE_PATH, READ_FAILED; the batches as well;
 *   as `openReading`
 */
export async function query(request: QueryRequest): Promise<Query> {
  checkTogether(request);
  const cursor = request.cursorFile === undefined ? undefined : readCursor(request.cursorFile);
  const opened = await openQuery(request, cursor);
  const reading = await closingOnError(opened, async () => {
    await checkPlace(opened, request.cursorFile, cursor);
    const { fields, lastRows: lines, before, after, follow } = request;
    return allowed(request, { fields, lines, before, after, follow });
  });
  const reader = new QueryReader(opened, request);
  return {
    zone: opened.zone,
    window: opened.window,
    batches: reading.isWhole ? reader.batches() : summaries(reader.batches()),
    notes: opened.notes,
    keepCursor: async () => {
      const { read } = reader;
      if (request.cursorFile !== undefined && read !== undefined) await writeCursor(request.cursorFile, read);
    },
  };
}

async function closingOnError<T>({ end }: Opened, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    closeQuietly(end.fd);
    throw error;
  }
}

/** What may be shown, once it is written down that it is. */
async function allowed(request: Conditions & Asked, shown: Partial<ReadWhat>): Promise<Reading> {
  const { place, terms, where, day, since, until } = request;
  const what = { terms, where, day, since, until, ...shown, command: 'query' } as const;
  const reading = await openReading(place, what, request.reading);
  await reading.record();
  return reading;
}

async function* summaries(batches: AsyncIterable<QueryBatch>): AsyncGenerator<QueryBatch> {
  for await (const { lines, told } of batches)
    yield { lines: lines.map((one) => ({ ...one, line: summaryLine(one.line) })), told };
}

/**
 * The rows that match, as objects. Named gaps and what is no row are left out.
 * @throws LedgerError as `query`, when the first one is asked for
 */
export async function* queryRows(request: QueryRequest): AsyncGenerator<Row> {
  const { batches } = await query(request);
  for await (const { lines } of batches) {
    for (const { line } of lines) {
      const row = storedRow(line);
      if (row !== undefined) yield row;
    }
  }
}

export interface SummaryRequest extends Conditions, Asked {
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
    await allowed(request, { fields: [...request.by, ...request.measures.map(({ field }) => field)] });
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

/** A cursor is of this ledger, and its file none of the ledger's own. */
async function checkPlace({ paths, end }: Opened, file: string | undefined, cursor: Cursor | undefined): Promise<void> {
  if (file !== undefined) refuseOwn(paths, 'a cursor file', file);
  if (file !== undefined && cursor !== undefined) await checkCursor(paths, file, { ...cursor, head: end.head });
}

function checkTogether({ follow, reverse, before, after }: QueryRequest): void {
  const context = before !== undefined || after !== undefined;
  const both = (one: string, other: string): LedgerError =>
    new LedgerError('USAGE', `expected either ${one} or ${other}, found both`);
  if (follow === true && reverse === true) throw both('-f', '-r');
  if (context && follow === true) throw both('-A and -B', '-f');
  if (context && reverse === true) throw both('-A and -B', '-r');
}
