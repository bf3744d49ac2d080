/** Rows that cannot be chained now wait in a file of their own, each whole, each durable, in the first place that takes them. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import { parseSpillRecord } from '../../../src/core/spillRecord';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import { spillRows } from '../../../src/store/spill/spill';
import { countSpilled } from '../../../src/store/spill/spillState';
import { chainOf, testPaths, TEST_LEDGER_ID, writeLedger } from '../../support/ledgers';
import { checked, tempFolder } from '../../support/writers';

const REASON = { error: new LedgerError('LOCK_TIMEOUT', 'held'), ledgerId: TEST_LEDGER_ID, attempt: undefined };

const recordsIn = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseSpillRecord(Buffer.from(line)));

test('each row is a whole record, with where the ledger stood; the file is for its owner alone', (t) => {
  const dir = tempFolder(t);
  const chain = chainOf();
  chain.add({ action: 'a.b' });
  const paths = writeLedger(dir, chain.lines);
  const { ids, path } = spillRows(
    paths,
    nodeHost(),
    [checked({ action: 'a.b', n: 1 }), checked({ action: 'a.b' })],
    REASON,
  );
  assert.equal(path, paths.spill);
  const records = recordsIn(path);
  assert.deepEqual(
    records.map((record) => [record?.id, record?.why, record?.ledgerId, record?.after]),
    ids.map((id) => [id, 'LOCK_TIMEOUT', TEST_LEDGER_ID, { seq: 2, hash: chain.head().hash }]),
  );
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(countSpilled(paths), 2);
});

test('a torn record before it swallows no record', (t) => {
  const paths = testPaths(tempFolder(t));
  writeFileSync(paths.spill, '{"spill":1,"id":"01J', { mode: 0o600 });
  spillRows(paths, nodeHost(), [checked({ action: 'a.b' })], REASON);
  assert.deepEqual(
    recordsIn(paths.spill).map((record) => record?.row.get('action')),
    [undefined, 'a.b'],
  );
});

test('the ids of the failed attempt are kept, so that a drain can tell whether the rows are there', (t) => {
  const paths = testPaths(tempFolder(t));
  const id = '01JTESTTESTTESTTESTTESTTES';
  const attempt = { after: { seq: 5, hash: 'a'.repeat(64) }, ids: [id, undefined] };
  const rows = [checked({ action: 'a.b' }), checked({ action: 'a.b' })];
  const { ids } = spillRows(paths, nodeHost(), rows, { ...REASON, attempt });
  assert.equal(ids[0], id);
  assert.notEqual(ids[1], id);
  assert.equal(recordsIn(paths.spill)[1]?.after.seq, 5);
});

test('without a ledger, or before one that is broken, the drain is told to look at all of it', (t) => {
  const paths = testPaths(tempFolder(t));
  spillRows(paths, nodeHost(), [checked({ action: 'a.b' })], { ...REASON, ledgerId: null });
  writeFileSync(paths.ledger, 'garbage\n');
  spillRows(paths, nodeHost(), [checked({ action: 'a.b' })], REASON);
  for (const record of recordsIn(paths.spill)) assert.equal(record?.after.seq, 0);
});

test('the second place takes what the first cannot; where neither can, nothing is claimed', (t) => {
  const paths = testPaths(tempFolder(t));
  mkdirSync(paths.spill);
  assert.equal(spillRows(paths, nodeHost(), [checked({ action: 'a.b' })], REASON).path, paths.secondSpill);
  assert.equal(statSync(dirname(paths.secondSpill)).mode & 0o777, 0o700);
  const other = testPaths(tempFolder(t));
  mkdirSync(other.spill);
  mkdirSync(other.secondSpill, { recursive: true });
  assert.throws(
    () => spillRows(other, nodeHost(), [checked({ action: 'a.b' })], REASON),
    (error: LedgerError) => error.code === 'STORED_NOWHERE',
  );
  assert.ok(existsSync(other.secondSpill));
});
