/**
 * Rows that the index has seen and that have others in their place: named by the sweep that makes the index anew, and only
 * where the file proves that they are gone.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { hashOfLine } from '../../../src/core/chain';
import { setAsideLine } from '../../../src/services/setAside';
import { sweep } from '../../../src/services/sweep';
import { verify } from '../../../src/services/verify';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { openDatabase } from '../../../src/store/index/sqlite';
import type { StatePaths } from '../../../src/store/paths';
import { chainOf, sampleRows, TEST_START_MS, writeLedger } from '../../support/ledgers';
import { rowsOf } from '../../support/miniVerifier';
import { statusesOf, tempFolder, writerIn } from '../../support/writers';

const ROWS = 40;

/** A ledger of 41 rows and its index. */
async function indexed(t: TestContext) {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (const row of sampleRows(ROWS)) chain.add(row);
  const paths = writeLedger(dir, chain.lines);
  await rebuildIndex(paths);
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: join(dir, '.home') } };
  return { dir, chain, paths, place };
}

/** The same up to row `common`, then `more` other rows. */
function partedAt(common: number, more: number): string[] {
  const chain = chainOf();
  for (const row of sampleRows(common - 1)) chain.add(row);
  for (let n = 0; n < more; n++) chain.add({ action: 'b.c' });
  return chain.lines;
}

for (const [what, common, more] of [
  ['cut and grown over the cut', 36, 20],
  ['cut and grown to the same length', 36, 5],
  ['written again from row 2 on', 1, 80],
] as const) {
  test(`${what}: the sweep names the rows from where file and index part, once`, async (t) => {
    const { dir, chain, paths, place } = await indexed(t);
    writeLedger(dir, partedAt(common, more));
    const swept = await sweep({ place, dryRun: false });
    assert.deepEqual(
      [swept.verdict, swept.index, swept.damage.map((damage) => [damage.what, damage.outcome])],
      ['damage', 'rebuilt', [['rows-lost', 'healed']]],
    );
    const last = rowsOf(paths.ledger).at(-1);
    const payload = { from_seq: common + 1, to_seq: ROWS + 1, head: chain.head().hash };
    assert.deepEqual([last?.['action'], last?.['payload']], ['audit.rows-lost', payload]);
    assert.equal((await sweep({ place, dryRun: false })).verdict, 'clean');
    const { verdict, index, gaps } = await verify({ place });
    assert.deepEqual(
      [verdict, index, gaps.map(({ kind, from_seq, to_seq }) => [kind, from_seq, to_seq])],
      ['gaps', 'agrees', [['rows-lost', common + 1, ROWS + 1]]],
    );
  });
}

test('a sweep that was killed behind that row leaves the old index: the next one names nothing twice', async (t) => {
  const { dir, paths, place } = await indexed(t);
  const old = readFileSync(paths.index);
  writeLedger(dir, partedAt(36, 20));
  await sweep({ place, dryRun: false });
  const size = readFileSync(paths.ledger).length;
  writeFileSync(paths.index, old);
  const { index } = await sweep({ place, dryRun: false });
  assert.deepEqual([index, readFileSync(paths.ledger).length], ['rebuilt', size]);
});

test('a row that was altered with its own hash made right is damage: those behind it are there', async (t) => {
  const { dir, chain, place } = await indexed(t);
  const forged = chainOf();
  for (const [i, row] of sampleRows(ROWS).entries()) forged.add(i === 8 ? { ...row, reason: 'forged' } : row);
  writeLedger(
    dir,
    chain.lines.map((line, i) => (i === 9 ? (forged.lines[9] as string) : line)),
  );
  const { damage } = await sweep({ place, dryRun: false });
  assert.deepEqual(
    damage.map(({ what }) => what),
    ['index-differs'],
  );
  const { verdict, gaps } = await verify({ place });
  assert.deepEqual([verdict, gaps], ['broken', []]);
});

test('an index whose last hash is damaged, or that is of another ledger, proves no loss', async (t) => {
  const { dir, paths, place } = await indexed(t);
  const database = openDatabase(paths.index, { readOnly: false, busyMs: 0 });
  database.exec('UPDATE watermark SET hash = hex(zeroblob(32))');
  database.close();
  const damaged = await sweep({ place, dryRun: false });
  const other = chainOf({ identity: { ledgerId: '01JOTHEROTHEROTHEROTHEROTH', origin: 'x', lock: 'kernel' } });
  for (const row of sampleRows(60)) other.add(row);
  writeLedger(dir, other.lines);
  const replaced = await sweep({ place, dryRun: false });
  assert.deepEqual(
    [damaged, replaced].map(({ damage }) => damage.map(({ what }) => what)),
    [['index-differs'], ['index-differs']],
  );
  assert.equal((await verify({ place })).verdict, 'intact');
});

