/** `sweep` holds all of the index against all of the file: what only looks at the watermark misses an entry that is gone. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { rollup } from '../../src/services/rollup';
import { sweep } from '../../src/services/sweep';
import { verify } from '../../src/services/verify';
import { APPLICATION_ID } from '../../src/store/index/indexSchema';
import { openDatabase } from '../../src/store/index/sqlite';
import { chainOf, sampleRows, setLineAside, writeLedger } from '../support/ledgers';
import { tempFolder } from '../support/writers';

async function indexed(t: TestContext, rows = 400) {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (const row of sampleRows(rows)) chain.add({ ...row, idempotency_key: `k${chain.head().seq}` });
  const paths = writeLedger(dir, chain.lines);
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
  assert.equal((await sweep({ place, dryRun: false })).index, 'rebuilt');
  const change = (sql: string): void => {
    const database = openDatabase(paths.index, { readOnly: false, busyMs: 0 });
    database.exec(sql);
    database.close();
  };
  return { dir, chain, paths, place, change };
}

const CHANGES: Readonly<Record<string, string>> = {
  'an entry is gone': 'DELETE FROM rows WHERE seq = 57',
  'an entry is changed': 'UPDATE rows SET effective_ms = 1 WHERE seq = 57',
  'a key is gone': 'UPDATE rows SET idempotency_key_key = 0 WHERE seq = 57',
  'a stream is changed': 'UPDATE rows SET run_key = run_key + 1 WHERE seq = 57',
  // What one flipped bit makes of a number.
  'a place is negative': 'UPDATE rows SET offset = -5 WHERE seq = 57',
  'the last place is negative': 'UPDATE rows SET offset = -offset WHERE seq = (SELECT max(seq) FROM rows)',
  'the last length is negative': 'UPDATE rows SET bytes = bytes - 32768 WHERE seq = (SELECT max(seq) FROM rows)',
  'the last length is huge': 'UPDATE rows SET bytes = 99999999999999 WHERE seq = (SELECT max(seq) FROM rows)',
  'the last length is beyond a double':
    'UPDATE rows SET bytes = 9007199254740993 WHERE seq = (SELECT max(seq) FROM rows)',
  'the last length is text': "UPDATE rows SET bytes = 'abc' WHERE seq = (SELECT max(seq) FROM rows)",
  'its end is another': 'UPDATE watermark SET offset = offset - 1',
  'its end is negative': 'UPDATE watermark SET offset = -offset',
};

for (const [name, sql] of Object.entries(CHANGES)) {
  test(`${name}: sweep says so, with and without a change, and makes the index anew`, async (t) => {
    const { paths, place, change } = await indexed(t);
    assert.deepEqual((await sweep({ place, dryRun: false })).damage, []);
    const ask = { place, nowMs: Date.now(), since: '@0', period: 'day', tz: 'UTC' } as const;
    const { total, periods } = await rollup(ask);
    change(sql);
    const told = await verify({ place });
    assert.deepEqual(
      [told.verdict, told.findings.map(({ code }) => code)],
      ['broken', ['INDEX_DISAGREES']],
      'verify tells it',
    );
    const again = await rollup(ask);
    assert.deepEqual([again.total, again.periods], [total, periods], 'what the index cannot answer the file does');
    const { mtimeMs } = statSync(paths.index);
    const looked = await sweep({ place, dryRun: true });
    assert.deepEqual(
      looked.damage.map(({ what, outcome }) => [what, outcome]),
      [['index-differs', 'would-heal']],
    );
    assert.equal(statSync(paths.index).mtimeMs, mtimeMs, 'a dry run changes nothing');
    const swept = await sweep({ place, dryRun: false });
    assert.deepEqual(
      [swept.verdict, swept.index, swept.damage.map(({ what, outcome }) => [what, outcome])],
      ['damage', 'rebuilt', [['index-differs', 'healed']]],
    );
    assert.equal((await sweep({ place, dryRun: false })).verdict, 'clean');
    const { verdict, index } = await verify({ place });
    assert.deepEqual([verdict, index], ['intact', 'agrees']);
  });
}

const DESTRUCTIONS: Readonly<Record<string, (path: string, change: (sql: string) => void) => void>> = {
  'is junk': (path) => writeFileSync(path, 'junk\n'),
  'was emptied': (path) => truncateSync(path, 0),
  'is cut short': (path) => truncateSync(path, 8192),
  'lacks a table': (_, change) => change('DROP TABLE watermark'),
  'is another database': (_, change) => change('PRAGMA application_id = 7'),
};

for (const [name, destroy] of Object.entries(DESTRUCTIONS)) {
  test(`an index that ${name}: sweep says so, as verify does, and makes it anew`, async (t) => {
    const { paths, place, change } = await indexed(t, 60);
    destroy(paths.index, change);
    assert.deepEqual(
      (await verify({ place })).findings.map(({ code }) => code),
      ['INDEX_DISAGREES'],
    );
    const looked = await sweep({ place, dryRun: true });
    const swept = await sweep({ place, dryRun: false });
    assert.deepEqual(
      [looked, swept].map(({ damage }) => damage.map(({ what, outcome }) => [what, outcome])),
      [[['index-differs', 'would-heal']], [['index-differs', 'healed']]],
    );
    assert.equal(swept.index, 'rebuilt');
    assert.equal((await sweep({ place, dryRun: false })).verdict, 'clean');
  });
}

test('an index that is not there, or that another release made, is made anew without a word', async (t) => {
  const { paths, place, change } = await indexed(t, 60);
  for (const lose of [() => rmSync(paths.index), () => change(`PRAGMA application_id = ${APPLICATION_ID + 1}`)]) {
    lose();
    assert.deepEqual((await sweep({ place, dryRun: true })).damage, []);
    const { index, damage } = await sweep({ place, dryRun: false });
    assert.deepEqual([index, damage], ['rebuilt', []]);
  }
});

test('a ledger with tombstones, own rows and a heal has the index that it gives', async (t) => {
  const { dir, chain, place } = await indexed(t, 40);
  setLineAside(dir, chain, 9);
  await sweep({ place, dryRun: false });
  const swept = await sweep({ place, dryRun: false });
  assert.deepEqual([swept.verdict, swept.index, swept.damage], ['clean', 'current', []]);
});

test('an index that knows of lost rows and is busy for a moment is asked again, never made anew over them', async (t) => {
  const { paths, place } = await indexed(t);
  const lines = readFileSync(paths.ledger, 'utf8').split('\n');
  truncateSync(paths.ledger, Buffer.byteLength(lines.slice(0, 398).join('\n')) + 1);
  const other = openDatabase(paths.index, { readOnly: false, busyMs: 0 });
  other.exec('BEGIN EXCLUSIVE');
  // The tail is looked at first, and the index does not answer then, however long it is waited for in this thread.
  setTimeout(() => other.close(), 100);
  const { damage, verdict } = await sweep({ place, dryRun: false });
  assert.deepEqual(
    [verdict, damage.map(({ what, outcome }) => [what, outcome])],
    ['damage', [['rows-lost', 'healed']]],
  );
  const result = await verify({ place });
  assert.deepEqual(
    [result.verdict, result.index, result.gaps.map(({ kind }) => kind)],
    ['gaps', 'agrees', ['rows-lost']],
  );
});

test('a ledger that was written again behind its index: sweep names the rows before it makes the index anew', async (t) => {
  const { dir, paths, place } = await indexed(t, 40);
  const other = chainOf();
  for (const row of sampleRows(60)) other.add({ ...row, reason: 'forged' });
  writeLedger(dir, other.lines);
  for (const dryRun of [true, false]) {
    const { verdict, damage } = await sweep({ place, dryRun });
    assert.deepEqual(
      [verdict, damage.map(({ what, outcome }) => [what, outcome])],
      ['damage', [['rows-lost', dryRun ? 'would-heal' : 'healed']]],
    );
    assert.match(damage[0]?.detail ?? '', /^rows 2 to 41, as they were appended, are gone/);
  }
  assert.ok(statSync(paths.index).size > 0);
  assert.equal((await sweep({ place, dryRun: false })).verdict, 'clean');
});

test('a ledger that is another one behind a point, and shorter than its index: all the rows from there on are named', async (t) => {
  const { dir, chain, place } = await indexed(t, 40);
  const other = chainOf();
  for (const row of sampleRows(40).slice(0, 20)) other.add({ ...row, idempotency_key: `k${other.head().seq}` });
  assert.equal(other.lines[9], chain.lines[9], 'the same up to there');
  for (let n = 0; n < 10; n++) other.add({ action: 'a.b', reason: 'forged' });
  writeLedger(dir, other.lines);
  await sweep({ place, dryRun: false });
  const { gaps } = await verify({ place });
  assert.deepEqual(
    gaps.map(({ kind, from_seq, to_seq }) => [kind, from_seq, to_seq]),
    [['rows-lost', 22, 41]],
  );
});

const kinds = ({ damage }: Awaited<ReturnType<typeof sweep>>) => damage.map(({ what, outcome }) => [what, outcome]);

test('a last row that lacks its newline is there: verify, a dry run and a sweep say nothing of the index', async (t) => {
  const { paths, place } = await indexed(t, 20);
  truncateSync(paths.ledger, statSync(paths.ledger).size - 1);
  const { findings } = await verify({ place, tailWaitMs: 0 });
  assert.deepEqual(
    findings.map(({ code, seq }) => [code, seq]),
    [['TORN', 21]],
  );
  assert.deepEqual(kinds(await sweep({ place, dryRun: true })), [['torn-tail', 'would-heal']]);
  assert.deepEqual(kinds(await sweep({ place, dryRun: false })), [['torn-tail', 'healed']]);
});

test('a last row that was tampered with is there, too; the index is left as it is', async (t) => {
  const { paths, place } = await indexed(t, 20);
  const bytes = readFileSync(paths.ledger);
  bytes[bytes.lastIndexOf('"nonce":"') + 9] = 0x2d;
  writeFileSync(paths.ledger, bytes);
  const { findings } = await verify({ place });
  assert.deepEqual(
    findings.map(({ code, seq }) => [code, seq]),
    [
      ['CONTENT_ALTERED', 21],
      ['INDEX_DISAGREES', null],
    ],
  );
  for (const dryRun of [true, false])
    assert.deepEqual(kinds(await sweep({ place, dryRun })), [['tampered-tail', 'kept']]);
});

test('a ledger that was emptied is the same error for a dry run and a sweep', async (t) => {
  const { paths, place } = await indexed(t, 20);
  truncateSync(paths.ledger, 0);
  for (const dryRun of [true, false]) await assert.rejects(sweep({ place, dryRun }), { code: 'LEDGER_MISSING' });
});

test('an index reaches up to a row that stands there twice, and is not said to differ again', async (t) => {
  const { paths, place, chain } = await indexed(t, 20);
  const lines = chain.lines.toSpliced(6, 0, chain.lines[5] as string);
  writeFileSync(paths.ledger, lines.map((line) => `${line}\n`).join(''));
  assert.deepEqual(kinds(await sweep({ place, dryRun: false })), [['index-differs', 'healed']]);
  for (const dryRun of [true, false]) assert.deepEqual(kinds(await sweep({ place, dryRun })), []);
  assert.equal((await verify({ place })).verdict, 'broken');
});
