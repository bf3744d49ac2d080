/**
 * `columns.db`: the rows of the ledger as a table that SQL is asked about. A projection: it may be deleted at any time, is
 * made when somebody asks for the first time, and caught up with whenever somebody asks again.
 *
 * It is of the file that it was read from (its inode), up to an offset where a row with a certain hash ends; where that is
 * not so any more, it is made anew. Who may not write it, or finds it locked, reads what is missing into a temporary
 * table: the answer is the same, and nothing waits.
 */
import { randomBytes } from 'node:crypto';
import { fstatSync, fsyncSync, renameSync, rmSync } from 'node:fs';
import { declaredLinks } from '../../core/chain';
import { errnoOf, LedgerError, orNothing } from '../../core/errors';
import type { ReadSoFar } from '../../core/progress';
import { rowsSelect, SQL_COLUMNS_VERSION } from '../../core/sqlColumns';
import { closeQuietly, openFile, readAt, statOf, withFile } from '../files';
import { removeLeftovers } from '../index/indexBuild';
import { openDatabase, sqliteFault } from '../index/sqlite';
import type { Database } from '../index/sqlite';
import type { Segment } from '../ledger/segments';
import type { StatePaths } from '../paths';
import type { LedgerEnd } from '../query/ledgerEnd';
import type { Lines } from '../query/lineBlocks';
import { COLUMN_DEFINITIONS, fillColumns } from './columnsFill';

/** "LDC" and the version of the columns. */
const APPLICATION_ID = 0x4c444300 + SQL_COLUMNS_VERSION;
const LINE_END_BYTES = 156;
/** A file of its own that nobody else opens: no journal; it is synced before it gets its name. */
const BULK = 'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536';
/** Memory does not grow with the ledger. No transaction may have begun. */
const SPILL = 'PRAGMA temp_store = FILE';
const TABLES = `PRAGMA application_id = ${APPLICATION_ID};
  CREATE TABLE stored_rows (${COLUMN_DEFINITIONS});
  CREATE TABLE progress (inode TEXT NOT NULL, offset INTEGER NOT NULL, hash TEXT NOT NULL, rows INTEGER NOT NULL,
    broken_lines INTEGER NOT NULL)`;

export interface LedgerFiles {
  readonly closed: readonly Segment[];
  readonly end: LedgerEnd;
}

export interface Columns {
  /** For reading: its table `rows` has every row of the ledger. */
  readonly database: Database;
  readonly brokenLines: number;
}

type OnProgress = ((done: ReadSoFar) => void) | undefined;

interface Progress {
  readonly offset: number;
  readonly rows: number;
  readonly brokenLines: number;
}

/**
 * @param hidden columns that the table `rows` is to be without
 * @throws LedgerError READ_FAILED, UNSAFE_PATH; SQLite's own errors
 */
