/**
 * Rows that the index has seen and that have others in their place: named by the sweep that makes the index anew, and only
 * where the file proves that they are gone.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { sweep } from '../../../src/services/sweep';
import { verify } from '../../../src/services/verify';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { openDatabase } from '../../../src/store/index/sqlite';
import { chainOf, sampleRows, writeLedger } from '../../support/ledgers';
import { rowsOf } from '../../support/miniVerifier';
import { tempFolder } from '../../support/writers';

const ROWS = 40;

/** A ledger of 41 rows and its index. */
async function indexed(t: TestContext) {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (const row of sampleRows(ROWS)) chain.add(row);
  const paths = writeLedger(dir, chain.lines);
  await rebuildIndex(paths);
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: join(dir, '.home') } };
  return { dir, chain, paths, place };
}

/** The same up to row `common`, then `more` other rows. */
function partedAt(common: number, more: number): string[] {
  const chain = chainOf();
  for (const row of sampleRows(common - 1)) chain.add(row);
  for (let n = 0; n < more; n++) chain.add({ action: 'b.c' });
  return chain.lines;
}

for (const [what, common, more] of [
  ['cut and grown over the cut', 36, 20],
  ['cut and grown to the same length', 36, 5],
  ['written again from row 2 on', 1, 80],
] as const) {
  test(`${what}: the sweep names the rows from where file and index part, once`, async (t) => {
    const { dir, chain, paths, place } = await indexed(t);
    writeLedger(dir, partedAt(common, more));
    const swept = await sweep({ place, dryRun: false });
    assert.deepEqual(
      [swept.verdict, swept.index, swept.damage.map((damage) => [damage.what, damage.outcome])],
      ['damage', 'rebuilt', [['rows-lost', 'healed']]],
    );
    const last = rowsOf(paths.ledger).at(-1);
    const payload = { from_seq: common + 1, to_seq: ROWS + 1, head: chain.head().hash };
    assert.deepEqual([last?.['action'], last?.['payload']], ['audit.rows-lost', payload]);
    assert.equal((await sweep({ place, dryRun: false })).verdict, 'clean');
    const { verdict, index, gaps } = await verify({ place });
    assert.deepEqual(
      [verdict, index, gaps.map(({ kind, from_seq, to_seq }) => [kind, from_seq, to_seq])],
      ['gaps', 'agrees', [['rows-lost', common + 1, ROWS + 1]]],
    );
  });
}

test('a sweep that was killed behind that row leaves the old index: the next one names nothing twice', async (t) => {
  const { dir, paths, place } = await indexed(t);
  const old = readFileSync(paths.index);
  writeLedger(dir, partedAt(36, 20));
  await sweep({ place, dryRun: false });
  const size = readFileSync(paths.ledger).length;
  writeFileSync(paths.index, old);
  const { index } = await sweep({ place, dryRun: false });
  assert.deepEqual([index, readFileSync(paths.ledger).length], ['rebuilt', size]);
});

test('a row that was altered with its own hash made right is damage: those behind it are there', async (t) => {
  const { dir, chain, place } = await indexed(t);
  const forged = chainOf();
  for (const [i, row] of sampleRows(ROWS).entries()) forged.add(i === 8 ? { ...row, reason: 'forged' } : row);
  writeLedger(
    dir,
    chain.lines.map((line, i) => (i === 9 ? (forged.lines[9] as string) : line)),
  );
  const { damage } = await sweep({ place, dryRun: false });
  assert.deepEqual(
    damage.map(({ what }) => what),
    ['index-differs'],
  );
  const { verdict, gaps } = await verify({ place });
  assert.deepEqual([verdict, gaps], ['broken', []]);
});

test('an index whose last hash is damaged, or that is of another ledger, proves no loss', async (t) => {
  const { dir, paths, place } = await indexed(t);
  const database = openDatabase(paths.index, { readOnly: false, busyMs: 0 });
  database.exec('UPDATE watermark SET hash = hex(zeroblob(32))');
  database.close();
  const damaged = await sweep({ place, dryRun: false });
  const other = chainOf({ identity: { ledgerId: '01JOTHEROTHEROTHEROTHEROTH', origin: 'x', lock: 'kernel' } });
  for (const row of sampleRows(60)) other.add(row);
  writeLedger(dir, other.lines);
  const replaced = await sweep({ place, dryRun: false });
  assert.deepEqual(
    [damaged, replaced].map(({ damage }) => damage.map(({ what }) => what)),
    [['index-differs'], ['index-differs']],
  );
  assert.equal((await verify({ place })).verdict, 'intact');
});
