/** Torn bytes can spell what no row can hold. A heal row that cannot be made would block every writer: it always can. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { sha256Hex } from '../../../src/core/digest';
import { sweep } from '../../../src/services/sweep';
import { verifyLedger } from '../../../src/services/verify';
import { lastIdIn } from '../../../src/store/read/tail';
import { chainOf, writeLedger } from '../../support/ledgers';
import { rowsOf } from '../../support/miniVerifier';
import { tornEnds } from '../../support/tornEnds';
import { statusesOf, tempFolder, writerIn } from '../../support/writers';

const OVERFLOWING = Buffer.from('{"action":"x","cost_usd":1e999,"agent":"a');
const RUNS = { numRuns: 40, examples: [[OVERFLOWING]] as [Buffer][] };

function ledgerOf(t: TestContext, lines: readonly string[]) {
  const dir = join(tempFolder(t), 'state');
  return { dir, paths: writeLedger(dir, lines) };
}

function chainLines(): string[] {
  const chain = chainOf();
  for (let n = 0; n < 4; n++) chain.add({ action: 'a.b', run_id: 'r', n });
  return chain.lines;
}

interface HealRow {
  readonly id: string;
  readonly action: string;
  readonly payload: { readonly kind: string; readonly original: object };
}

test('at the end: the next append heals them, whatever they spell', async (t) => {
  const { dir, paths } = ledgerOf(t, chainLines());
  const writer = writerIn(t, dir);
  await fc.assert(
    fc.asyncProperty(tornEnds, async (bytes) => {
      appendFileSync(paths.ledger, bytes);
      assert.equal(statusesOf(await writer.append({ action: 'b.c' })), 'landed');
      const heal = rowsOf(paths.ledger).at(-2) as unknown as HealRow;
      assert.equal(heal.action, 'audit.heal-truncation');
      assert.ok(readFileSync(join(paths.quarantine, `${heal.id}.bin`)).equals(bytes));
      assert.ok(!existsSync(paths.healPlan));
    }),
    RUNS,
  );
  const { verdict, findings } = await verifyLedger({ paths, strict: true });
  assert.deepEqual([verdict, findings], ['intact', []]);
});

test('in the middle: a sweep puts a named gap in their place', async (t) => {
  const lines = chainLines();
  await fc.assert(
    fc.asyncProperty(tornEnds, async (bytes) => {
      const { dir, paths } = ledgerOf(t, lines.with(2, bytes.toString('latin1')));
      const place = { dir, configPath: undefined, env: { HOME: join(dir, '..') } };
      await sweep({ place, dryRun: false });
      const { verdict, findings } = await verifyLedger({ paths });
      assert.deepEqual([verdict, findings.map(({ code }) => code)], ['gaps', ['GAP']]);
      assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'b.c' })), 'landed');
    }),
    { ...RUNS, numRuns: 8 },
  );
});

test('a last row without its newline: what the heal row repeats of it is as short, and can stand in a row', async (t) => {
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r'.repeat(5000), agent: 'a', cost_usd: 0.5 });
  // Nothing keeps another program from writing this with a right hash.
  const forged = chain.lines
    .at(-1)
    ?.replace(/"agent":"a"|"cost_usd":0.5/g, (member) =>
      member.startsWith('"agent"') ? '"agent":"\\ud800"' : '"cost_usd":1e999',
    ) as string;
  const hash = sha256Hex(forged.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}'));
  for (const last of [chain.lines.at(-1) as string, forged.replace(/[0-9a-f]{64}"\}$/, `${hash}"}`)]) {
    const { dir, paths } = ledgerOf(t, chain.lines.with(-1, last));
    truncateSync(paths.ledger, statSync(paths.ledger).size - 1);
    assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'b.c' })), 'landed');
    const { payload } = rowsOf(paths.ledger).at(-2) as unknown as HealRow;
    const { ts, id, seq, action } = rowsOf(paths.ledger)[1] as unknown as Record<string, unknown>;
    const more = last === chain.lines.at(-1) ? { agent: 'a', cost_usd: 0.5 } : {};
    assert.deepEqual([payload.kind, payload.original], ['newline', { ts, action, id, seq, ...more }]);
  }
});

test('a tombstone that lacks its newline gets it: nothing is written behind it on its line', async (t) => {
  const { dir, paths } = ledgerOf(t, chainLines().with(3, 'garbage'));
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: join(dir, '.home') } };
  await sweep({ place, dryRun: false });
  const text = readFileSync(paths.ledger, 'utf8');
  truncateSync(paths.ledger, text.indexOf('\n', text.indexOf('"audit.tombstone"')));
  const writer = writerIn(t, dir);
  for (let n = 0; n < 2; n++) assert.equal(statusesOf(await writer.append({ action: 'b.c' })), 'landed');
  const actions = readFileSync(paths.ledger, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(3)
    .map((line) => (JSON.parse(line) as { action: string }).action);
  assert.deepEqual(
    actions.filter((action) => action !== 'audit.rows-lost'),
    ['audit.tombstone', 'audit.heal-truncation', 'b.c', 'b.c'],
  );
});

test('an empty first line before what is no row has no id, and an answer', () => {
  assert.equal(lastIdIn(Buffer.from('\n{}\n')), '');
  assert.equal(lastIdIn(Buffer.from('\n')), '');
});
