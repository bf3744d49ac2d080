/** The fingerprint of the index is the same whoever sums it up, and what goes wrong in the thread is heard of. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import { digestAside } from '../../../src/store/index/digestAside';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { compareDigests } from '../../../src/store/index/indexCompare';
import { digestOfFile, indexOf, ledgerOf, testFolder } from '../../support/indexes';
import { makeLedger, sampleRows, testPaths } from '../../support/ledgers';

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof LedgerError && error.code === wanted;

test('a thread sums up what the caller would', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(300));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const inThread = digestAside(paths, indexOf(t, paths), 0);
  const atOnce = digestAside(paths, indexOf(t, paths));
  assert.equal(inThread.upToSeq, 301);
  assert.deepEqual(await inThread.digest(), await atOnce.digest());
  assert.deepEqual(compareDigests(digestOfFile(ledgerOf(t, paths)), await inThread.digest()), []);
});

test('an index that is removed or damaged meanwhile is told with its code', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(300));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  rmSync(paths.index);
  await assert.rejects(digestAside(paths, index, 0).digest(), code('INDEX_BUSY'));
  writeFileSync(paths.index, 'x'.repeat(8192), { mode: 0o600 });
  await assert.rejects(digestAside(paths, index, 0).digest(), code('INDEX_FAILED'));
});
