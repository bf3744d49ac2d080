/** Heads in files elsewhere: whole or not at all, never over a newer head or another's, and told when they disagree. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { anchorKey } from '../../../src/core/anchor/anchorRow';
import { anchorName } from '../../../src/core/anchor/target';
import type { AnchorTarget } from '../../../src/core/anchor/target';
import { toJson } from '../../../src/core/json';
import { checkRow } from '../../../src/core/row';
import { Writer } from '../../../src/store/append/writer';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import { treeHeadText } from '../../../src/core/note/checkpoint';
import { formatNote } from '../../../src/core/note/note';
import { anchorTargets } from '../../../src/store/anchor/targets';
import { pendingAnchors } from '../../../src/store/anchor/anchors';
import { anchorAt, judgeAt, outcomeOf } from '../../support/anchors';
import { headedLedger, quiet, signedNote, TEST_ORIGIN, testKey } from '../../support/heads';

const isRoot = process.geteuid?.() === 0;

test('a file holds the newest head; a row says so, once', async (t) => {
  const ledger = headedLedger(t);
  const first = ledger.checkpoint(5);
  assert.equal(outcomeOf((await anchorAt(ledger, first, ['file:head.txt']))[0]), 'ok');
  const path = join(ledger.root, 'head.txt');
  assert.deepEqual(readFileSync(path), first.bytes);
  assert.equal(statSync(path).mode & 0o777, 0o644);
  await anchorAt(ledger, first, ['file:head.txt']);
  const rows = ledger.rows().filter(({ action }) => action === 'audit.anchor');
  const root = (ledger.tree.rootAt(5) as Buffer).toString('base64');
  assert.deepEqual(rows.map(({ payload }) => payload), [{ size: 5, root, to: `file:${path}`, outcome: 'ok', file: 'head.txt' }]); // prettier-ignore
  const second = ledger.checkpoint(12);
  await anchorAt(ledger, second, ['file:head.txt']);
  assert.deepEqual(readFileSync(path), second.bytes);
  const { anchors, anchored_until: until, unanchored_rows: rest } = await judgeAt(ledger, [second, first], ['file:head.txt']); // prettier-ignore
  assert.equal(anchors.length, 1);
  assert.deepEqual([anchors[0]?.state, anchors[0]?.size, until, rest], ['held', 12, 12, 0]);
  assert.match(anchors[0]?.since ?? '', /^20\d\d-/);
});

test('a folder keeps every head', async (t) => {
  const ledger = headedLedger(t);
  mkdirSync(join(ledger.root, 'heads'));
  for (const size of [5, 12]) await anchorAt(ledger, ledger.checkpoint(size), ['file:heads/']);
  const name = TEST_ORIGIN.replace('/', '_');
  assert.deepEqual(readdirSync(join(ledger.root, 'heads')).sort(), [`${name}-12.txt`, `${name}-5.txt`, `${name}.txt`]);
});

test('what fails is a row once, is pending, and is tried again', async (t) => {
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  const texts = ['file:there.txt', 'file:not/mounted/'];
  const targets = anchorTargets(texts, ledger.root, ledger.located.paths, {});
  const { paths } = ledger.located;
  assert.equal((await pendingAnchors(paths, head, targets)).length, 2);
  for (let i = 0; i < 3; i++) {
    const results = await anchorAt(ledger, head, texts);
    assert.deepEqual(results.map(({ outcome }) => outcome), ['ok', 'failed']); // prettier-ignore
    assert.match(outcomeOf(results[1]), /expected a folder .*not\/mounted, found no such folder/);
  }
  assert.deepEqual(await pendingAnchors(paths, head, targets), targets.slice(1));
  const told = (): unknown[] => ledger.rows().filter(({ action }) => action === 'audit.anchor').map(({ payload }) => [payload?.['outcome'], payload?.['why']]); // prettier-ignore
  assert.deepEqual(told(), [['ok', undefined], ['failed', 'no such folder']]); // prettier-ignore
  const { anchors } = await judgeAt(ledger, [head], texts);
  assert.deepEqual(anchors.map(({ state }) => state), ['held', 'missing']); // prettier-ignore
  assert.match(anchors[1]?.why ?? '', /the head of 12 rows could not be put there \(row \d+: no such folder\)/);
  mkdirSync(join(ledger.root, 'not/mounted'), { recursive: true });
  assert.equal((await anchorAt(ledger, head, texts))[1]?.outcome, 'ok');
  assert.equal(told().length, 3);
  assert.deepEqual(await pendingAnchors(paths, head, targets), []);
});

test('a newer head, another root and a head of somebody else are not written over', async (t) => {
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  const path = join(ledger.root, 'head.txt');
  const put = (text: string): void => writeFileSync(path, text);
  const held = (size: number, root = Buffer.alloc(32, 7), key = ledger.key, origin = TEST_ORIGIN): string =>
    formatNote(signedNote({ origin, size, root }, key));
  const wrong: readonly [string, string, RegExp, string | undefined][] = [
    ['more rows than there are', held(40), /40 rows/, 'ROLLBACK'],
    ['the same size, another root', held(12), /root/, 'DIVERGED'],
    ['an older head that is not of this tree', held(5), /root/, 'DIVERGED'],
    ['another ledger', held(3, undefined, undefined, 'local/other'), /another ledger/, undefined],
    ['a head that nobody signed who counts', held(40, undefined, testKey(TEST_ORIGIN)), /no key signed/, undefined],
    ['a head without a signature', treeHeadText({ origin: TEST_ORIGIN, size: 40, root: Buffer.alloc(32) }), /no head/, undefined], // prettier-ignore
    ['a letter', 'Dear Alice,\n', /no head of a ledger/, undefined],
  ];
  for (const [what, text, message, code] of wrong) {
    put(text);
    const [result] = await anchorAt(ledger, head, ['file:head.txt']);
    assert.match(outcomeOf(result), message, what);
    assert.equal(result?.outcome === 'failed' ? result.finding?.code : 'ok', code, what);
    assert.equal(readFileSync(path, 'utf8'), text, what);
    const { anchors, findings, anchored_until: until } = await judgeAt(ledger, [head], ['file:head.txt']);
    // By whom ever: more rows than there are is what a place that nobody here writes says.
    const found = what.startsWith('a head that nobody signed') ? 'UNKNOWN_KEY' : code;
    assert.deepEqual(findings.map((one) => one.code), found === undefined ? [] : [found], what); // prettier-ignore
    assert.equal(anchors[0]?.state, found === undefined ? 'missing' : 'contradicts', what);
    assert.equal(until, null, what);
  }
  const told = ledger.rows().filter(({ action }) => action === 'audit.anchor');
  assert.deepEqual(told.map(({ payload }) => payload?.['why']), ['ROLLBACK', 'a head of another ledger']); // prettier-ignore
  put('');
  assert.equal(outcomeOf((await anchorAt(ledger, head, ['file:head.txt']))[0]), 'ok');
});

test('a newer head of the same tree stays: two that checkpoint at once do not accuse each other', async (t) => {
  const ledger = headedLedger(t);
  const [older, newer] = [ledger.checkpoint(5), ledger.checkpoint(12)];
  await anchorAt(ledger, newer, ['file:head.txt']);
  assert.equal(outcomeOf((await anchorAt(ledger, older, ['file:head.txt']))[0]), 'ok');
  assert.deepEqual(readFileSync(join(ledger.root, 'head.txt')), newer.bytes);
});

test('an anchor that lost its head is missing, one with an older head is behind', async (t) => {
  const ledger = headedLedger(t);
  const [older, newer] = [ledger.checkpoint(5), ledger.checkpoint(12)];
  await anchorAt(ledger, older, ['file:head.txt']);
  await anchorAt(ledger, newer, ['file:head.txt']);
  const path = join(ledger.root, 'head.txt');
  writeFileSync(path, older.bytes);
  const behind = await judgeAt(ledger, [newer, older], ['file:head.txt']);
  assert.deepEqual([behind.anchors[0]?.state, behind.anchored_until, behind.unanchored_rows], ['behind', 5, 7]);
  assert.match(behind.anchors[0]?.why ?? '', /row \d+ says that the head of 12 rows was put there/);
  rmSync(path);
  const gone = await judgeAt(ledger, [newer, older], ['file:head.txt']);
  assert.deepEqual([gone.anchors[0]?.state, gone.anchored_until], ['missing', null]);
  assert.match(gone.anchors[0]?.why ?? '', /nothing is there; row \d+ says/);
  // What only the rows name is told, and not looked at.
  const [told] = (await judgeAt(ledger, [newer, older], [])).anchors;
  assert.deepEqual([told?.state, told?.size], ['not-checked', 12]);
});

test('no path leads into the state folder, through a link, or twice to one place', async (t) => {
  const ledger = headedLedger(t);
  const { paths } = ledger.located;
  const targets = (...texts: string[]): unknown => anchorTargets(texts, ledger.root, paths, { HOME: ledger.root });
  for (const text of ['file:state/head.txt', 'file:./state/../state/audit.jsonl', 'git:state/x', 'file:~/state/x'])
    assert.throws(() => targets(text), /expected an anchor outside of the state folder/, text);
  assert.throws(() => targets('file:a', 'file:./a'), /expected each anchor once/);
  const head = ledger.checkpoint(12);
  writeFileSync(join(ledger.root, 'precious.txt'), '');
  symlinkSync('precious.txt', join(ledger.root, 'link.txt'));
  assert.match(outcomeOf((await anchorAt(ledger, head, ['file:link.txt']))[0]), /found a symbolic link/);
  assert.equal(readFileSync(join(ledger.root, 'precious.txt'), 'utf8'), '');
  assert.match(outcomeOf((await anchorAt(ledger, head, ['file:/dev/null']))[0]), /expected .* regular file/);
});

test(
  'a folder that cannot be written is a failure that names it',
  { skip: isRoot && 'root may write anywhere' },
  async (t) => {
    const ledger = headedLedger(t);
    mkdirSync(join(ledger.root, 'sealed'), { mode: 0o500 });
    t.after(() => chmodSync(join(ledger.root, 'sealed'), 0o700));
    assert.match(outcomeOf((await anchorAt(ledger, ledger.checkpoint(5), ['file:sealed/']))[0]), /sealed.*EACCES/);
  },
);

test('two at once: one row says so, and the file is whole', async (t) => {
  const ledger = headedLedger(t);
  const [older, newer] = [ledger.checkpoint(5), ledger.checkpoint(12)];
  const runs = [older, newer, newer, older, newer].map((head) => anchorAt(ledger, head, ['file:head.txt']));
  assert.deepEqual((await Promise.all(runs)).map(([one]) => outcomeOf(one)), Array(5).fill('ok')); // prettier-ignore
  const rows = ledger.rows().filter(({ action }) => action === 'audit.anchor');
  assert.deepEqual(rows.map(({ payload }) => payload?.['size']).sort(), [12, 5]); // prettier-ignore
});

test('a row of somebody else under the same key keeps nothing from being told', async (t) => {
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  const [target] = anchorTargets(['file:head.txt'], ledger.root, ledger.located.paths, {});
  const key = anchorKey({ head: head.head, to: anchorName(target as AnchorTarget), outcome: 'ok' });
  const writer = new Writer({ paths: ledger.located.paths, host: nodeHost(), durability: 'disk', events: quiet });
  await writer.append([checkRow(toJson({ action: 'a.b', idempotency_key: key }), { nowMs: Date.now() })]);
  await writer.close();
  assert.equal(outcomeOf((await anchorAt(ledger, head, ['file:head.txt']))[0]), 'ok');
  assert.deepEqual(await pendingAnchors(ledger.located.paths, head, [target as AnchorTarget]), []);
});

test('where no row can be written the head is there all the same, and that is said', async (t) => {
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  rmSync(ledger.located.paths.ledger);
  mkdirSync(ledger.located.paths.ledger);
  await assert.rejects(anchorAt(ledger, head, ['file:head.txt']), { name: 'LedgerError' });
  assert.deepEqual(readFileSync(join(ledger.root, 'head.txt')), head.bytes);
});
