/** Lines are taken out of the middle only where what stands around them tells what is missing; every other byte stays. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { IndexKeeper } from '../../../src/store/index/indexKeeper';
import type { LedgerFile } from '../../../src/store/ledger/ledger';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import { Kept } from '../../../src/store/append/kept';
import { Recent } from '../../../src/store/append/recent';
import { takeOut } from '../../../src/store/heal/takeOut';
import type { TakenOut } from '../../../src/store/heal/takeOut';
import { chainOf, writeLedger } from '../../support/ledgers';
import { rowsOf } from '../../support/miniVerifier';
import { statusesOf, tempFolder, writerIn } from '../../support/writers';

const SILENT = { onHeal: () => undefined, onRowsLost: () => undefined, onOtherLedger: () => undefined };

/** A ledger of these lines, and what takes lines `from` to `to` (from 0, `to` excluded) out of it. */
function made(t: TestContext, lines: readonly string[]) {
  const dir = tempFolder(t);
  const chain = chainOf();
  const paths = writeLedger(dir, lines);
  const index = new IndexKeeper(paths, () => undefined);
  const { identity } = chain;
  const kept = new Kept(paths);
  t.after(() => kept.close());
  const file: LedgerFile = { paths, identity, host: nodeHost(), durability: 'disk', recent: new Recent(), index, kept };
  const offsetOf = (line: number): number =>
    lines.slice(0, line).reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  const take = (from: number, to: number, byHand?: { actor: string; reason: string }): Promise<TakenOut> => {
    const { ino } = statSync(paths.ledger);
    const range = { ino, offset: offsetOf(from), length: offsetOf(to) - offsetOf(from) };
    return takeOut(file, byHand === undefined ? range : { ...range, byHand }, SILENT);
  };
  return { dir, paths, take };
}

function chainLines(rows: number): string[] {
  const chain = chainOf();
  for (let n = 0; n < rows; n++) chain.add({ action: 'a.b', run_id: 'r', n });
  return chain.lines;
}

test('a broken line leaves a named gap; the bytes around it and its own are kept', async (t) => {
  const lines = chainLines(5);
  const broken = lines.with(2, '\0\0garbage');
  const { dir, paths, take } = made(t, broken);
  const taken = await take(2, 3);
  assert.deepEqual([taken.kind, 'seq' in taken && taken.seq, 'missing' in taken && taken.missing], ['taken-out', 3, 1]);
  const after = readFileSync(paths.ledger, 'utf8').split('\n');
  const tombstone = JSON.parse(after[2] as string) as Record<string, unknown>;
  assert.deepEqual([tombstone['action'], tombstone['seq'], tombstone['last_seq']], ['audit.tombstone', 3, undefined]);
  assert.deepEqual(after.slice(0, 6).toSpliced(2, 1), lines.toSpliced(2, 1), 'every other byte unchanged');
  const heal = rowsOf(paths.ledger).at(-1) as { action: string; id: string };
  assert.deepEqual([heal.action, heal.id], ['audit.heal-truncation', tombstone['heal_id']]);
  assert.equal(readFileSync(join(paths.quarantine, `${heal.id}.bin`), 'utf8'), '\0\0garbage\n');
  assert.ok(!existsSync(paths.healPlan));
  assert.equal(statSync(paths.ledger).mode & 0o777, 0o600);
  assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'a.b' })), 'landed');
});

test('several broken lines are one gap; junk between rows that link is none', async (t) => {
  const lines = chainLines(6);
  const gap = made(t, [...lines.slice(0, 2), 'x', 'y', ...lines.slice(4)]);
  const taken = await gap.take(2, 4);
  assert.ok(taken.kind === 'taken-out');
  assert.deepEqual([taken.seq, taken.lastSeq, taken.missing], [3, 4, 2]);
  const junk = made(t, [...lines.slice(0, 3), 'junk', ...lines.slice(3)]);
  const removed = await junk.take(3, 4);
  assert.ok(removed.kind === 'taken-out' && removed.missing === 0);
  assert.deepEqual(readFileSync(junk.paths.ledger, 'utf8').split('\n').slice(0, 7), lines);
});

test('what is around the lines must tell what is missing: else they are evidence, and stay', async (t) => {
  const lines = chainLines(6);
  const cases: readonly (readonly string[])[] = [
    // The row after does not link to the row before though none is missing.
    [...lines.slice(0, 2), 'junk', lines[3]?.replace('"seq":4', '"seq":3') ?? '', ...lines.slice(4)],
    // The row after comes from before.
    [...lines.slice(0, 4), 'junk', lines[2] as string],
  ];
  for (const [i, broken] of cases.entries()) {
    const { paths, take } = made(t, broken);
    const before = readFileSync(paths.ledger);
    const at = broken.indexOf('junk');
    const taken = await take(at, at + 1).catch((error: Error) => ({ kind: 'kept', why: error.message }));
    assert.equal(taken.kind, 'kept', `case ${i}`);
    assert.ok(readFileSync(paths.ledger).equals(before), 'not a byte was changed');
  }
});

test('a complete last line is taken out by hand alone, with who and why', async (t) => {
  const lines = chainLines(3);
  const forged = (lines.at(-1) as string).replace('"n":2', '"n":7');
  const { dir, paths, take } = made(t, lines.with(-1, forged));
  assert.equal((await take(3, 4)).kind, 'moved', 'nothing torn is there');
  assert.equal((await take(3, 4, { actor: 'alice', reason: 'forged \u001b[31m' })).kind, 'taken-out');
  const row = rowsOf(paths.ledger).at(-1) as Record<string, unknown>;
  assert.deepEqual([row['action'], row['actor'], row['reason']], ['audit.set-aside', 'alice', 'forged \u001b[31m']);
  assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'a.b', run_id: 'r' })), 'landed');
  const ids = rowsOf(paths.ledger).flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
  assert.deepEqual(ids, ids.toSorted());
});

test('ids go on growing over a set-aside last row, also with a clock that was set back', async (t) => {
  const lines = chainLines(3);
  const forged = (lines.at(-1) as string).replace('"n":2', '"n":7');
  const { dir, paths, take } = made(t, lines.with(-1, forged));
  const now = Date.now;
  Date.now = () => Date.UTC(2020, 0, 1);
  try {
    await take(3, 4, { actor: 'alice', reason: 'forged' });
    await writerIn(t, dir, { nowMs: () => Date.UTC(2020, 0, 1) }).append({ action: 'a.b' });
  } finally {
    Date.now = now;
  }
  const ids = rowsOf(paths.ledger).flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
  assert.deepEqual(ids, ids.toSorted());
});

test('a row that was on its way to the disk when it was read is no broken line', async (t) => {
  const lines = chainLines(4);
  const { paths, take } = made(t, [...lines.slice(0, 2), lines[2]?.slice(0, 90) ?? '', '']);
  const whole = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  writeFileSync(paths.ledger, whole);
  assert.equal((await take(2, 3)).kind, 'moved');
  assert.ok(readFileSync(paths.ledger).equals(whole));
});

test('a file that was written to meanwhile is looked at again', async (t) => {
  const lines = chainLines(4);
  const { paths, take } = made(t, lines.with(2, 'junk'));
  const whole = readFileSync(paths.ledger);
  writeFileSync(paths.ledger, whole.subarray(0, 200));
  const taken = await take(2, 3).catch((error: Error) => ({ kind: error.name }));
  assert.notEqual(taken.kind, 'taken-out');
});
