/**
 * The tables of `index.db`. One row a ledger row, one watermark, and secondary indexes that a bulk build makes last.
 *
 *   rows       seq → where the line lies, its effective time, the keys of its ids
 *   gaps       tombstones: seq → the heal row that it names; rows that name lost ones: seq → their own id
 *   watermark  the last row that is in, and which ledger it is of
 *   segments   the closed segments that were read, by their number in rows.segment (0 is the live file)
 *
 * It says where the rows are that somebody asks for; what they say is read from the file. So all that it holds of a row are
 * a few numbers, and a check compares place, time and keys of every one with the file. Ids are looked up by a 32-bit key (core/indexDigest.ts
 * `keyOf`): small indexes, quick to sort.
 * The header of the file says without SQLite what it is: `application_id` is "LDG" and the version of this layout,
 * `user_version` the watermark's seq.
 */
import type { IndexedRow } from './indexRows';
import { ShapedInserter } from './shapedInserter';
import type { Database, SqlValue } from './sqlite';

/** Raise it with every change here or in what the columns mean: an older index is rebuilt. */
export const INDEX_VERSION = 5;
export const APPLICATION_ID = 0x4c444700 + INDEX_VERSION;
/** rows.segment of the live file, and its name in the watermark. */
export const LIVE_SEGMENT = 0;
export const LIVE_NAME = 'audit.jsonl';

type Column = readonly [name: string, type: string, value: (row: IndexedRow) => SqlValue];

const COLUMNS: readonly Column[] = [
  ['seq', 'INTEGER PRIMARY KEY', (row) => row.seq],
  ['segment', 'INTEGER NOT NULL DEFAULT 0', (row) => row.segment],
  ['offset', 'INTEGER NOT NULL', (row) => row.offset],
  ['bytes', 'INTEGER NOT NULL', (row) => row.bytes],
  ['effective_ms', 'INTEGER NOT NULL', (row) => row.effectiveMs],
  ['hash_prefix', 'INTEGER NOT NULL', (row) => row.hashPrefix],
  ['run_key', 'INTEGER NOT NULL DEFAULT 0', (row) => row.runKey],
  ['decision_key', 'INTEGER NOT NULL DEFAULT 0', (row) => row.decisionKey],
  ['idempotency_key_key', 'INTEGER NOT NULL DEFAULT 0', (row) => row.idempotencyKey],
  ['spill_key', 'INTEGER NOT NULL DEFAULT 0', (row) => row.spillKey],
];

const TABLES = `
CREATE TABLE rows (${COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')});
CREATE TABLE gaps (seq INTEGER PRIMARY KEY, heal_id TEXT NOT NULL);
CREATE TABLE segments (segment INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL);
CREATE TABLE watermark (
  only INTEGER PRIMARY KEY CHECK (only = 1), segment TEXT NOT NULL, offset INTEGER NOT NULL, seq INTEGER NOT NULL,
  row_seq INTEGER NOT NULL, hash TEXT NOT NULL, heal_id TEXT, ledger_id TEXT, live_first_seq INTEGER
);`;

/** The names are used in queries (INDEXED BY): a query that would scan the table instead fails at once. */
const INDEXES = `
CREATE INDEX rows_time ON rows (effective_ms);
CREATE INDEX rows_run ON rows (run_key) WHERE run_key <> 0;
CREATE INDEX rows_decision ON rows (decision_key) WHERE decision_key <> 0;
CREATE INDEX rows_idempotency_key ON rows (idempotency_key_key) WHERE idempotency_key_key <> 0;
CREATE INDEX rows_spill ON rows (spill_key) WHERE spill_key <> 0;`;

/** An empty index without its secondary indexes. */
export function createTables(database: Database, emptyHash: string): void {
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; ${TABLES}`);
  database.prepare('INSERT INTO watermark VALUES (1, ?, 0, 0, 0, ?, NULL, NULL, NULL)').run([LIVE_NAME, emptyHash]);
}

export function createIndexes(database: Database): void {
  database.exec(INDEXES);
}

/** What a column holds that is not named in an INSERT. */
const DEFAULTS: readonly SqlValue[] = COLUMNS.map(([, type]) => (type.endsWith('DEFAULT 0') ? 0 : null));
const INSERT_GAP = 'INSERT INTO gaps VALUES (?, ?)';

/** Inserts rows, and the gaps that they name. */
export class RowInserter {
  readonly #rows: ShapedInserter;
  readonly #values: SqlValue[] = new Array<SqlValue>(COLUMNS.length).fill(null);

  constructor(private readonly database: Database) {
    const columns = COLUMNS.map(([name], i) => ({ name, missing: DEFAULTS[i] ?? null }));
    this.#rows = new ShapedInserter(database, 'rows', columns);
  }

  add(row: IndexedRow): void {
    for (let i = 0; i < COLUMNS.length; i++) this.#values[i] = (COLUMNS[i] as Column)[2](row);
    this.#rows.add(this.#values);
    if (row.gapOf !== undefined) this.database.prepare(INSERT_GAP).run([row.seq, row.gapOf]);
  }

  /** Forgets what is left. */
  clear(): void {
    this.#rows.clear();
  }

  /** Inserts what is left. */
  flush(): void {
    this.#rows.flush();
  }
}
