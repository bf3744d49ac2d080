/** What `verify` says of anchors, line by line. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { anchoredText, anchorLines } from '../../src/cli/anchorText';
import type { Colors } from '../../src/cli/color';
import type { AnchorState } from '../../src/core/anchor/judge';

const plain = new Proxy({}, { get: () => (text: string) => text }) as Colors;
const NOTHING = { size: null, by: null, since: null, why: null, finding: null };
const since = '2026-11-22T20:00:00.000Z';

test('until which row, at which anchor, by whom, since when, and which rows are not', () => {
  const anchors: AnchorState[] = [
    { ...NOTHING, to: 'file:/mnt/heads/', state: 'held', size: 12, since },
    { ...NOTHING, to: 'witness:https://w/', state: 'behind', size: 9, by: 'w1', since, why: 'row 14 says that …' },
    { ...NOTHING, to: 'cmd:mail#1', state: 'not-checked', size: 12, since, why: 'nobody can tell' },
    { ...NOTHING, to: 'git:/x\u001b[2J', state: 'missing', why: 'nothing is there' },
    { ...NOTHING, to: 'file:/b', state: 'contradicts', size: 40, finding: { code: 'ROLLBACK', seq: null, place: null, want: '', got: '' } }, // prettier-ignore
  ];
  assert.deepEqual(anchorLines({ anchors, anchored_until: 12, unanchored_rows: 8 }, 20, plain, Infinity), [
    'anchored   until row 12; rows 13 to 20 are not',
    `           file:/mnt/heads/: until row 12, since ${since}`,
    `           witness:https://w/: behind, until row 9, by w1, since ${since}; row 14 says that …`,
    `           cmd:mail#1: not checked, until row 12, since ${since}; nobody can tell`,
    '           git:/x\\u001b[2J: none; nothing is there',
    '           file:/b: ROLLBACK, its head is of another ledger than this one is now: until row 40',
  ]);
  const first = (until: number | null, rest: number): string | undefined =>
    anchorLines({ anchors, anchored_until: until, unanchored_rows: rest }, 20, plain, Infinity)[0];
  assert.equal(first(20, 0), 'anchored   until row 20, which is the last');
  assert.equal(first(19, 1), 'anchored   until row 19; row 20 is not');
  assert.equal(first(null, 20), 'anchored   nowhere that could be looked at: none of the 20 rows');
  assert.deepEqual(anchorLines({ anchors: [], anchored_until: null, unanchored_rows: 20 }, 20, plain, 80), []);
});

test('what there is to show for it', () => {
  assert.equal(anchoredText('git:/x', { commit: 'ab12', signed: true }), 'anchored git:/x (commit ab12, signed)');
  assert.equal(anchoredText('cmd:x#1', { said: 'a\u0007' }), 'anchored cmd:x#1 (said a\\u0007)');
  assert.equal(anchoredText('file:/x', {}), 'anchored file:/x');
});
