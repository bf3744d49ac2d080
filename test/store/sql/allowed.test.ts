/** What a SELECT may use: of every function and table that the engine has, those that only work with what they are given. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { openDatabase } from '../../../src/store/index/sqlite';
import type { Database } from '../../../src/store/index/sqlite';
import { notAllowed } from '../../../src/store/sql/allowed';
import { IS_LIBSQL } from '../../support/sqliteLibrary';

function inMemory(): Database {
  const database = openDatabase(':memory:', { readOnly: false, busyMs: 0 });
  database.exec('CREATE TABLE rows (seq INTEGER, cost_nanos INTEGER, payload TEXT)');
  return database;
}

/** As it could stand in a statement: with no, one, two or three arguments, whichever it takes. */
function verdictOn(database: Database, name: string): 'allowed' | 'refused' | 'no call' {
  for (const given of ['', 'seq', 'seq, 1', 'seq, 1, 1', '*']) {
    for (const over of ['', ' OVER ()']) {
      try {
        return notAllowed(database, `SELECT "${name}"(${given})${over} FROM rows`) === undefined
          ? 'allowed'
          : 'refused';
      } catch {
        // Other arguments.
      }
    }
  }
  return 'no call';
}

function has(database: Database, name: string): boolean {
  return database.prepare('SELECT 1 FROM pragma_function_list WHERE name = ?').get([name]) !== undefined;
}

/** What Node's own SQLite lacks, of figures in its older versions alone: it cannot be called there at all. */
const LIBSQL_ALONE: ReadonlySet<string> = new Set(['writefile', 'readfile', 'sha3_query', 'sqlite3mc_config', 'lsmode', 'median', 'stdev']); // prettier-ignore

test('functions that touch files, pages or settings are refused; those that count and measure are not', () => {
  const database = inMemory();
  for (const name of [
    'writefile',
    'readfile',
    'load_extension',
    'sha3_query',
    'fts3_tokenizer',
    'sqlite3mc_config',
    'lsmode',
  ])
    assert.equal(verdictOn(database, name), IS_LIBSQL || !LIBSQL_ALONE.has(name) ? 'refused' : 'no call', name);
  for (const name of [
    'sum',
    'count',
    'avg',
    'max',
    'median',
    'stdev',
    'round',
    'ceil',
    'lower',
    'json_extract',
    'strftime',
    'group_concat',
    'row_number',
    'lag',
    'iif',
    'coalesce',
  ])
    assert.equal(
      verdictOn(database, name),
      IS_LIBSQL || !LIBSQL_ALONE.has(name) || has(database, name) ? 'allowed' : 'no call',
      name,
    );
  database.close();
});

test('of all functions that there are none is allowed that SQLite keeps from views', () => {
  const database = inMemory();
  const direct = database.prepare(`SELECT DISTINCT name FROM pragma_function_list WHERE flags & ${0x80000}`).all();
  assert.ok(direct.length >= (IS_LIBSQL ? 4 : 3));
  for (const { name } of direct) assert.notEqual(verdictOn(database, String(name)), 'allowed', String(name));
  database.close();
});

test('tables made of JSON or numbers are allowed, and no others that no file of ours holds', () => {
  const database = inMemory();
  const ask = (statement: string): string | undefined => notAllowed(database, statement);
  assert.equal(ask("SELECT seq FROM rows, json_each(rows.payload, '$.flags')"), undefined);
  const series = 'SELECT value FROM generate_series(1, 3)';
  if (IS_LIBSQL) assert.equal(ask(series), undefined);
  else assert.throws(() => ask(series), /no such table/);
  assert.equal(ask("SELECT seq FROM rows WHERE payload = 'fsdir'"), undefined);
  for (const table of ["fsdir('.')", "FsDir('.')", '"fsdir"(\'.\')', 'sqlite_dbpage', 'dbstat', 'sqlite_stmt'])
    if (IS_LIBSQL || table === 'dbstat') assert.match(ask(`SELECT * FROM ${table}`) ?? 'allowed', /^the table /, table);
    else assert.throws(() => ask(`SELECT * FROM ${table}`), /no such table/, table);
  const joined = "SELECT f.name FROM fsdir('.') f, json_each('[1]')";
  if (IS_LIBSQL) assert.match(ask(joined) ?? 'allowed', /fsdir/);
  else assert.throws(() => ask(joined), /no such table: fsdir/);
  assert.match(ask("SELECT d.name FROM dbstat d, json_each('[1]')") ?? 'allowed', /^the table dbstat/);
  database.close();
});
