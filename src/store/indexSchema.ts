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
import type { Database, SqlValue, Statement } from './sqlite';
import type { IndexedRow } from './indexRows';

/** Raise it with every change here or in what the columns mean: an older index is rebuilt. */
export const INDEX_VERSION = 1;
export const APPLICATION_ID = 0x4c444700 + INDEX_VERSION;
/** rows.segment of the live file, and its name in the watermark. */
export const LIVE_SEGMENT = 0;
export const LIVE_NAME = 'audit.jsonl';

type Column = readonly [name: string, type: string, value: (row: IndexedRow) => SqlValue];

/** What every row has. */
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
  ['agent', 'TEXT', (row) => row.agent],
  ['action', 'TEXT', (row) => row.action],
  ['outcome', 'TEXT', (row) => row.outcome],
];

interface Part {
  readonly columns: readonly Column[];
  readonly isThere: (row: IndexedRow) => boolean;
}

/** What many rows lack; their defaults say so. With libsql a value that is bound costs 0.1 µs, whatever it is. */
const PARTS: readonly Part[] = [
  {
    columns: [
      ['run_key', 'INTEGER NOT NULL DEFAULT 0', (row) => row.runKey],
      ['run_seq', 'INTEGER NOT NULL DEFAULT 0', (row) => row.runSeq],
      ['run_id', 'TEXT', (row) => row.run_id],
    ],
    isThere: (row) => row.run_id !== null,
  },
  {
    columns: [
      ['decision_key', 'INTEGER NOT NULL DEFAULT 0', (row) => row.decisionKey],
      ['decision_seq', 'INTEGER NOT NULL DEFAULT 0', (row) => row.decisionSeq],
      ['decision_id', 'TEXT', (row) => row.decision_id],
    ],
    isThere: (row) => row.decision_id !== null,
  },
  {
    columns: [
      ['idempotency_key_key', 'INTEGER NOT NULL DEFAULT 0', (row) => row.idempotencyKey],
      ['spill_key', 'INTEGER NOT NULL DEFAULT 0', (row) => row.spillKey],
    ],
    isThere: (row) => row.idempotencyKey !== 0 || row.spillKey !== 0,
  },
  {
    columns: [
      ['playbook', 'TEXT', (row) => row.playbook],
      ['target', 'TEXT', (row) => row.target],
    ],
    isThere: (row) => row.playbook !== null || row.target !== null,
  },
  {
    columns: [
      ['customer_id', 'TEXT', (row) => row.customer_id],
      ['model', 'TEXT', (row) => row.model],
      ['order_id', 'TEXT', (row) => row.order_id],
      ['actor', 'TEXT', (row) => row.actor],
    ],
    isThere: (row) => row.customer_id !== null || row.model !== null || row.order_id !== null || row.actor !== null,
  },
];

const ALL_COLUMNS = [...COLUMNS, ...PARTS.flatMap(({ columns }) => columns)];

const TABLES = `
CREATE TABLE rows (${ALL_COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')});
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

/** Rows that have the same parts: one statement for many of them, one for each of the rest. */
class Shape {
  readonly #columns: readonly Column[];
  readonly #many: Statement;
  readonly #one: Statement;
  readonly #values: SqlValue[] = [];

  constructor(database: Database, parts: readonly Part[]) {
    this.#columns = [...COLUMNS, ...parts.flatMap(({ columns }) => columns)];
    const names = this.#columns.map(([name]) => name).join(', ');
    const row = `(${this.#columns.map(() => '?').join(', ')})`;
    const insert = `INSERT INTO rows (${names}) VALUES `;
    this.#one = database.prepare(insert + row);
    this.#many = database.prepare(insert + new Array<string>(ROWS_A_STATEMENT).fill(row).join(', '));
  }

  add(row: IndexedRow): void {
    for (const [, , value] of this.#columns) this.#values.push(value(row));
    if (this.#values.length < ROWS_A_STATEMENT * this.#columns.length) return;
    this.#many.run(this.#values);
    this.#values.length = 0;
  }

  flush(): void {
    const width = this.#columns.length;
    for (let at = 0; at < this.#values.length; at += width) this.#one.run(this.#values.slice(at, at + width));
    this.#values.length = 0;
  }
}

/** Inserts rows; those of one shape may overtake others within a transaction. */
export class RowInserter {
  readonly #shapes = new Map<number, Shape>();

  constructor(private readonly database: Database) {}

  add(row: IndexedRow): void {
    let key = 0;
    for (let i = 0; i < PARTS.length; i++) if ((PARTS[i] as Part).isThere(row)) key |= 1 << i;
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      const parts = PARTS.filter((_, i) => (key & (1 << i)) !== 0);
      shape = new Shape(this.database, parts);
      this.#shapes.set(key, shape);
    }
    shape.add(row);
  }

  /** Inserts what is left. */
  flush(): void {
    for (const shape of this.#shapes.values()) shape.flush();
  }
}
