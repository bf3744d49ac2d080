/** The progress line: what is done, what is left, in less than a terminal's width. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { progressText } from '../../src/cli/progress';

test('half of a ledger', () => {
  assert.equal(
    progressText({ rows: 500_000, bytes: 357e6, totalBytes: 714e6 }, 2_000),
    '[##########..........]  50 %  500,000 rows  357 of 714 MB  179 MB/s  2 s left',
  );
});

test('the beginning says no time left, the end says none is left', () => {
  assert.equal(
    progressText({ rows: 0, bytes: 0, totalBytes: 714e6 }, 100),
    '[....................]   0 %  0 rows  0 of 714 MB  0 MB/s',
  );
  assert.match(progressText({ rows: 9, bytes: 714e6, totalBytes: 714e6 }, 4_000), /^\[#{20}\] 100 % .* 0 s left$/);
});

test('minutes and hours; a file that has grown meanwhile is not more than done', () => {
  const after = (doneMb: number): string =>
    progressText({ rows: 1, bytes: doneMb * 1e6, totalBytes: 1e12 }, 60_000).split('MB/s  ')[1] ?? '';
  assert.deepEqual(
    [after(500_000), after(100_000), after(1_000)],
    ['1 min 0 s left', '9 min 0 s left', '16 h 39 min left'],
  );
  assert.match(progressText({ rows: 1, bytes: 20, totalBytes: 10 }, 1_000), /^\[#{20}\] 100 % .* 0 s left$/);
});

test('it fits a line of a terminal', () => {
  const widest = progressText({ rows: 999_999_999, bytes: 499_999e6, totalBytes: 999_999e6 }, 3_000_000);
  assert.ok(`verify ${widest}`.length <= 110, widest);
  const usual = progressText({ rows: 9_999_999, bytes: 5_999e6, totalBytes: 9_999e6 }, 30_000);
  assert.ok(`verify ${usual}`.length <= 90, usual);
});
