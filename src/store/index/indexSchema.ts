/**
 * The tables of `index.db`. One row a ledger row, one watermark, and secondary indexes that a bulk build makes last.
 *
 *   rows       seq → where the line lies, its moments, cost and kind, its places in streams, the members queries use
 *   watermark  the last row that is in, and which ledger it is of
 *   segments   the closed segments that were read, by their number in rows.segment (0 is the live file)
 *
 * Ids are looked up by a 32-bit key (core/indexDigest.ts `keyOf`) and compared as text: small indexes, quick to sort.
 * The header of the file says without SQLite what it is: `application_id` is "LDG" and the version of this layout,
 * `user_version` the watermark's seq.
 */
import type { Database, SqlValue } from './sqlite';
import type { IndexedRow } from './indexRows';

/** Raise it with every change here or in what the columns mean: an older index is rebuilt. */
export const INDEX_VERSION = 1;
export const APPLICATION_ID = 0x4c444700 + INDEX_VERSION;
/** rows.segment of the live file, and its name in the watermark. */
export const LIVE_SEGMENT = 0;
export const LIVE_NAME = 'audit.jsonl';

type Column = readonly [name: string, type: string, value: (row: IndexedRow) => SqlValue];

const COLUMNS: readonly Column[] = [
  ['seq', 'INTEGER PRIMARY KEY', (row) => row.seq],
  ['segment', 'INTEGER NOT NULL', (row) => row.segment],
  ['offset', 'INTEGER NOT NULL', (row) => row.offset],
  ['bytes', 'INTEGER NOT NULL', (row) => row.bytes],
  ['ts_ms', 'INTEGER NOT NULL', (row) => row.tsMs],
  ['effective_ms', 'INTEGER NOT NULL', (row) => row.effectiveMs],
  ['cost_nanos', 'INTEGER', (row) => row.costNanos ?? null],
  ['kind', 'INTEGER NOT NULL', (row) => row.kind],
  ['hash_prefix', 'INTEGER NOT NULL', (row) => row.hashPrefix],
  ['run_key', 'INTEGER NOT NULL', (row) => row.runKey],
  ['run_seq', 'INTEGER NOT NULL', (row) => row.runSeq],
  ['decision_key', 'INTEGER NOT NULL', (row) => row.decisionKey],
  ['decision_seq', 'INTEGER NOT NULL', (row) => row.decisionSeq],
  ['idempotency_key_key', 'INTEGER NOT NULL', (row) => row.idempotencyKey],
  ['spill_key', 'INTEGER NOT NULL', (row) => row.spillKey],
  ['agent', 'TEXT', (row) => row.agent],
  ['action', 'TEXT', (row) => row.action],
  ['customer_id', 'TEXT', (row) => row.customer_id],
  ['model', 'TEXT', (row) => row.model],
  ['playbook', 'TEXT', (row) => row.playbook],
  ['run_id', 'TEXT', (row) => row.run_id],
  ['decision_id', 'TEXT', (row) => row.decision_id],
  ['order_id', 'TEXT', (row) => row.order_id],
  ['actor', 'TEXT', (row) => row.actor],
  ['outcome', 'TEXT', (row) => row.outcome],
  ['target', 'TEXT', (row) => row.target],
];

const TABLES = `
CREATE TABLE rows (${COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')});
CREATE TABLE segments (segment INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL);
CREATE TABLE watermark (
  only INTEGER PRIMARY KEY CHECK (only = 1), segment TEXT NOT NULL, offset INTEGER NOT NULL, seq INTEGER NOT NULL,
  row_seq INTEGER NOT NULL, hash TEXT NOT NULL, heal_id TEXT, ledger_id TEXT, live_first_seq INTEGER
);`;

/** The names are used in queries (INDEXED BY): a query that would scan the table instead fails at once. */
const INDEXES = `
CREATE INDEX rows_time ON rows (effective_ms, kind, cost_nanos, ts_ms);
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

/** Inserts rows; the statements are prepared once. */
export class RowInserter {
  readonly #many;
  readonly #one;
  readonly #values: SqlValue[] = [];

  constructor(database: Database) {
    const row = `(${COLUMNS.map(() => '?').join(',')})`;
    this.#one = database.prepare(`INSERT INTO rows VALUES ${row}`);
    this.#many = database.prepare(`INSERT INTO rows VALUES ${new Array(ROWS_A_STATEMENT).fill(row).join(',')}`);
  }

  add(row: IndexedRow): void {
    for (const [, , value] of COLUMNS) this.#values.push(value(row));
    if (this.#values.length < ROWS_A_STATEMENT * COLUMNS.length) return;
    this.#many.run(this.#values);
    this.#values.length = 0;
  }

  /** Inserts what is left. */
  flush(): void {
    for (let at = 0; at < this.#values.length; at += COLUMNS.length) {
      this.#one.run(this.#values.slice(at, at + COLUMNS.length));
    }
    this.#values.length = 0;
  }
}
