/** Rows whose hash and link are right and which are wrong all the same: whoever can compute a hash can write them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ZERO_HASH } from '../../src/core/digest';
import type { VerifyResult } from '../../src/core/verdict';
import { verifyLedger } from '../../src/services/verify';
import { forgedRow } from '../support/forgedRows';
import type { ForgedMembers } from '../support/forgedRows';
import { chainOf, testPaths, writeLedger } from '../support/ledgers';
import { tempFolder } from '../support/writers';

/** A ledger in which run "closed" is over; its head is what a further row of that run would have to name. */
function soundLines(): { readonly lines: readonly string[]; readonly closedHead: string } {
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r' });
  chain.add({ action: 'run_completed', run_id: 'closed' });
  const closedHead = chain.head().hash;
  chain.add({ action: 'a.b', payload: { n: 1 } });
  return { lines: chain.lines, closedHead };
}

const { lines: SOUND, closedHead } = soundLines();
const WENT_BACK = { ts: '"2020-01-01T00:00:00.000Z"' };
const OUT_OF_PLACE = { run_id: '"r"', run_seq: '7', run_prev_hash: `"${ZERO_HASH}"` };
const AFTER_CLOSE = { run_id: '"closed"', run_seq: '2', run_prev_hash: `"${closedHead}"` };

test('a clock that went back does not hide a row that claims another place in its stream', async (t) => {
  const dir = tempFolder(t);
  const paths = writeLedger(dir, [...SOUND, forgedRow(SOUND, { ...WENT_BACK, ...OUT_OF_PLACE })]);
  const { verdict, streams, findings } = await verifyLedger({ paths, tailWaitMs: 0 });
  assert.deepEqual([verdict, streams], ['broken', 'broken']);
  assert.deepEqual(
    findings.map(({ code, seq }) => [code, seq]),
    [
      ['TIME_SUSPECT', 5],
      ['STREAM_BROKEN', 5],
    ],
  );
});

test('one fault of a stream place is told once', async (t) => {
  const dir = tempFolder(t);
  for (const seq of ['0', '-1', '1.5', '"2"', 'null']) {
    const paths = writeLedger(dir, [...SOUND, forgedRow(SOUND, { ...OUT_OF_PLACE, run_seq: seq })]);
    const { verdict, findings_total: total } = await verifyLedger({ paths, tailWaitMs: 0 });
    assert.deepEqual([verdict, total], ['broken', 1], seq);
  }
});

/** One from each list at most: they are about other members. */
const FAULTS: readonly (readonly ForgedMembers[])[] = [
  [WENT_BACK, { ts: '"2026-04-25"' }, { ts: undefined }],
  [{ id: '"01ARZ3NDEKTSV4RRFFQ69G5FAV"' }, { id: undefined }, { id: '7' }],
  [{ seq: '4' }, { seq: '9' }, { seq: '"5"' }],
  [{ prev_hash: `"${ZERO_HASH}"` }],
  [OUT_OF_PLACE, AFTER_CLOSE, { ...AFTER_CLOSE, run_seq: undefined }, { run_seq: '1' }],
  [{ decision_id: '"d"', decision_seq: '2', decision_prev_hash: `"${ZERO_HASH}"` }, { decision_id: '7' }],
  [{ payload: '{"a":1}' }, { payload: '7' }, { content_hash: `"${ZERO_HASH}"` }],
  [{ action: '"audit.rows-lost"' }, { action: '"audit.genesis"' }, { action: undefined }],
  [{ agent: '"a","agent":"b"' }],
];
/** A good row behind the forged one. */
const NEXT = { seq: '6', id: '"01M9ZZZZZZZZZZZZZZZZZZZZZZ"', ts: '"2026-05-01T00:00:00.000Z"' };
const RANK: Readonly<Record<VerifyResult['verdict'], number>> = { intact: 0, gaps: 1, broken: 2, 'not-verifiable': 3 };

test('property: a row with several faults is never judged better than with one of them, at the end or before others', async (t) => {
  const paths = testPaths(tempFolder(t));
  const rankOf = async (faults: ForgedMembers, isLast: boolean): Promise<number> => {
    const forged = [...SOUND, forgedRow(SOUND, faults)];
    writeLedger(paths.dir, isLast ? forged : [...forged, forgedRow(forged, NEXT)]);
    return RANK[(await verifyLedger({ paths, tailWaitMs: 0, workers: 1 })).verdict];
  };
  const all = FAULTS.flat();
  const alone = new Map<ForgedMembers, readonly [number, number]>();
  for (const fault of all) alone.set(fault, [await rankOf(fault, false), await rankOf(fault, true)]);
  const assertNotBetter = async (faults: readonly ForgedMembers[], isLast: boolean): Promise<void> => {
    const together = await rankOf(Object.assign({}, ...faults) as ForgedMembers, isLast);
    const worst = Math.max(...faults.map((fault) => alone.get(fault)?.[isLast ? 1 : 0] ?? 0));
    assert.ok(together >= worst, JSON.stringify({ faults, isLast, together, worst }));
  };
  const pairs = FAULTS.flatMap((list, i) => FAULTS.slice(i + 1).flatMap((more) => pairsOf(list, more)));
  for (const pair of pairs) for (const isLast of [false, true]) await assertNotBetter(pair, isLast);
  const some = fc
    .subarray([...FAULTS], { minLength: 3 })
    .chain((lists) => fc.tuple(...lists.map((list) => fc.constantFrom(...list))));
  await fc.assert(fc.asyncProperty(some, fc.boolean(), assertNotBetter), { numRuns: 100 });
});

function pairsOf(some: readonly ForgedMembers[], others: readonly ForgedMembers[]): (readonly ForgedMembers[])[] {
  return some.flatMap((one) => others.map((other) => [one, other]));
}
