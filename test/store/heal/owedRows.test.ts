/** A heal of the middle that was left half-done is finished, whatever became of its files and of the end of the ledger meanwhile. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { sweep } from '../../../src/services/sweep';
import { setAsideLine } from '../../../src/services/setAside';
import { verifyLedger } from '../../../src/services/verify';
import { replacementPath } from '../../../src/store/heal/healMiddle';
import { readHealPlan, writeHealPlan } from '../../../src/store/heal/healPlan';
import type { HealPlan, TornKind } from '../../../src/store/heal/healPlan';
import type { StatePaths } from '../../../src/store/paths';
import { chainOf, testPaths, writeLedger } from '../../support/ledgers';
import { statusesOf, tempFolder, writerIn } from '../../support/writers';

interface Pending {
  readonly dir: string;
  readonly paths: StatePaths;
  readonly plan: HealPlan;
  /** The ledger with the broken line in it. */
  readonly broken: Buffer;
  /** The ledger that lacks the heal row, and the row. */
  readonly before: Buffer;
  readonly row: Buffer;
}

interface HealRow {
  readonly id: string;
  readonly seq: number;
  readonly payload: {
    readonly kind: TornKind;
    readonly offset: number;
    readonly length: number;
    readonly sha256: string;
    readonly seq: number;
    readonly last_seq: number;
  };
}

const placeOf = (dir: string) => ({ dir, configPath: undefined, env: { HOME: join(dir, '..') } });

function lastLine(bytes: Buffer): Buffer {
  return bytes.subarray(bytes.lastIndexOf(0x0a, bytes.length - 2) + 1);
}

/** A heal of line 3 of 6, killed between the replacement of the file and the heal row. */
async function pendingHeal(t: TestContext): Promise<Pending> {
  const dir = join(tempFolder(t), 'state');
  const chain = chainOf();
  for (let n = 0; n < 5; n++) chain.add({ action: 'a.b', run_id: 'r', n });
  const paths = writeLedger(dir, chain.lines.with(2, 'garbage'));
  const broken = readFileSync(paths.ledger);
  await sweep({ place: placeOf(dir), dryRun: false });
  const whole = readFileSync(paths.ledger);
  const row = lastLine(whole);
  const { id, payload } = JSON.parse(row.toString()) as HealRow;
  const { kind: torn, offset, length, sha256, seq, last_seq } = payload;
  const tombstone = whole.toString('utf8', offset, whole.indexOf(0x0a, offset));
  const plan: HealPlan = { heal_id: id, kind: 'middle', torn, offset, length, sha256, seq, last_seq, tombstone };
  return { dir, paths, plan, broken, before: whole.subarray(0, whole.length - row.length), row };
}

/** The same in a folder of its own, with these bytes for a ledger; the heal has made the index void by then. */
function copyOf({ dir }: Pending, name: string, bytes: Buffer, plan: HealPlan): { dir: string; paths: StatePaths } {
  const copy = join(dir, '..', name);
  cpSync(dir, copy, { recursive: true });
  const paths = testPaths(copy);
  rmSync(paths.index, { force: true });
  writeFileSync(paths.ledger, bytes);
  writeHealPlan(paths, plan);
  return { dir: copy, paths };
}

/** One append puts it right: gaps that are named, no finding, no plan left. */
async function assertHealed(t: TestContext, dir: string, paths: StatePaths, what: string, named = 1): Promise<void> {
  assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'b.c' })), 'landed', what);
  assert.equal(existsSync(paths.healPlan), false, what);
  const { verdict, findings, gaps } = await verifyLedger({ paths });
  assert.deepEqual([verdict, findings.filter(({ code }) => code !== 'GAP'), gaps.length], ['gaps', [], named], what);
}

/** Every 23rd byte, and both ends. */
const cutsOf = (length: number): number[] =>
  [...new Set([0, 1, length - 1, length, ...Array.from({ length: Math.ceil(length / 23) }, (_, i) => i * 23)])].sort(
    (a, b) => a - b,
  );

test('what another process copied is copied again: a power cut may have left zeros in the length of the rows', async (t) => {
  const pending = await pendingHeal(t);
  const { broken, plan } = pending;
  const { dir, paths } = copyOf(pending, 'zeros', broken, plan);
  writeFileSync(replacementPath(paths, plan.heal_id), Buffer.alloc(plan.offset));
  await assertHealed(t, dir, paths, 'zeros');
  assert.ok(readFileSync(paths.ledger).subarray(0, plan.offset).equals(broken.subarray(0, plan.offset)));
});

test('a heal row that a power cut tore, at any byte', async (t) => {
  const pending = await pendingHeal(t);
  const { before, row, plan } = pending;
  for (const cut of cutsOf(row.length)) {
    const bytes = Buffer.concat([before, row.subarray(0, cut)]);
    const { dir, paths } = copyOf(pending, `cut-${cut}`, bytes, plan);
    await assertHealed(t, dir, paths, `cut at ${cut}`);
  }
  for (const tail of ['\0'.repeat(4096), 'noise', '{"seq":7}\n'.slice(0, -2)]) {
    const { dir, paths } = copyOf(pending, `tail-${tail.length}`, Buffer.concat([before, Buffer.from(tail)]), plan);
    await assertHealed(t, dir, paths, tail.slice(0, 10));
  }
});

