/** Rows that only the index knows to have been there are named in the ledger by whatever heal changes its end first. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { sweep } from '../../../src/services/sweep';
import { verifyLedger } from '../../../src/services/verify';
import { readHealPlan, writeHealPlan } from '../../../src/store/heal/healPlan';
import type { HealPlan, TornKind } from '../../../src/store/heal/healPlan';
import type { StatePaths } from '../../../src/store/paths';
import { chainOf, testPaths, writeLedger } from '../../support/ledgers';
import { rowsOf } from '../../support/miniVerifier';
import { statusesOf, tempFolder, writerIn } from '../../support/writers';

const placeOf = (dir: string) => ({ dir, configPath: undefined, env: { HOME: join(dir, '..') } });

/** Ten rows and the genesis row, an index of them, and where each line begins. */
async function indexed(t: TestContext): Promise<{ dir: string; paths: StatePaths; starts: readonly number[] }> {
  const dir = join(tempFolder(t), 'state');
  const chain = chainOf();
  for (let n = 0; n < 10; n++) chain.add({ action: 'a.b', run_id: 'r', n });
  const paths = writeLedger(dir, chain.lines);
  await sweep({ place: placeOf(dir), dryRun: false });
  const starts = chain.lines.map((_, i) => chain.lines.slice(0, i).reduce((sum, line) => sum + line.length + 1, 0));
  return { dir, paths, starts };
}

const lostOf = (paths: StatePaths): unknown[] =>
  rowsOf(paths.ledger).flatMap((row) => (row['action'] === 'audit.rows-lost' ? [row['payload']] : []));

async function assertGaps(paths: StatePaths, what: string): Promise<void> {
  const { verdict, findings } = await verifyLedger({ paths });
  assert.deepEqual([verdict, findings.filter(({ code }) => code !== 'GAP')], ['gaps', []], what);
}

test('the row before the lost ones lacks its newline: append and sweep name them both', async (t) => {
  const { dir, paths, starts } = await indexed(t);
  const { hash } = rowsOf(paths.ledger).at(-1) as { hash: string };
  truncateSync(paths.ledger, (starts.at(-1) as number) - 1);
  for (const name of ['append', 'sweep']) {
    const copy = join(dir, '..', name);
    cpSync(dir, copy, { recursive: true });
    const there = testPaths(copy);
    if (name === 'append') assert.equal(statusesOf(await writerIn(t, copy).append({ action: 'b.c' })), 'landed');
    else assert.equal((await sweep({ place: placeOf(copy), dryRun: false })).verdict, 'damage');
    assert.deepEqual(lostOf(there), [{ from_seq: 11, to_seq: 11, head: hash }], name);
    await assertGaps(there, name);
  }
});

test('killed at any byte of the heal row, or of the one behind it that names them: told once, the index tells it no more', async (t) => {
  const { dir, paths, starts } = await indexed(t);
  truncateSync(paths.ledger, (starts.at(-2) as number) + 40);
  const index = readFileSync(paths.index);
  assert.equal((await sweep({ place: placeOf(dir), dryRun: false })).verdict, 'damage');
  const [heal, lost] = rowsOf(paths.ledger).slice(-2) as {
    id: string;
    seq: number;
    payload: Record<string, unknown>;
  }[];
  const healed = readFileSync(paths.ledger);
  const rowStart = starts.at(-2) as number;
  const { kind, offset, length, sha256 } = heal?.payload as {
    kind: TornKind;
    offset: number;
    length: number;
    sha256: string;
  };
  const {
    from_seq: fromSeq,
    to_seq: toSeq,
    head,
  } = lost?.payload as { from_seq: number; to_seq: number; head: string };
  const plan: HealPlan = {
    heal_id: heal?.id as string,
    kind,
    offset,
    length,
    sha256,
    seq: heal?.seq as number,
    lost: { fromSeq, toSeq, head },
  };
  for (let cut = 0; cut <= healed.length - rowStart; cut += cut < 3 ? 1 : 29) {
    const copy = join(dir, '..', `cut-${cut}`);
    cpSync(dir, copy, { recursive: true });
    const there = testPaths(copy);
    writeFileSync(there.ledger, healed.subarray(0, rowStart + cut));
    writeFileSync(there.index, index);
    writeHealPlan(there, plan);
    assert.equal(statusesOf(await writerIn(t, copy).append({ action: 'b.c' })), 'landed', `cut at ${cut}`);
    assert.deepEqual(lostOf(there), [lost?.payload], `cut at ${cut}`);
    assert.equal(readHealPlan(there), undefined);
    await assertGaps(there, `cut at ${cut}`);
  }
});

/**
 * A ledger whose end is as `tear` leaves it, whose index knows more, and which an append has healed: the first `from`
 * bytes, and everything behind them that the append wrote, up to the row of the caller.
 */
async function healedBy(t: TestContext, tear: (paths: StatePaths, starts: readonly number[]) => void) {
  const { dir, paths, starts } = await indexed(t);
  tear(paths, starts);
  const torn = join(dir, '..', 'torn');
  cpSync(dir, torn, { recursive: true });
  const base = readFileSync(paths.ledger);
  const writer = writerIn(t, dir);
  await writer.append({ action: 'b.c' });
  await writer.writer.close();
  const healed = readFileSync(paths.ledger);
  const rest = healed.subarray(0, healed.lastIndexOf(0x0a, healed.length - 2) + 1);
  return { torn, base, healed: rest };
}

test('killed at any byte of what names a missing newline and the rows behind it: told once, by one append', async (t) => {
  const { torn, base, healed } = await healedBy(t, (paths, starts) =>
    truncateSync(paths.ledger, (starts.at(-3) as number) - 1),
  );
  for (let cut = base.length; cut <= healed.length; cut += cut < base.length + 3 ? 1 : 23) {
    const copy = join(torn, '..', `newline-${cut}`);
    cpSync(torn, copy, { recursive: true });
    const there = testPaths(copy);
    writeFileSync(there.ledger, healed.subarray(0, cut));
    assert.equal(statusesOf(await writerIn(t, copy).append({ action: 'b.c' })), 'landed', `cut at ${cut}`);
    assert.equal(lostOf(there).length, 1, `cut at ${cut}`);
    await assertGaps(there, `cut at ${cut}`);
  }
});
