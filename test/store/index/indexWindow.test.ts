/** Where the rows of a window, or of runs, lie: all of them, few others, and no answer where reading the whole file is as fast. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { keyOf } from '../../../src/core/indexDigest';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { placesOfKeys, placesOfWindow } from '../../../src/store/index/indexWindow';
import { indexOf, ledgerOf, rowsOf, testFolder } from '../../support/indexes';
import { chainOf, makeLedger, sampleRows, TEST_START_MS, testPaths, writeLedger } from '../../support/ledgers';

const HOUR_MS = 3_600_000;

test('every row of a window lies in its ranges, which begin and end with lines', async (t) => {
  const chain = chainOf();
  for (let i = 0; i < 300; i++) {
    const hours = (i * 7) % 50;
    const payload = { payload: { note: 'x'.repeat(i % 3 === 0 ? 40_000 : 10) } };
    chain.add({ action: 'a.b', occurred_at: new Date(TEST_START_MS - hours * HOUR_MS).toISOString(), ...payload });
  }
  const paths = writeLedger(testFolder(t), chain.lines);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const rows = rowsOf(ledgerOf(t, paths));
  const ends = new Set(rows.map(({ offset, bytes }) => offset + bytes + 1));
  const starts = new Set(rows.map(({ offset }) => offset));
  const hour = fc.integer({ min: -52, max: 2 }).map((n) => TEST_START_MS + n * HOUR_MS);
  const moment = fc.oneof(hour, fc.constantFrom(-Infinity, Infinity));
  fc.assert(
    fc.property(moment, moment, (sinceMs, untilMs) => {
      const { ranges, rows: count } = placesOfWindow(index, sinceMs, untilMs) ?? assert.fail('few rows');
      for (const { from, to } of ranges) assert(starts.has(from) && ends.has(to) && from < to);
      ranges.reduce((last, { from, to }) => (assert(from > last), to), -1);
      const inside = (offset: number): boolean => ranges.some(({ from, to }) => offset >= from && offset < to);
      const wanted = rows.filter(({ effectiveMs }) => effectiveMs >= sinceMs && effectiveMs < untilMs);
      assert(wanted.every(({ offset }) => inside(offset)));
      assert.equal(count, wanted.length);
      if (wanted.length === 0) assert.deepEqual(ranges, []);
    }),
  );
  const { ranges: oneHour } =
    placesOfWindow(index, TEST_START_MS - 49 * HOUR_MS, TEST_START_MS - 48 * HOUR_MS) ?? assert.fail('few rows');
  const bytes = oneHour.reduce((sum, { from, to }) => sum + to - from, 0);
  assert(oneHour.length > 1 && bytes < rows.reduce((sum, row) => sum + row.bytes, 0) / 5, `${bytes} bytes`);
});

test('the rows of a few runs are looked up, whenever they were', async (t) => {
  const chain = chainOf();
  const note = 'x'.repeat(30_000);
  for (let i = 0; i < 60; i++) chain.add({ action: 'a.b', ...(i % 20 === 7 ? { run_id: 'r1' } : {}), note });
  const paths = writeLedger(testFolder(t), chain.lines);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const own = rowsOf(ledgerOf(t, paths)).filter(({ seq }) => (seq - 2) % 20 === 7);
  const { ranges, rows } =
    placesOfKeys(index, ['run_id'], new Set([keyOf('r1'), keyOf('r2')])) ?? assert.fail('few rows');
  assert.deepEqual(
    ranges,
    own.map(({ offset, bytes }) => ({ from: offset, to: offset + bytes + 1 })),
  );
  assert.equal(rows, 3);
});

test('a row that has the key in two members is one row', async (t) => {
  const chain = chainOf();
  for (const ids of [{ run_id: 'x' }, { decision_id: 'x' }, { run_id: 'x', decision_id: 'x' }, { run_id: 'y' }])
    chain.add({ action: 'a.b', ...ids });
  const paths = writeLedger(testFolder(t), chain.lines);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const [, ...own] = rowsOf(ledgerOf(t, paths));
  const [from, to] = [own[0]?.offset, own[3]?.offset];
  const places = placesOfKeys(index, ['decision_id', 'run_id'], new Set([keyOf('x')]));
  assert.deepEqual(places, { ranges: [{ from, to }], rows: 3 });
});

test('a part of a large ledger is looked up, most of it is not', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(5));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const index = indexOf(t, paths, 'write');
  index.database.exec(`WITH RECURSIVE n(seq) AS (SELECT 7 UNION ALL SELECT seq + 1 FROM n WHERE seq < 100000)
    INSERT INTO rows (seq, offset, bytes, effective_ms, hash_prefix) SELECT seq, seq * 100, 99, seq, 0 FROM n;
    UPDATE watermark SET seq = 100000, row_seq = 100000, offset = 10000100`);
  assert.deepEqual(placesOfWindow(index, 100, 25_000), { ranges: [{ from: 10_000, to: 2_500_000 }], rows: 24_900 });
  assert.equal(placesOfWindow(index, 100, 25_200), undefined, 'too many rows');
  index.database.exec('UPDATE rows SET offset = offset * 100; UPDATE watermark SET offset = 1000000000');
  index.database.exec('UPDATE rows SET effective_ms = 200000 WHERE seq % 6 = 0');
  assert.equal(placesOfWindow(index, 200_000, 200_001), undefined, 'few rows all over the file');
});
