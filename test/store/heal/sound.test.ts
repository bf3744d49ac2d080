/** What verify names may be set aside by hand; what it does not may not. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ZERO_HASH } from '../../../src/core/digest';
import { setAsideLine } from '../../../src/services/setAside';
import { verifyLedger } from '../../../src/services/verify';
import { forgedRow } from '../../support/forgedRows';
import type { ForgedMembers } from '../../support/forgedRows';
import { chainOf, setLineAside, writeLedger } from '../../support/ledgers';
import { tempFolder } from '../../support/writers';

function soundLines(): readonly string[] {
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r', payload: { n: 1 } });
  return chain.lines;
}

const SOUND = soundLines();
const R_HEAD = (JSON.parse(SOUND[1] as string) as { hash: string }).hash;
const NAMED: Readonly<Record<string, ForgedMembers>> = {
  'a payload without its hash': { payload: '{"a":1}' },
  'another content_hash': { payload: '{"a":1}', content_hash: `"${ZERO_HASH}"` },
  'a run that begins with its seventh row': { run_id: '"new"', run_seq: '7', run_prev_hash: `"${ZERO_HASH}"` },
  'a link to another row of the run': { run_id: '"r"', run_seq: '2', run_prev_hash: `"${ZERO_HASH}"` },
  'a run without a place in it': { run_id: '"r"' },
  'an id that does not grow': { id: '"01ARZ3NDEKTSV4RRFFQ69G5FAV"' },
  'an action twice': { action: '"a.b","action":"c.d"' },
};
const NOT_NAMED: Readonly<Record<string, ForgedMembers>> = {
  'the next row of its run': { run_id: '"r"', run_seq: '2', run_prev_hash: `"${R_HEAD}"` },
  'the first row of a decision': { decision_id: '"d"', decision_seq: '1', decision_prev_hash: `"${ZERO_HASH}"` },
  'a clock that went back': { ts: '"2020-01-01T00:00:00.000Z"' },
};
const LATER = { seq: '4', id: '"01M9ZZZZZZZZZZZZZZZZZZZZZZ"' };

for (const isLast of [true, false]) {
  const where = isLast ? 'at the end' : 'in the middle';
  const withForged = (dir: string, members: ForgedMembers) => {
    const forged = [...SOUND, forgedRow(SOUND, members)];
    const paths = writeLedger(dir, isLast ? forged : [...forged, forgedRow(forged, LATER)]);
    const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
    const aside = () => setAsideLine({ place, target: '3', actor: 'alice', reason: 'forged' });
    return { aside, verdict: async () => (await verifyLedger({ paths, tailWaitMs: 0 })).verdict };
  };

  test(`a row that verify names ${where} can be set aside, and is a named gap from then on`, async (t) => {
    for (const [what, members] of Object.entries(NAMED)) {
      const { aside, verdict } = withForged(tempFolder(t), members);
      assert.equal(await verdict(), 'broken', what);
      assert.match((await aside()).detail, /row 3 is a named gap/, what);
      assert.equal(await verdict(), 'gaps', what);
    }
  });

  test(`a row on which verify names nothing that breaks is not set aside ${where}`, async (t) => {
    for (const [what, members] of Object.entries(NOT_NAMED)) {
      const { aside, verdict } = withForged(tempFolder(t), members);
      assert.equal(await verdict(), 'intact', what);
      await assert.rejects(aside(), /it is whole/, what);
    }
  });
}

test('a row whose stream lacks what a named gap holds is sound', async (t) => {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (let n = 0; n < 5; n++) chain.add({ action: 'a.b', run_id: 'r', n });
  const { lines } = setLineAside(dir, chain, 2);
  assert.match(lines[2] as string, /audit\.tombstone/);
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
  await assert.rejects(setAsideLine({ place, target: '4', actor: 'alice', reason: 'x' }), /it is whole/);
});