const seqsOf = (paths: StatePaths): [unknown, unknown][] =>
  readFileSync(paths.ledger, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"audit.rows-lost"'))
    .map((line) => (JSON.parse(line) as { payload: Record<string, unknown> }).payload)
    .map(({ from_seq, to_seq }) => [from_seq, to_seq]);

/** Another reason in a row: its hash is wrong. */
const altered = (line: string): string => line.replace('status=green', 'status=red');

/** The same with its own hash right: the row behind it does not link to it. */
function forged(line: string): string {
  const changed = altered(line).slice(0, -66);
  return `${changed}${hashOfLine(Buffer.from(`${changed}${'0'.repeat(64)}"}`))}"}`;
}

type Edit = (lines: string[]) => string[];
const GROWN = partedAt(36, 20);
const CUT = partedAt(ROWS + 1, 0);

/** What was done to the file besides, and which rows are gone. */
const DAMAGED: readonly (readonly [string, Edit, number, number])[] = [
  ['grown over, an empty line put in before', () => GROWN.toSpliced(1, 0, ''), 37, 41],
  ['grown over, junk put in where they part', () => GROWN.toSpliced(36, 0, ...Array<string>(9).fill('junk')), 37, 41],
  ['the last row replaced, junk put in before it', () => partedAt(40, 3).toSpliced(40, 0, 'junk'), 41, 41],
  ['grown over, the row where the index ends broken', () => GROWN.with(40, 'garbage'), 37, 41],
  ['grown over, the first other row broken', () => GROWN.with(36, 'garbage'), 38, 41],
  ['grown over, a row before altered', () => GROWN.with(2, altered(GROWN[2] as string)), 37, 41],
  ['grown over, a row before repeated', () => GROWN.toSpliced(9, 0, GROWN[7] as string), 37, 41],
  ['grown over, a row before altered and hashed', () => GROWN.with(5, forged(GROWN[5] as string)), 37, 41],
  ['cut, an empty line put in before', (lines) => lines.slice(0, 40).toSpliced(1, 0, ''), 41, 41],
  ['cut, a row before altered', (lines) => lines.slice(0, 38).with(2, altered(lines[2] as string)), 39, 41],
  ['cut, a row before altered and hashed', (lines) => lines.slice(0, 38).with(5, forged(lines[5] as string)), 39, 41],
];

for (const [what, edit, from, to] of DAMAGED) {
  test(`${what}: the rows that are gone are named, and no others`, async (t) => {
    const { dir, paths, place } = await indexed(t);
    const looked = writeLedger(dir, edit(CUT));
    const dry = await sweep({ place, dryRun: true });
    assert.ok(
      dry.damage.some((damage) => damage.what === 'rows-lost'),
      JSON.stringify(dry.damage),
    );
    await sweep({ place, dryRun: false });
    assert.deepEqual(seqsOf(looked), [[from, to]]);
    await sweep({ place, dryRun: false });
    assert.deepEqual(seqsOf(paths), [[from, to]], 'once');
    assert.notEqual((await verify({ place })).verdict, 'intact');
  });
}

test('a last row that is set aside takes no evidence with it: cut rows, and rows that others stand in the place of', async (t) => {
  for (const [lines, seq, from] of [
    [CUT.slice(0, 18).with(-1, altered(CUT[17] as string)), 18, 19],
    [GROWN.with(-1, (GROWN.at(-1) as string).replace('b.c', 'b.d')), 56, 37],
  ] as const) {
    const { dir, paths, place } = await indexed(t);
    writeLedger(dir, lines);
    assert.equal((await sweep({ place, dryRun: false })).index, 'not-checked');
    await setAsideLine({ place, target: String(seq), actor: 'alice', reason: 'edited' });
    assert.deepEqual(seqsOf(paths), [[from, 41]]);
    assert.equal((await sweep({ place, dryRun: false })).verdict, 'clean');
    const { verdict, gaps } = await verify({ place });
    assert.deepEqual([verdict, gaps.map(({ kind }) => kind)], ['gaps', ['set-aside', 'rows-lost']]);
  }
});

test('a writer that misses its own last row names what the index misses with it', async (t) => {
  const { dir, paths, place } = await indexed(t);
  const writer = writerIn(t, dir);
  await writer.append({ action: 'x.y' });
  await sweep({ place, dryRun: false });
  writeLedger(dir, partedAt(30, 20));
  assert.equal(statusesOf(await writer.append({ action: 'x.z' })), 'landed');
  assert.deepEqual(seqsOf(paths), [[31, 42]]);
  await writer.writer.close();
  await sweep({ place, dryRun: false });
  assert.deepEqual(seqsOf(paths), [[31, 42]]);
});

test('a row that names an older loss, and that the index knows, does not name a later one', async (t) => {
  const { dir, paths, place } = await indexed(t);
  const again = (ts: number): string[] => {
    const chain = chainOf();
    for (const row of sampleRows(35)) chain.add(row);
    chain.addOwn('audit.rows-lost', { from_seq: 37, to_seq: 41, head: 'f'.repeat(64) }, { tsMs: TEST_START_MS + ts });
    chain.add({ action: 'b.c', cost_usd: ts });
    return chain.lines;
  };
  writeLedger(dir, again(90_000));
  await rebuildIndex(paths);
  writeLedger(dir, again(95_000));
  await sweep({ place, dryRun: false });
  assert.deepEqual(seqsOf(paths), [
    [37, 41],
    [37, 38],
  ]);
});

test('a loss is named once, however far the file has grown behind the row that names it', async (t) => {
  const { dir, paths, place } = await indexed(t);
  const old = readFileSync(paths.index);
  writeLedger(dir, partedAt(36, 300));
  await sweep({ place, dryRun: false });
  const writer = writerIn(t, dir);
  for (let n = 0; n < 3; n++) await writer.append(...Array.from({ length: 500 }, () => ({ action: 'b.c' })));
  await writer.writer.close();
  rmSync(paths.index);
  writeFileSync(paths.index, old);
  assert.equal((await sweep({ place, dryRun: false })).index, 'rebuilt');
  assert.deepEqual(seqsOf(paths), [[37, 41]]);
});

test('a last line that says another seq, is a copy of an older row or has white space around it widens no loss', async (t) => {
  const last = CUT.at(-1) as string;
  for (const [what, line, lost] of [
    ['another seq', last.replace('{"seq":41,', '{"seq":3,'), []],
    ['a copy', CUT[2] as string, [[41, 41]]],
    ['white space', ` ${last}`, []],
  ] as const) {
    const { dir, paths, place } = await indexed(t);
    writeLedger(dir, CUT.with(-1, line));
    await setAsideLine({ place, target: 'line:41', actor: 'alice', reason: 'edited' });
    assert.deepEqual(seqsOf(paths), lost, what);
    assert.equal((await verify({ place })).verdict, 'gaps', what);
  }
});

test('lines torn where the index ends are named by their heal alone', async (t) => {
  const { dir, paths, place } = await indexed(t);
  const lines = partedAt(ROWS + 1, 2);
  const merged = `${(lines[39] as string).slice(0, 100)}\u0001${(lines[40] as string).slice(200)}`;
  writeLedger(dir, lines.toSpliced(39, 2, merged));
  await sweep({ place, dryRun: false });
  assert.deepEqual(seqsOf(paths), []);
  const { gaps } = await verify({ place });
  assert.deepEqual(
    gaps.map(({ kind, from_seq, to_seq }) => [kind, from_seq, to_seq]),
    [['tombstone', 40, 41]],
  );
});

test('an index that another process holds is neither made anew nor made void before it was asked', async (t) => {
  for (const lines of [GROWN, GROWN.with(2, 'junk')]) {
    const { dir, paths, place } = await indexed(t);
    writeLedger(dir, lines);
    const old = readFileSync(paths.index);
    const other = openDatabase(paths.index, { readOnly: false, busyMs: 0 });
    other.exec('BEGIN EXCLUSIVE');
    const held = await sweep({ place, dryRun: false });
    assert.deepEqual([held.index, readFileSync(paths.index).equals(old), seqsOf(paths)], ['busy', true, []]);
    other.exec('ROLLBACK');
    other.close();
    assert.equal((await sweep({ place, dryRun: false })).verdict, 'damage');
    assert.deepEqual(seqsOf(paths), [[37, 41]]);
  }
});
