/** The thread that keeps an index up is never needed: a writer ends as it would without one. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { LedgerError } from '../../../src/core/errors';
import { IndexAside } from '../../../src/store/index/indexAside';
import { sizeOf, testFolder } from '../../support/indexes';
import { nextIndexThread } from '../../support/indexThread';
import { makeLedger, sampleRows, testPaths } from '../../support/ledgers';
import { rowsOf } from '../../support/miniVerifier';
import { run } from '../../support/process';
import { tempFolder } from '../../support/writers';

test('a writer whose index thread has died is closed, and what comes after it happens', async (t) => {
  const dir = tempFolder(t);
  const child = join(__dirname, '../../support/asideChild.ts');
  const { status, stdout, stderr } = await run([process.execPath, '--import', 'tsx', child, dir]);
  assert.match(stdout, /^closed \["[^"]*its thread ended"\]\n$/, stderr);
  assert.equal(status, 2);
  assert.equal(rowsOf(testPaths(dir).ledger).length, 9002);
});

test('an order under way is answered when the thread dies, and every later one at once', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(20));
  const faults: LedgerError[] = [];
  const started = nextIndexThread();
  const paths = testPaths(dir);
  const aside = new IndexAside(paths, (error) => faults.push(error));
  const thread = await started;
  const underway = aside.bringUp(sizeOf(paths));
  await thread.terminate();
  assert.deepEqual(await underway, { kind: 'behind', why: 'its thread ended' });
  assert.equal((await aside.bringUp(sizeOf(paths))).kind, 'behind');
  await aside.finish(sizeOf(paths));
  assert.deepEqual([aside.isBusy, faults.length], [false, 3]);
});
