/** Trouble with the index is the index's alone: a sweep that has done its work says what it did, an import goes on. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { readyIndex } from '../../../src/store/index/indexReady';
import { tendIndex } from '../../../src/store/index/indexTend';
import { openDatabase } from '../../../src/store/index/sqlite';
import { ensureBuilt } from '../../support/built';
import { sizeOf, testFolder } from '../../support/indexes';
import { makeLedger, sampleRows, testPaths } from '../../support/ledgers';
import { missingTools } from '../../support/process';
import { ledger, sandbox } from '../../support/sandbox';
import type { Sandbox } from '../../support/sandbox';
import { shimEnv } from '../../support/shim';
import { fill, tear } from '../../support/states';

before(ensureBuilt);

interface Swept {
  readonly verdict: string;
  readonly index: string;
  readonly damage: readonly { readonly what: string; readonly outcome: string }[];
}

async function sweepIn(box: Sandbox, env: Readonly<Record<string, string>> = {}): Promise<[number, Swept]> {
  const { status, stdout, stderr } = await ledger(box, ['sweep', '--json'], { env });
  assert.notEqual(stdout, '', stderr);
  return [status, JSON.parse(stdout) as Swept];
}

test('no room for an index: the sweep is done, without one', { skip: missingTools('gcc') }, async (t) => {
  const box = sandbox(t);
  await fill(box, 3);
  const [status, { verdict, index }] = await sweepIn(box, shimEnv({ path: '.tmp', mode: 'err', times: 0 }));
  assert.deepEqual([status, verdict, index], [0, 'clean', 'not-checked']);
  assert.equal((await sweepIn(box))[1].index, 'rebuilt');
});

test('an index that another process has locked: what was healed is said all the same', async (t) => {
  const box = sandbox(t);
  await fill(box, 3);
  await sweepIn(box);
  const { index: path } = testPaths(box.dir);
  const other = openDatabase(path, { readOnly: false, busyMs: 0 });
  other.exec('DELETE FROM rows WHERE seq = 2; BEGIN IMMEDIATE');
  tear(box, 'short');
  const [status, { index, damage }] = await sweepIn(box);
  other.close();
  assert.deepEqual(
    [status, index, damage.map(({ what, outcome }) => [what, outcome])],
    [
      1,
      'busy',
      [
        ['torn-tail', 'healed'],
        ['index-differs', 'kept'],
      ],
    ],
  );
  assert.equal((await sweepIn(box))[1].index, 'rebuilt');
});

test('an error of the system is one of the index: not checked by a sweep, told by an import', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(2600));
  const paths = { ...testPaths(dir), index: join(dir, 'missing', 'index.db') };
  assert.deepEqual(await tendIndex(paths, sizeOf(paths), undefined), { index: 'not-checked', differs: undefined });
  const told: string[] = [];
  await readyIndex(
    paths,
    () => Promise.resolve(sizeOf(paths)),
    ({ code }) => told.push(code),
  );
  assert.deepEqual(told, ['INDEX_FAILED']);
});