export async function openColumns(
  paths: StatePaths,
  files: LedgerFiles,
  onProgress: OnProgress,
  hidden: readonly string[] = [],
): Promise<Columns> {
  await storeColumns(paths, files, onProgress);
  const stored = openStored(paths, files.end);
  const database = stored?.database ?? openDatabase(':memory:', { readOnly: false, busyMs: 0 });
  try {
    const missing = linesAfter(files, stored?.progress);
    database.exec(`${SPILL}; CREATE TEMP TABLE newer_rows (${COLUMN_DEFINITIONS})`);
    const { rows, brokenLines } = await fillColumns(
      database,
      { table: 'newer_rows', after: stored?.progress.rows ?? 0 },
      missing,
      counter(missing, onProgress),
    );
    const tables = [...(stored === undefined ? [] : ['stored_rows']), ...(rows > 0 ? ['newer_rows'] : [])];
    const all = tables.map((table) => `SELECT ${rowsSelect(hidden)} FROM ${table}`).join(' UNION ALL ');
    database.exec(`CREATE TEMP VIEW rows AS ${all}; PRAGMA query_only = ON`);
    return { database, brokenLines: brokenLines + (stored?.progress.brokenLines ?? 0) };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Removes the file, where that is allowed: the next question makes it anew. */
export function forgetColumns(paths: StatePaths): void {
  orNothing(() => rmSync(paths.columns, { force: true }));
}

/** Brings the file up to date, where that is possible at once. */
async function storeColumns(paths: StatePaths, files: LedgerFiles, onProgress: OnProgress): Promise<void> {
  if (statOf(paths.dir)?.uid !== process.geteuid?.()) return;
  try {
    const stored = openStored(paths, files.end);
    stored?.database.close();
    if (stored === undefined) await build(paths, files, onProgress);
    else if (stored.progress.offset < files.end.linesEnd) await catchUp(paths, files, onProgress);
  } catch (error) {
    if (!isPassedOver(error)) throw error;
  }
}

/** A full disk, a read-only file system, another process at it: the question is answered all the same. */
function isPassedOver(error: unknown): boolean {
  return sqliteFault(error) !== undefined || (errnoOf(error) !== undefined && !(error instanceof LedgerError));
}

interface Stored {
  readonly database: Database;
  readonly progress: Progress;
}

/** The file, open for reading and as it is at this moment, where it is one of this ledger as it is now. */
function openStored(paths: StatePaths, end: LedgerEnd): Stored | undefined {
  if (statOf(paths.columns)?.isFile() !== true) return undefined;
  let database: Database | undefined;
  try {
    database = openDatabase(paths.columns, { readOnly: true, busyMs: 200 });
    // Until it is closed nobody adds rows that are read from the ledger, too.
    database.exec(`${SPILL}; BEGIN`);
    const progress = progressIn(database, end);
    if (progress !== undefined) return { database, progress };
  } catch (error) {
    database?.close();
    if (sqliteFault(error) === undefined) throw error;
    return undefined;
  }
  database.close();
  return undefined;
}

function progressIn(database: Database, end: LedgerEnd): Progress | undefined {
  if (database.prepare('PRAGMA application_id').get()?.['application_id'] !== APPLICATION_ID) return undefined;
  const {
    inode,
    offset,
    hash,
    rows,
    broken_lines: brokenLines,
  } = database.prepare('SELECT * FROM progress').get() ?? {};
  if (typeof offset !== 'number' || typeof rows !== 'number' || typeof brokenLines !== 'number') return undefined;
  const agrees = inode === String(end.ino) && offset <= end.linesEnd && hash === hashEndingAt(end.fd, offset);
  return agrees ? { offset, rows, brokenLines } : undefined;
}

/** The hash of the row whose newline stands before `offset`; '' where there is none. */
function hashEndingAt(fd: number, offset: number): string {
  const from = Math.max(0, offset - LINE_END_BYTES);
  return declaredLinks(readAt(fd, from, Math.max(0, offset - 1 - from)))?.hash ?? '';
}

async function build(paths: StatePaths, files: LedgerFiles, onProgress: OnProgress): Promise<void> {
  removeLeftovers(paths);
  const temporary = `${paths.columns}.${process.pid}-${randomBytes(8).toString('hex')}.tmp`;
  closeQuietly(openFile(temporary, 'create'));
  try {
    const database = openDatabase(temporary, { readOnly: false, busyMs: 0 });
    try {
      database.exec(`${BULK}; ${TABLES}; BEGIN`);
      await fillStored(database, files, { offset: 0, rows: 0, brokenLines: 0 }, onProgress);
      database.exec('COMMIT');
    } finally {
      database.close();
    }
    withFile(temporary, 'update', fsyncSync);
    rmSync(`${paths.columns}-journal`, { force: true });
    renameSync(temporary, paths.columns);
  } finally {
    rmSync(temporary, { force: true });
  }
}

async function catchUp(paths: StatePaths, files: LedgerFiles, onProgress: OnProgress): Promise<void> {
  const database = openDatabase(paths.columns, { readOnly: false, busyMs: 0 });
  try {
    // Whoever is first does it; a crash leaves a journal that the next one rolls back.
    database.exec('BEGIN IMMEDIATE');
    const progress = progressIn(database, files.end);
    if (progress !== undefined) await fillStored(database, files, progress, onProgress);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

async function fillStored(
  database: Database,
  files: LedgerFiles,
  from: Progress,
  onProgress: OnProgress,
): Promise<void> {
  const { fd, linesEnd } = files.end;
  const lines = { ...linesAfter(files, from.offset === 0 ? undefined : from), bareLine: undefined };
  const { rows, brokenLines } = await fillColumns(
    database,
    { table: 'stored_rows', after: from.rows },
    lines,
    counter(lines, onProgress),
  );
  const inode = String(fstatSync(fd).ino);
  database.exec('DELETE FROM progress');
  database
    .prepare('INSERT INTO progress VALUES (?, ?, ?, ?, ?)')
    .run([inode, linesEnd, hashEndingAt(fd, linesEnd), from.rows + rows, from.brokenLines + brokenLines]);
}

/** The lines that are not in yet. */
function linesAfter({ closed, end }: LedgerFiles, progress: Progress | undefined): Lines {
  const { fd, linesEnd, bareLine } = end;
  const from = progress?.offset ?? 0;
  return {
    closed: progress === undefined ? closed : [],
    kept: [],
    fd,
    ranges: from < linesEnd ? [{ from, to: linesEnd }] : [],
    bareLine: bareLine === undefined ? undefined : { line: bareLine, offset: linesEnd },
  };
}

function counter({ ranges }: Lines, onProgress: OnProgress): (bytes: number, rows: number) => void {
  const totalBytes = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  let read = 0;
  return (bytes, rows) => onProgress?.({ rows, bytes: (read += bytes), totalBytes });
}
