/** The table that SQL is asked about, while others append and ask: every row is there once, whoever stores it first. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { closeQuietly } from '../../../src/store/files';
import { openDatabase } from '../../../src/store/index/sqlite';
import { statePaths } from '../../../src/store/paths';
import { openLedgerEnd } from '../../../src/store/query/ledgerEnd';
import { openColumns } from '../../../src/store/sql/columns';
import type { Columns } from '../../../src/store/sql/columns';
import { ledger, sandbox } from '../../support/sandbox';
import type { Sandbox } from '../../support/sandbox';

async function opened({ dir, env }: Sandbox): Promise<Columns> {
  const paths = statePaths(dir, env);
  const end = await openLedgerEnd(paths);
  try {
    return await openColumns(paths, { closed: [], end }, undefined);
  } finally {
    closeQuietly(end.fd);
  }
}

const count = ({ database }: Columns): unknown => database.prepare('SELECT count(*) AS n FROM rows').get()?.['n'];

async function append(box: Sandbox): Promise<void> {
  assert.equal((await ledger(box, ['append', '-q', '--action', 'a.b'])).status, 0);
}

test('rows that another process stores between the opening and the question are not there twice', async (t) => {
  const box = sandbox(t);
  await append(box);
  const columns = await opened(box);
  assert.equal(count(columns), 2);
  columns.database.close();
  await append(box);
  const holder = openDatabase(join(box.dir, 'columns.db'), { readOnly: false, busyMs: 0 });
  holder.exec('BEGIN IMMEDIATE');
  const early = await opened(box);
  holder.close();
  const late = await opened(box);
  assert.deepEqual([count(early), count(late)], [3, 3]);
  early.database.close();
  late.database.close();
  const stored = await opened(box);
  assert.equal(count(stored), 3);
  stored.database.close();
});
