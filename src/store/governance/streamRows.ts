/** The rows of a stream in their order, or of all streams: through the index where there is one, else by looking. */
import type { Row } from '../../core/members';
import { completeObject, memberFault } from '../../core/rowText';
import { closeQuietly } from '../files';
import type { Place } from '../ledger/locate';
import { matchingLines } from '../query/matchingLines';
import { openQuery } from '../query/openQuery';
import type { QueryNotes } from '../query/openQuery';

export interface StreamRows {
  readonly rows: AsyncIterable<Row>;
  /** Complete when the rows are read. */
  readonly notes: QueryNotes;
  /** The last row of the ledger. */
  readonly head: { readonly seq: number; readonly hash: string } | undefined;
}

/**
 * @param terms conditions as `query` has them; none: every row that stands in a stream
 * @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED
 */
export async function streamRows(place: Place, terms: readonly string[], nowMs: number): Promise<StreamRows> {
  const opened = await openQuery({ place, terms, nowMs }, undefined);
  const { notes, end } = opened;
  const lines = matchingLines(opened.wanted.lines, opened.filter, { backwards: false, broken: notes.broken });
  async function* rows(): AsyncGenerator<Row> {
    try {
      for await (const batch of lines) for (const { line } of batch) if (isInStream(line)) yield* rowOf(line);
    } finally {
      closeQuietly(end.fd);
    }
  }
  return { rows: rows(), notes, head: end.head };
}

const MARKS = [Buffer.from('"run_seq":'), Buffer.from('"decision_seq":')];

/** A glance at the bytes: most rows of a large ledger may be in none. */
function isInStream(line: Buffer): boolean {
  return MARKS.some((mark) => line.includes(mark));
}

function* rowOf(line: Buffer): Generator<Row> {
  const row = completeObject(line);
  if (row !== undefined && memberFault(row) === undefined) yield row as unknown as Row;
}
