/**
 * The one home of SQLite. Two libraries give the same answers behind one small interface: `node:sqlite` where the
 * runtime has it without a flag (Node 22.13 and later), else `libsql`, which ships binaries. Neither is loaded before a
 * database is opened. Values of our own are null, text and numbers; whole ones are below 2^53.
 */
export type SqlValue = null | number | string;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface Statement {
  run(values?: readonly SqlValue[]): void;
  get(values?: readonly SqlValue[]): SqlRow | undefined;
  all(values?: readonly SqlValue[]): SqlRow[];
}

export interface Database {
  /** The library's name, for `doctor`. */
  readonly library: 'node:sqlite' | 'libsql';
  prepare(sql: string): Statement;
  exec(sql: string): void;
  /** The answer to one statement, row by row. */
  stream(sql: string): SqlAnswer;
  close(): void;
}

/** A statement of somebody else's: integers of any size, blobs, columns of one name. */
export interface SqlAnswer {
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly SqlResult[]>;
}

export type SqlResult = SqlValue | bigint | Uint8Array;

export interface OpenOptions {
  readonly readOnly: boolean;
  /** How long SQLite itself waits for another connection's lock; 0: not at all. */
  readonly busyMs: number;
}

/**
 * Opens a database file, which SQLite creates where it is missing and `readOnly` is false.
 * @throws the library's own errors; `sqliteFault` names them
 */
export function openDatabase(path: string, options: OpenOptions): Database {
  const builtIn = loadBuiltIn();
  const database = builtIn === undefined ? openLibsql(path, options) : openBuiltIn(builtIn, path, options);
  try {
    database.exec(`PRAGMA busy_timeout = ${options.busyMs}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** `busy`: another connection holds it. `half-done`: a writer died in a transaction, the next one rolls it back. */
export type SqliteFault = 'busy' | 'half-done' | 'damaged' | 'other';

const BUSY = new Set([5, 6]);
/** What a connection for reading says to what only one for writing can roll back. */
const READONLY_ROLLBACK = 776;
/** A query of ours that fails as such (1) lacks its table: somebody else's database, or what is left of ours. */
const DAMAGED = new Set([1, 11, 26]);
const CODES: Readonly<Record<string, number>> = {
  SQLITE_ERROR: 1,
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_CORRUPT: 11,
  SQLITE_NOTADB: 26,
};

/** What an error of either library says, or undefined where it is no error of SQLite's. */
export function sqliteFault(error: unknown): SqliteFault | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errcode, rawCode } = error as Error & { code?: unknown; errcode?: unknown; rawCode?: unknown };
  const number = [errcode, rawCode].find((value): value is number => typeof value === 'number');
  const named = typeof code === 'string' ? /^SQLITE_[A-Z]+/.exec(code)?.[0] : undefined;
  if (number === undefined && named === undefined) return undefined;
  if (number === READONLY_ROLLBACK || code === 'SQLITE_READONLY_ROLLBACK') return 'half-done';
  // The low byte is the primary code; SQLITE_BUSY_SNAPSHOT and its like are refinements.
  const primary = number === undefined ? CODES[named as string] : number & 0xff;
  if (primary !== undefined && BUSY.has(primary)) return 'busy';
  return primary !== undefined && DAMAGED.has(primary) ? 'damaged' : 'other';
}

/** What is used of `node:sqlite`; the types of Node 20 do not have it. */
interface BuiltIn {
  readonly DatabaseSync: new (path: string, options: { readonly readOnly: boolean }) => BuiltInDatabase;
}

interface BuiltInDatabase {
  prepare(sql: string): {
    run(...values: readonly SqlValue[]): unknown;
    get(...values: readonly SqlValue[]): unknown;
    all(...values: readonly SqlValue[]): unknown[];
    iterate(): Iterable<unknown>;
    setReadBigInts(enabled: boolean): void;
    /** These two since Node 22.16. */
    readonly setReturnArrays?: (enabled: boolean) => void;
    readonly columns?: () => readonly { readonly name: string }[];
  };
  exec(sql: string): unknown;
  close(): unknown;
}

function loadBuiltIn(): BuiltIn | undefined {
  const kept = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  if (kept?.writable !== true) return process.getBuiltinModule('node:sqlite') as BuiltIn | undefined;
  const pass = process.emitWarning.bind(process);
  // Node 22 warns once, while this module loads, that it is experimental. Only that warning is held back, only here.
  process.emitWarning = (...given: unknown[]): void => {
    const [warning, type] = given;
    if (type === 'ExperimentalWarning' && String(warning).startsWith('SQLite')) return;
    Reflect.apply(pass, undefined, given);
  };
  try {
    return process.getBuiltinModule('node:sqlite') as BuiltIn | undefined;
  } finally {
    Object.defineProperty(process, 'emitWarning', kept);
  }
}

function openBuiltIn(builtIn: BuiltIn, path: string, options: OpenOptions): Database {
  const database = new builtIn.DatabaseSync(path, { readOnly: options.readOnly });
  return {
    library: 'node:sqlite',
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (values = []) => void statement.run(...values),
        get: (values = []) => statement.get(...values) as SqlRow | undefined,
        all: (values = []) => statement.all(...values) as SqlRow[],
      };
    },
    exec: (sql) => void database.exec(sql),
    stream: (sql) => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      if (statement.columns === undefined || statement.setReturnArrays === undefined)
        return ofObjects(statement.all() as Readonly<Record<string, SqlResult>>[]);
      statement.setReturnArrays(true);
      const rows = statement.iterate() as Iterable<readonly SqlResult[]>;
      return { columns: statement.columns().map(({ name }) => name), rows };
    },
    close: () => void database.close(),
  };
}

/** Of two columns of one name, an object has the last. */
function ofObjects(rows: readonly Readonly<Record<string, SqlResult>>[]): SqlAnswer {
  return { columns: Object.keys(rows[0] ?? {}), rows: rows.map((row) => Object.values(row)) };
}

/** What is used of libsql. Its own types are those of another package, with `any`. */
interface Libsql {
  prepare(sql: string): {
    run(values: readonly SqlValue[]): unknown;
    get(values: readonly SqlValue[]): unknown;
    all(values: readonly SqlValue[]): unknown[];
    raw(raw: boolean): unknown;
    safeIntegers(enabled: boolean): unknown;
    columns(): readonly { readonly name: string }[];
    iterate(): Iterable<unknown>;
  };
  exec(sql: string): unknown;
  close(): unknown;
}

function openLibsql(path: string, options: OpenOptions): Database {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loads a native library: only where it is needed, and at once
  const Library = require('libsql') as new (path: string) => Libsql;
  const database = new Library(options.readOnly ? `${fileUri(path)}?mode=ro` : path);
  return {
    library: 'libsql',
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (values = []) => void statement.run(values),
        get: (values = []) => statement.get(values) as SqlRow | undefined,
        all: (values = []) => statement.all(values) as SqlRow[],
      };
    },
    exec: (sql) => void database.exec(sql),
    stream: (sql) => {
      const statement = database.prepare(sql);
      statement.raw(true);
      statement.safeIntegers(true);
      const columns = statement.columns().map(({ name }) => name);
      return { columns, rows: statement.iterate() as Iterable<readonly SqlResult[]> };
    },
    close: () => void database.close(),
  };
}

/** An absolute path as SQLite reads it in a URI. */
function fileUri(path: string): string {
  return `file:${path.split('/').map(encodeURIComponent).join('/')}`;
}
