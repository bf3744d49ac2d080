/** Trouble with the index is the index's alone: a sweep that has done its work says what it did, an import goes on. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import type { VerifyResult } from '../../../src/core/verdict';
import { readyIndex } from '../../../src/store/index/indexReady';
import { tendIndex } from '../../../src/store/index/indexTend';
import { openDatabase } from '../../../src/store/index/sqlite';
import { ensureBuilt } from '../../support/built';
import { sizeOf, testFolder } from '../../support/indexes';
import { makeLedger, sampleRows, testPaths } from '../../support/ledgers';
import { missingTools, run } from '../../support/process';
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

/** Opens the index, changes it in a transaction that is larger than its cache, and is killed. */
const DIE_IN_A_TRANSACTION = `
  const database = new (require('libsql'))(process.argv[1]);
  database.exec('PRAGMA cache_size = 1; BEGIN; UPDATE rows SET bytes = bytes + 1; UPDATE watermark SET seq = 7');
  process.kill(process.pid, 'SIGKILL');
`;

const linesOf = (box: Sandbox): string[] => readFileSync(box.ledger, 'latin1').trimEnd().split('\n');
const writeLines = (box: Sandbox, lines: readonly string[]): void =>
  writeFileSync(box.ledger, `${lines.join('\n')}\n`, 'latin1');

async function halfDone(box: Sandbox): Promise<void> {
  const { index } = testPaths(box.dir);
  await run([process.execPath, '-e', DIE_IN_A_TRANSACTION, index]);
  assert.ok(statSync(`${index}-journal`).size > 0, 'its journal is left behind');
}

test('a writer of the index that was killed keeps no sweep from healing: it is rolled back', async (t) => {
  const box = sandbox(t);
  await fill(box, 400);
  await sweepIn(box);
  await halfDone(box);
  writeLines(
    box,
    linesOf(box).map((line, i) => (i === 20 ? line.slice(0, 40) : line)),
  );
  const [status, { index, damage }] = await sweepIn(box);
  assert.deepEqual([status, damage.map(({ what, outcome }) => [what, outcome])], [1, [['broken-lines', 'healed']]]);
  assert.equal(index, 'rebuilt');
  assert.equal((await ledger(box, ['verify'])).status, 3);
});

test('nor from naming rows that were cut off; nor an append', async (t) => {
  for (const command of [['sweep'], ['append', '--action', 'x']]) {
    const box = sandbox(t);
    await fill(box, 400);
    await sweepIn(box);
    const lines = linesOf(box);
    const last = lines.length;
    writeLines(box, lines.slice(0, -30));
    await halfDone(box);
    await ledger(box, command);
    const verdict = await ledger(box, ['verify', '--json']);
    const { verdict: found, gaps } = JSON.parse(verdict.stdout) as VerifyResult;
    assert.deepEqual([found, gaps.map(({ from_seq, to_seq }) => [from_seq, to_seq])], ['gaps', [[last - 29, last]]]);
  }
});

test('a dry run leaves it as it is', async (t) => {
  const box = sandbox(t);
  await fill(box, 400);
  await sweepIn(box);
  await halfDone(box);
  const { index } = testPaths(box.dir);
  const stored = (): Buffer[] => [index, `${index}-journal`].map((path) => readFileSync(path));
  const before = stored();
  assert.equal((await ledger(box, ['sweep', '--dry-run'])).status, 0);
  assert.ok(stored().every((bytes, i) => bytes.equals(before[i] as Buffer)));
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
