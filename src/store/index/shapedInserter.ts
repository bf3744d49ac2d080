/**
 * Inserts many rows into a table. Binding a value costs as much as storing it, and half of the columns of most rows hold
 * their default: so rows are gathered by the columns that they need (a shape, a bit a column), each shape with its own
 * statement of twenty rows.
 */
import type { Database, SqlValue, Statement } from './sqlite';

/** Rows a statement: each call of the library costs about as much as a row. */
const ROWS_A_STATEMENT = 20;
/** A ledger has a few kinds of rows; what comes after so many gets every column. */
const MAX_SHAPES = 16;
/** Shapes are summed up in doubles. */
const MAX_COLUMNS = 52;

export interface InsertedColumn {
  readonly name: string;
  /** What it holds where it is not named. */
  readonly missing: SqlValue;
}

export class ShapedInserter {
  readonly #shapes = new Map<number, ShapeInserter>();
  readonly #everyColumn: number;

  /** @param table and the columns' names as they stand in SQL */
  constructor(
    private readonly database: Database,
    private readonly table: string,
    private readonly columns: readonly InsertedColumn[],
  ) {
    if (columns.length > MAX_COLUMNS) throw new RangeError(`more than ${MAX_COLUMNS} columns`);
    this.#everyColumn = 2 ** columns.length - 1;
  }

  /** @param values of all columns, in their order; they are copied */
  add(values: readonly SqlValue[]): void {
    let shape = 0;
    for (let i = 0; i < values.length; i++) if (values[i] !== this.columns[i]?.missing) shape += 2 ** i;
    this.#inserter(shape).add(values);
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
    const shape = this.#shapes.has(wanted) || this.#shapes.size < MAX_SHAPES ? wanted : this.#everyColumn;
    let inserter = this.#shapes.get(shape);
    if (inserter === undefined) {
      const columns = this.columns.flatMap(({ name }, at) =>
        Math.floor(shape / 2 ** at) % 2 === 1 ? [{ name, at }] : [],
      );
      inserter = new ShapeInserter(this.database, this.table, columns);
      this.#shapes.set(shape, inserter);
    }
    return inserter;
  }
}

class ShapeInserter {
  readonly #values: SqlValue[] = [];
  #one: Statement | undefined;
  #many: Statement | undefined;

  constructor(
    private readonly database: Database,
    private readonly table: string,
    private readonly columns: readonly { readonly name: string; readonly at: number }[],
  ) {}

  /** @param values of all columns */
  add(values: readonly SqlValue[]): void {
    for (const { at } of this.columns) this.#values.push(values[at] as SqlValue);
    if (this.#values.length < ROWS_A_STATEMENT * this.columns.length) return;
    this.#many ??= this.#prepare(ROWS_A_STATEMENT);
    this.#many.run(this.#values);
    this.#values.length = 0;
  }

  flush(): void {
    const { length } = this.columns;
    if (this.#values.length > 0) this.#one ??= this.#prepare(1);
    for (let at = 0; at < this.#values.length; at += length) this.#one?.run(this.#values.slice(at, at + length));
    this.clear();
  }

  clear(): void {
    this.#values.length = 0;
  }

  #prepare(rows: number): Statement {
    const names = this.columns.map(({ name }) => name).join(',');
    const row = `(${this.columns.map(() => '?').join(',')})`;
    return this.database.prepare(`INSERT INTO ${this.table} (${names}) VALUES ${new Array(rows).fill(row).join(',')}`);
  }
}
