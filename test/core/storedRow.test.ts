/** What is taken as a row by whoever asks what it says: how deep it may nest, and what its members may be. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { checkChunk } from '../../src/core/chunk';
import { MAX_DEPTH } from '../../src/core/json';
import { readLine } from '../../src/core/rowText';
import { rowObject, shownMembers, storedRow } from '../../src/core/storedRow';
import { readStoredLine } from '../../src/core/storedLine';
import { forgedRow } from '../support/forgedRows';
import { chainOf } from '../support/ledgers';

const SOUND = chainOf().lines;
const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const forged = (payload: string): Buffer => Buffer.from(forgedRow(SOUND, { payload }));

test('a row nests as deep as a writer may nest it, and no deeper', () => {
  // The row itself is the first level.
  const deepest = forged(nested(MAX_DEPTH - 1));
  assert.equal(readLine(deepest).kind, 'row');
  assert.equal(storedRow(deepest)?.seq, 2);
  assert.deepEqual(shownMembers(deepest), JSON.parse(deepest.toString()));
  for (const levels of [MAX_DEPTH, 5_000, 100_000]) {
    const deeper = forged(nested(levels));
    const reading = readLine(deeper);
    assert.equal(reading.kind === 'wrong' && reading.why, 'row 2 has more than 64 levels of nesting');
    assert.equal(rowObject(deeper), undefined);
    assert.equal(storedRow(deeper), undefined);
    assert.deepEqual([shownMembers(deeper)['seq'], shownMembers(deeper)['payload']], [2, 'more than 64 levels']);
    const chunk = Buffer.concat([deeper, Buffer.from('\n')]);
    assert.equal(checkChunk(chunk, 0, chunk.length, { strict: true }), undefined, 'not seen to be regular');
    const stored = readStoredLine(deeper, { strict: false });
    assert.deepEqual(stored.kind === 'row' && stored.faults.map(({ code }) => code), ['MALFORMED']);
  }
});

test('a value that no writer puts there is taken as the text that it is; what is no number counts nothing', () => {
  const line = forgedRow(SOUND, {
    agent: '{"toString":1}',
    run_id: '7',
    actor: `{"sealed":"${'0'.repeat(64)}"}`,
    reason: `{"sealed":"${'0'.repeat(64)}"}`,
    cost_usd: '[1]',
    mine: '{"a":1}',
    by: 'null',
  });
  const row = storedRow(Buffer.from(line));
  assert.ok(row !== undefined);
  const { agent, run_id: run, actor, reason, cost_usd: cost, mine, by } = row;
  assert.deepEqual([agent, run, actor], ['{"toString":1}', '7', `{"sealed":"${'0'.repeat(64)}"}`]);
  // A caller may seal a reason, and no actor.
  assert.deepEqual(reason, { sealed: '0'.repeat(64) });
  assert.deepEqual([cost, mine, by], [undefined, { a: 1 }, 'null']);
  for (const odd of ['"5"', '1e999', 'null', 'true', '{"sealed":"x"}']) {
    const told = storedRow(Buffer.from(forgedRow(SOUND, { cost_usd: odd, duration_ms: odd, by: undefined })));
    assert.deepEqual([told?.cost_usd, told?.duration_ms, told?.by], [undefined, undefined, ''], odd);
  }
});
