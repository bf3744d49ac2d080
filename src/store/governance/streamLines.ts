/** The rows of a stream in their order, or of all streams: through the index where there is one, else by looking. */
import type { Head } from '../../core/chain';
import type { Unread } from '../../core/governance/reconstruction';
import type { Row } from '../../core/members';
import { storedRow } from '../../core/storedRow';
import { closeQuietly } from '../files';
import type { Place } from '../ledger/locate';
import { matchingLines } from '../query/matchingLines';
import type { FoundLine } from '../query/matchingLines';
import { openQuery } from '../query/openQuery';
import type { StatePaths } from '../paths';

export interface StreamLine {
  readonly row: Row;
  /** The stored bytes; valid until the next batch is asked for. */
  readonly line: Buffer;
}

export interface StreamLines {
  readonly paths: StatePaths;
  /** In batches: a million rows, one by one, would be waited for longer than they are read. */
  readonly batches: AsyncIterable<readonly StreamLine[]>;
  /** The last row of the ledger. */
  readonly head: Head | undefined;
  /** What could not be read as rows; complete when the lines are read. */
  readonly unread: () => Unread;
}

/**
 * @param terms conditions as `query` has them; none: every row that stands in a stream
 * @param actions only rows of these
 * @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED
 */
export async function streamLines(
  place: Place,
  terms: readonly string[],
  nowMs: number,
  actions?: ReadonlySet<string>,
): Promise<StreamLines> {
  const { paths, end, filter, wanted, notes } = await openQuery({ place, terms, nowMs, asObjects: true }, undefined);
  const found = matchingLines(wanted.lines, filter, { backwards: false, broken: notes.broken });
  async function* batches(): AsyncGenerator<readonly StreamLine[]> {
    try {
      for await (const lines of found) {
        const some = actions === undefined ? lines : lines.filter(({ line }) => actions.has(actionIn(line)));
        yield some.map(streamLine).filter((line) => line !== undefined);
      }
    } finally {
      closeQuietly(end.fd);
    }
  }
  const unread = (): Unread => ({
    broken_lines: notes.broken.count,
    torn_bytes: notes.tornBytes,
    lost_rows: notes.lostRows,
    spilled_rows: notes.spilledRows,
  });
  return { paths, batches: batches(), head: end.head, unread };
}

const ACTION = Buffer.from('"action":"');

/** The action as it stands in the line. Quotes within a value are escaped, and the action stands before the payload: the first is the row's. */
function actionIn(line: Buffer): string {
  const start = line.indexOf(ACTION) + ACTION.length;
  return line.toString('latin1', start, line.indexOf(0x22, start));
}

const MARKS = [Buffer.from('"run_seq":'), Buffer.from('"decision_seq":')];

/** A glance at the bytes first: most rows of a large ledger may be in no stream. */
function streamLine({ line, object }: FoundLine): StreamLine | undefined {
  const isOfStream =
    object === undefined ? MARKS.some((mark) => line.includes(mark)) : 'run_seq' in object || 'decision_seq' in object;
  if (!isOfStream) return undefined;
  const row = storedRow(line, object);
  return row && { row, line };
}

/** The rows that conditions take, whether they stand in a stream or not. Errors as above. */
export async function* rowsWhere(place: Place, terms: readonly string[], nowMs: number): AsyncGenerator<Row> {
  const { end, filter, wanted, notes } = await openQuery({ place, terms, nowMs, asObjects: true }, undefined);
  try {
    for await (const batch of matchingLines(wanted.lines, filter, { backwards: false, broken: notes.broken })) {
      for (const { line, object } of batch) {
        const row = storedRow(line, object);
        if (row !== undefined) yield row;
      }
    }
  } finally {
    closeQuietly(end.fd);
  }
}
