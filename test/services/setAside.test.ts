/** A line that a person set aside is told for ever: verify never calls that ledger intact again, whether a row is missing or not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { hashOfLine } from '../../src/core/chain';
import { setAsideLine } from '../../src/services/setAside';
import { verifyLedger } from '../../src/services/verify';
import { rebuildIndex } from '../../src/store/index/indexBuild';
import { chainOf, writeLedger } from '../support/ledgers';
import { rowsOf } from '../support/miniVerifier';
import { statusesOf, tempFolder, writerIn } from '../support/writers';

const PLACES = { 'in the middle': 3, 'before the last row': 4, 'at the end': 5 } as const;

function replayed(t: TestContext, index: number) {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (let n = 0; n < 4; n++) chain.add({ action: 'a.b', run_id: 'r', n });
  const copy = chain.lines[2] as string;
  const lines = chain.lines.toSpliced(index, 0, copy);
  const paths = writeLedger(dir, lines);
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
  const aside = () => setAsideLine({ place, target: `line:${index + 1}`, actor: 'alice', reason: 'replayed' });
  return { dir, chain, paths, aside };
}

for (const [at, index] of Object.entries(PLACES)) {
  test(`a replayed line ${at} is set aside: no row is missing, and the verdict is gaps from then on`, async (t) => {
    const { dir, chain, paths, aside } = replayed(t, index);
    assert.equal((await verifyLedger({ paths })).verdict, 'broken');
    assert.match((await aside()).detail, /no row is missing/);
    const own = rowsOf(paths.ledger).at(-1) as {
      action: string;
      seq: number;
      id: string;
      payload: { missing: number };
    };
    assert.deepEqual([own.action, own.seq, own.payload.missing], ['audit.set-aside', 6, 0]);
    assert.deepEqual(
      readFileSync(paths.ledger, 'utf8').split('\n').slice(0, 5),
      chain.lines,
      'every other byte unchanged',
    );
    assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'a.b', run_id: 'r' })), 'landed');
    const result = await verifyLedger({ paths });
    assert.deepEqual([result.verdict, result.chain, result.streams], ['gaps', 'gaps', 'intact']);
    assert.deepEqual(
      result.findings.map(({ code, seq }) => [code, seq]),
      [['GAP', 6]],
    );
    assert.match(result.findings[0]?.got ?? '', /set aside by hand.*row 6.*no row is missing/);
    const [gap] = result.gaps;
    assert.deepEqual([gap?.kind, gap?.named_by_seq, gap?.heal_id], ['set-aside', 6, own.id]);
    assert.equal((gap?.to_seq ?? 0) - (gap?.from_seq ?? 0) + 1, 0, 'a gap of no rows');
    const python = spawnSync('python3', [resolve(__dirname, '../../docs/verify.py'), paths.ledger]);
    if (python.error === undefined) assert.equal(python.status, 3, String(python.stdout));
  });
}

test('ids go on growing over a replayed last line, also with a clock that was set back', async (t) => {
  const { dir, paths, aside } = replayed(t, PLACES['at the end']);
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2020, 0, 1) });
  await aside();
  await writerIn(t, dir).append({ action: 'a.b' });
  assert.equal((await verifyLedger({ paths })).verdict, 'gaps');
});

test('a changed last row is not taken for a replay: the row that it was is missing', async (t) => {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (let n = 0; n < 4; n++) chain.add({ action: 'a.b', run_id: 'r', n });
  const paths = writeLedger(dir, chain.lines.with(-1, (chain.lines.at(-1) as string).replace('"n":3', '"n":7')));
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
  const taken = await setAsideLine({ place, target: 'line:5', actor: 'alice', reason: 'changed' });
  assert.match(taken.detail, /row 5 is a named gap/);
  const result = await verifyLedger({ paths });
  assert.deepEqual([result.verdict, result.gaps.length], ['gaps', 1]);
});

test('rows that only the index knows are named before the last row is judged: nothing links to what goes', async (t) => {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (let n = 0; n < 8; n++) chain.add({ action: 'a.b', run_id: 'r', n });
  const paths = writeLedger(dir, chain.lines);
  await rebuildIndex(paths);
  const altered = (chain.lines[5] as string).replace('"run_seq":5', '"run_seq":7');
  const hash = hashOfLine(Buffer.from(altered));
  writeLedger(dir, [...chain.lines.slice(0, 5), `${altered.slice(0, -66)}${hash}"}`]);
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
  const taken = await setAsideLine({ place, target: '6', actor: 'alice', reason: 'out of its stream' });
  assert.match(taken.detail, /row 6 is a named gap/);
  const { verdict, chain: links, gaps } = await verifyLedger({ paths });
  assert.deepEqual(
    [verdict, links, gaps.map(({ kind, from_seq, to_seq }) => [kind, from_seq, to_seq])],
    [
      'gaps',
      'gaps',
      [
        ['set-aside', 6, 6],
        ['rows-lost', 6, 9],
      ],
    ],
  );
});
