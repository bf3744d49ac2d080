/** What one process remembers of the newest rows is never believed on its own account. */
import assert from 'node:assert/strict';
import { appendFileSync, closeSync, copyFileSync, openSync, renameSync, statSync, truncateSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { Recent } from '../../../src/store/append/recent';
import { chainOf, makeLedger, testPaths, writeLedger } from '../../support/ledgers';
import { faultsOf } from '../../support/miniVerifier';
import { tempFolder, writerIn } from '../../support/writers';

function opened(t: TestContext, path: string): number {
  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  return fd;
}

test('rows that others appended are read; the first look is no proof of anything', (t) => {
  const dir = tempFolder(t);
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r' });
  const { ledger } = writeLedger(dir, chain.lines);
  const fd = opened(t, ledger);
  const recent = new Recent();
  assert.equal(recent.follow(fd, statSync(ledger).size), false);
  assert.equal(recent.stream('run_id', 'r'), undefined);
  appendFileSync(ledger, `${chain.add({ action: 'a.b', run_id: 'r', decision_id: 'd', idempotency_key: 'k' })}\n`);
  assert.equal(recent.follow(fd, statSync(ledger).size), true);
  assert.deepEqual(recent.stream('run_id', 'r'), { seq: 2, hash: chain.head().hash });
  assert.deepEqual(recent.stream('decision_id', 'd'), { seq: 1, hash: chain.head().hash });
  assert.equal(recent.keyed(fd, 'k')?.seq, 3);
  assert.equal(recent.keyed(fd, 'other'), undefined);
});

test('a file that was replaced, cut, or cut and filled again is begun anew', (t) => {
  const dir = tempFolder(t);
  const lines = makeLedger(dir, [
    { action: 'a.b', run_id: 'r' },
    { action: 'a.b', run_id: 'r' },
  ]);
  const { ledger } = testPaths(dir);
  const size = statSync(ledger).size;
  const recent = new Recent();
  const fd = opened(t, ledger);
  recent.follow(fd, size);
  assert.equal(recent.follow(fd, size), true);
  const last = (lines.at(-1) as string).length + 1;
  truncateSync(ledger, size - last);
  assert.equal(recent.follow(fd, size - last), false, 'cut');
  assert.equal(recent.follow(fd, size - last), true);
  // The same inode and the same size, another row.
  appendFileSync(ledger, `${lines.at(-1) as string}\n`);
  recent.follow(fd, size);
  truncateSync(ledger, size - last);
  appendFileSync(ledger, `${(lines.at(-1) as string).replace(/[0-9a-f]{64}"\}$/, `${'0'.repeat(64)}"}`)}\n`);
  assert.equal(recent.follow(fd, size), false, 'cut and filled again');
  copyFileSync(ledger, `${ledger}.new`);
  renameSync(`${ledger}.new`, ledger);
  const other = opened(t, ledger);
  assert.equal(recent.follow(other, size), false, 'replaced');
});

test('a writer whose rows were cut off, and others written, goes on with the streams of the file', async (t) => {
  const dir = tempFolder(t);
  const w = writerIn(t, dir);
  await w.append({ action: 'a.b', run_id: 'r' });
  const before = statSync(w.paths.ledger).size;
  await w.append({ action: 'a.b', run_id: 'r' }, { action: 'a.b', run_id: 'r' });
  truncateSync(w.paths.ledger, before);
  await writerIn(t, dir).append({ action: 'b.c', run_id: 'other', reason: 'x'.repeat(3000) });
  await w.append({ action: 'a.b', run_id: 'r' });
  assert.deepEqual(faultsOf(w.paths.ledger), []);
});