for (const lost of [undefined, { fromSeq: 7, toSeq: 8, head: 'f'.repeat(64) }]) {
  test(`and the rows of the heal of that heal, torn again${lost === undefined ? '' : ', which tells of lost rows'}`, async (t) => {
    const pending = await pendingHeal(t);
    const torn = Buffer.concat([pending.before, pending.row.subarray(0, 40)]);
    const owed: HealPlan = lost === undefined ? pending.plan : { ...pending.plan, lost };
    const once = copyOf(pending, 'once', torn, owed);
    await sweep({ place: placeOf(once.dir), dryRun: false });
    const healed = readFileSync(once.paths.ledger);
    const { id, seq, payload } = JSON.parse(lastLine(healed).toString()) as HealRow;
    const { kind, offset, length, sha256 } = payload;
    assert.equal(offset, pending.before.length);
    const plan: HealPlan = { heal_id: id, kind, offset, length, sha256, seq, owed };
    for (const cut of [...cutsOf(healed.length - offset), pending.row.length]) {
      const { dir, paths } = copyOf(
        { ...pending, dir: once.dir },
        `again-${cut}`,
        healed.subarray(0, offset + cut),
        plan,
      );
      await assertHealed(t, dir, paths, `cut at ${cut}`, lost === undefined ? 1 : 2);
    }
  });
}

test('a last row that is tampered with blocks it until a person sets that row aside: both are named', async (t) => {
  const pending = await pendingHeal(t);
  const tampered = Buffer.from(pending.before.toString().replace(/("n":)4/, '$19'));
  assert.notDeepEqual(tampered, pending.before);
  const { dir, paths } = copyOf(pending, 'tampered', tampered, pending.plan);
  const size = statSync(paths.ledger).size;
  assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'b.c' })), 'spilled');
  const { damage } = await sweep({ place: placeOf(dir), dryRun: false });
  assert.deepEqual(
    damage.map(({ what, outcome }) => [what, outcome]),
    [['tampered-tail', 'kept']],
  );
  assert.equal(statSync(paths.ledger).size, size, 'evidence is not touched');
  await setAsideLine({ place: placeOf(dir), target: '6', actor: 'auditor', reason: 'edited by hand' });
  const { verdict, gaps, findings } = await verifyLedger({ paths });
  assert.deepEqual(
    [verdict, gaps.map(({ from_seq }) => from_seq), findings.filter(({ code }) => code !== 'GAP')],
    ['gaps', [3, 6], []],
  );
  assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'b.c' })), 'landed');
});

test('a plan that cannot be finished is dropped, the heal that it owes is not', async (t) => {
  const pending = await pendingHeal(t);
  const plan: HealPlan = { ...pending.plan, heal_id: '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', offset: 7, owed: pending.plan };
  const { dir, paths } = copyOf(pending, 'dropped', pending.before, plan);
  const { damage } = await sweep({ place: placeOf(dir), dryRun: false });
  assert.deepEqual(
    damage.map(({ what }) => what),
    ['broken-plan', 'pending-heal'],
  );
  assert.equal(readHealPlan(paths), undefined);
  await assertHealed(t, dir, paths, 'dropped');
});

const LOST = { fromSeq: 7, toSeq: 8, head: 'f'.repeat(64) };

test('a torn row behind the heal row, which was to name lost rows: its id is not behind that of the heal of the tear', async (t) => {
  const pending = await pendingHeal(t);
  const bytes = Buffer.concat([pending.before, pending.row, Buffer.from('{"seq":8,"ts":"2026')]);
  for (let n = 0; n < 6; n++) {
    const { dir, paths } = copyOf(pending, `behind-${n}`, bytes, { ...pending.plan, lost: LOST });
    await assertHealed(t, dir, paths, 'torn behind the heal row', 2);
  }
});

test('a tampered last row that is set aside by a clock that went back: no id is given out twice', async (t) => {
  const pending = await pendingHeal(t);
  const tampered = Buffer.from(pending.before.toString().replace(/("n":)4/, '$19'));
  const { dir, paths } = copyOf(pending, 'clock', tampered, { ...pending.plan, lost: LOST });
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2020, 0, 1) });
  await setAsideLine({ place: placeOf(dir), target: '6', actor: 'auditor', reason: 'edited by hand' });
  const { verdict, findings } = await verifyLedger({ paths });
  assert.deepEqual([verdict, findings.filter(({ code }) => code !== 'GAP' && code !== 'TIME_SUSPECT')], ['gaps', []]);
  assert.equal(readHealPlan(paths), undefined);
  assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'b.c' })), 'landed');
});
