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
import type { Database, SqlValue, Statement } from './sqlite';
import type { IndexedRow } from './indexRows';

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

/** Rows a statement: each call of the library costs about as much as a row. */
const ROWS_A_STATEMENT = 20;
/** A ledger has a few kinds of rows; what comes after so many gets every column. */
const MAX_SHAPES = 16;
const ALL_COLUMNS = 2 ** COLUMNS.length - 1;

/** What a column holds that is not named in an INSERT. */
const DEFAULTS: readonly SqlValue[] = COLUMNS.map(([, type]) => (type.endsWith('DEFAULT 0') ? 0 : null));
const INSERT_GAP = 'INSERT INTO gaps VALUES (?, ?)';

/**
 * Inserts rows. Binding a value costs as much as storing it, and half of the columns of most rows hold their default: so
 * rows are gathered by the columns that they need (`shape`, a bit a column), each shape with its own statement.
 */
export class RowInserter {
  readonly #shapes = new Map<number, ShapeInserter>();
  readonly #values: SqlValue[] = new Array<SqlValue>(COLUMNS.length).fill(null);

  constructor(private readonly database: Database) {}

  add(row: IndexedRow): void {
    let shape = 0;
    for (let i = 0; i < COLUMNS.length; i++) {
      const value = (COLUMNS[i] as Column)[2](row);
      this.#values[i] = value;
      if (value !== DEFAULTS[i]) shape |= 1 << i;
    }
    this.#inserter(shape).add(this.#values);
    if (row.gapOf !== undefined) this.database.prepare(INSERT_GAP).run([row.seq, row.gapOf]);
  }

  /** Forgets what is left. */
  clear(): void {
    for (const inserter of this.#shapes.values()) inserter.clear();
  }

  /** Inserts what is left. */
  flush(): void {
    for (const inserter of this.#shapes.values()) inserter.flush();
  }

  #inserter(wanted: number): ShapeInserter {
    const shape = this.#shapes.has(wanted) || this.#shapes.size < MAX_SHAPES ? wanted : ALL_COLUMNS;
    let inserter = this.#shapes.get(shape);
    if (inserter === undefined) {
      inserter = new ShapeInserter(this.database, shape);
      this.#shapes.set(shape, inserter);
    }
    return inserter;
  }
}

class ShapeInserter {
  readonly #columns: readonly number[];
  readonly #values: SqlValue[] = [];
  #one: Statement | undefined;
  #many: Statement | undefined;

  constructor(
    private readonly database: Database,
    shape: number,
  ) {
    this.#columns = COLUMNS.map((_, i) => i).filter((i) => (shape & (1 << i)) !== 0);
  }

  /** @param values of all columns */
  add(values: readonly SqlValue[]): void {
    for (const column of this.#columns) this.#values.push(values[column] as SqlValue);
    if (this.#values.length < ROWS_A_STATEMENT * this.#columns.length) return;
    this.#many ??= this.#prepare(ROWS_A_STATEMENT);
    this.#many.run(this.#values);
    this.#values.length = 0;
  }

  flush(): void {
    const { length } = this.#columns;
    if (this.#values.length > 0) this.#one ??= this.#prepare(1);
    for (let at = 0; at < this.#values.length; at += length) this.#one?.run(this.#values.slice(at, at + length));
    this.clear();
  }

  clear(): void {
    this.#values.length = 0;
  }

  #prepare(rows: number): Statement {
    const names = this.#columns.map((i) => (COLUMNS[i] as Column)[0]).join(',');
    const row = `(${this.#columns.map(() => '?').join(',')})`;
    return this.database.prepare(`INSERT INTO rows (${names}) VALUES ${new Array(rows).fill(row).join(',')}`);
  }
}
