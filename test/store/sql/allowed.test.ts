/** What a SELECT may use: of every function and table that the engine has, those that only work with what they are given. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { openDatabase } from '../../../src/store/index/sqlite';
import type { Database } from '../../../src/store/index/sqlite';
import { notAllowed } from '../../../src/store/sql/allowed';

function inMemory(): Database {
  const database = openDatabase(':memory:', { readOnly: false, busyMs: 0 });
  database.exec('CREATE TABLE rows (seq INTEGER, cost_nanos INTEGER, payload TEXT)');
  return database;
}

/** Each engine has its own: what it lacks it cannot call, either. */
function has(database: Database, name: string): boolean {
  return database.prepare('SELECT 1 FROM pragma_function_list WHERE name = ?').get([name]) !== undefined;
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

const ALWAYS_THERE: ReadonlySet<string> = new Set(['load_extension', 'fts3_tokenizer']);
const EXTRAS: ReadonlySet<string> = new Set(['median', 'stdev']);

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
  ].filter((name) => ALWAYS_THERE.has(name) || has(database, name)))
    assert.equal(verdictOn(database, name), 'refused', name);
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
  ].filter((name) => !EXTRAS.has(name) || has(database, name)))
    assert.equal(verdictOn(database, name), 'allowed', name);
  database.close();
});

test('of all functions that there are none is allowed that SQLite keeps from views', () => {
  const database = inMemory();
  const direct = database.prepare(`SELECT DISTINCT name FROM pragma_function_list WHERE flags & ${0x80000}`).all();
  assert.ok(direct.length >= 3);
  for (const { name } of direct) assert.notEqual(verdictOn(database, String(name)), 'allowed', String(name));
  database.close();
});

test('tables made of JSON or numbers are allowed, and no others that no file of ours holds', () => {
  const database = inMemory();
  const ask = (statement: string): string | undefined => {
    try {
      return notAllowed(database, statement);
    } catch (error) {
      return String(error);
    }
  };
  const refused = /^the table |no such table/;
  assert.equal(ask("SELECT seq FROM rows, json_each(rows.payload, '$.flags')"), undefined);
  const series = ask('SELECT value FROM generate_series(1, 3)');
  assert.ok(series === undefined || series.includes('no such table: generate_series'), series);
  assert.equal(ask("SELECT seq FROM rows WHERE payload = 'fsdir'"), undefined);
  for (const table of ["fsdir('.')", "FsDir('.')", '"fsdir"(\'.\')', 'sqlite_dbpage', 'dbstat', 'sqlite_stmt'])
    assert.match(ask(`SELECT * FROM ${table}`) ?? 'allowed', refused, table);
  assert.match(ask("SELECT f.name FROM fsdir('.') f, json_each('[1]')") ?? 'allowed', /fsdir/);
  assert.match(ask("SELECT d.name FROM dbstat d, json_each('[1]')") ?? 'allowed', /^the table dbstat/);
  database.close();
});
