/**
 * `ledger sql`: one question in SQL about the rows of the ledger, which it cannot change.
 *
 * The answer comes from a projection of the file (`columns.db`) and what was appended since; whether somebody changed the
 * file is for `verify` to say.
 */
import { LedgerError } from '../core/errors';
import type { ReadSoFar } from '../core/progress';
import { CONTENT_COLUMNS, SQL_COLUMNS } from '../core/sqlColumns';
import type { SqlColumn } from '../core/sqlColumns';
import { openReading } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { closeQuietly } from '../store/files';
import { sqliteFault } from '../store/index/sqlite';
import type { Database, SqlResult } from '../store/index/sqlite';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import { openLedgerEnd } from '../store/query/ledgerEnd';
import type { StatePaths } from '../store/paths';
import { countSpilled } from '../store/spill/spillState';
import { forgetColumns, openColumns } from '../store/sql/columns';
import { notAllowed, readsContent } from '../store/sql/allowed';

export type { SqlResult } from '../store/index/sqlite';

export interface SqlRequest {
  readonly place: Place;
  /** One SELECT, VALUES or WITH … SELECT. */
  readonly statement: string;
  readonly reading?: ReadAsked | undefined;
  readonly onProgress?: ((done: ReadSoFar) => void) | undefined;
}

export interface SqlAnswer {
  readonly columns: readonly string[];
  /** Read one by one; throws LedgerError SQL_FAILED. */
  readonly rows: Iterable<readonly SqlResult[]>;
  readonly brokenLines: number;
  readonly tornBytes: number;
  readonly spilledRows: number;
  readonly close: () => void;
}

/** The columns of the table `rows`. */
export const sqlColumns: readonly Pick<SqlColumn, 'name' | 'type' | 'meaning'>[] = SQL_COLUMNS;

/**
 * @throws LedgerError SQL_FAILED for what is no such statement, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED; as `openReading`
 */
export async function sql({ place, statement, reading: asked, onProgress }: SqlRequest): Promise<SqlAnswer> {
  const { paths } = locate(place);
  const closed = presentSegments(paths).filter(({ kind }) => kind !== 'live');
  const end = await openLedgerEnd(paths);
  try {
    const reading = await openReading(place, { command: 'sql', statement }, asked);
    if (!reading.isWhole && readsContent(statement)) throw contentAsked();
    const hidden = reading.isWhole ? [] : CONTENT_COLUMNS;
    const { database, brokenLines } = await openColumns(paths, { closed, end }, onProgress, hidden);
    const answer = ask(paths, database, statement);
    await reading.record().catch((error: unknown) => {
      database.close();
      throw error;
    });
    const { tornBytes } = end;
    return { ...answer, brokenLines, tornBytes, spilledRows: countSpilled(paths), close: () => database.close() };
  } finally {
    closeQuietly(end.fd);
  }
}

function contentAsked(): LedgerError {
  const columns = CONTENT_COLUMNS.join(' and ');
  return new LedgerError('USAGE', `expected columns that a summary has, found one of ${columns}, or a table beneath`, {
    hint: 'to ask about the content of rows, add --raw --reason "…": that leaves a row which says who, what and why',
  });
}

function ask(paths: StatePaths, database: Database, statement: string): Pick<SqlAnswer, 'columns' | 'rows'> {
  const single = statement.trim().replace(/;\s*$/, '');
  try {
    // What stands in brackets is one statement, and one that only looks.
    database.prepare(`SELECT * FROM (\n${single}\n)`);
    const other = notAllowed(database, single);
    if (other !== undefined)
      throw new LedgerError(
        'SQL_FAILED',
        `expected a SELECT over the table rows, found ${other}, which it may not use`,
      );
    const { columns, rows } = database.stream(single);
    return { columns, rows: inOurWords(paths, rows) };
  } catch (error) {
    database.close();
    throw failed(paths, error);
  }
}

function* inOurWords(paths: StatePaths, rows: Iterable<readonly SqlResult[]>): Generator<readonly SqlResult[]> {
  try {
    yield* rows;
  } catch (error) {
    throw failed(paths, error);
  }
}

/** As SQLite says it of a file that is none of its own any more. */
const DESTROYED = /malformed|not a database/;

function failed(paths: StatePaths, error: unknown): unknown {
  if (sqliteFault(error) === undefined) return error;
  if (DESTROYED.test((error as Error).message)) {
    forgetColumns(paths);
    return new LedgerError('SQL_FAILED', `expected a whole table in ${paths.columns}, found it damaged: removed`, {
      place: { segment: paths.columns },
      hint: 'nothing is lost: ask again, and it is made anew from the ledger',
      cause: error,
    });
  }
  return new LedgerError('SQL_FAILED', `expected a SELECT over the table rows, found: ${(error as Error).message}`, {
    hint: '"ledger sql --schema" lists its columns',
    cause: error,
  });
}
