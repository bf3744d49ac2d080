/** What was erased is nowhere: neither in what rows took, nor in what rows that never came left behind. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { openLedger } from '../../src/index';
import { openingLine, openingOf } from '../../src/core/seal';
import { ensureBuilt } from '../support/built';
import { holdLock } from '../support/locks';
import { rowsOf } from '../support/miniVerifier';
import { ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { done, filesWith, openings, VALUE, warnings, withSignerAlice } from '../support/sealed';

before(ensureBuilt);

const SEALED = ['--reason', VALUE, '--seal', 'reason'];
const file = (box: Sandbox): string => join(box.dir, 'sealed.jsonl');
const left = (value: string, i: number): string => openingLine(openingOf('reason', value, String(i).padStart(22, 'A')));

test('openings of the same value that no row has go with the one that is erased; others stay', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', ...SEALED]);
  await done(box, ['append', 'a.b', ...SEALED]);
  // What crashes left: one whole, one torn in the value, one of another value, one of another field.
  const whole = left(VALUE, 1);
  const torn = left(VALUE, 2).slice(0, 150);
  const more = [left('another', 3), openingLine(openingOf('own', 'kept', 'B'.repeat(22)))];
  appendFileSync(file(box), `\n${whole}\n\n${torn}\n\n${more.join('\n')}\n`);
  assert.match((await warnings(box)).join(), /3 openings belong to no row: [0-9a-f]{64}, .*"ledger erase --digest HEX/);
  const erased = await done(box, ['erase', '2', 'reason', '--reason', 'r', '--json']);
  const told = JSON.parse(erased.stdout) as { copies: number; rows: number[] };
  assert.deepEqual([told.copies, told.rows], [2, [2]]);
  assert.equal(openings(box), 3);
  assert.ok((await done(box, ['disclose', '3', 'reason'])).stdout.includes(VALUE), 'row 3 said so, too, and keeps it');
  await done(box, ['erase', '3', 'reason', '--reason', 'r']);
  assert.deepEqual(filesWith(box, VALUE.slice(0, 8)), []);
  const [first] = /[0-9a-f]{64}/.exec((await warnings(box)).join()) ?? [''];
  assert.match((await done(box, ['erase', '--digest', first, '--reason', 'r'])).stdout, /erased the opening [0-9a-f]{12}…; row 6 says so/); // prettier-ignore
  assert.match((await done(box, ['erase', '--digest', first, '--reason', 'r'])).stdout, /erased before, by row 6/);
  assert.equal(rowsOf(box.ledger)[5]?.action, 'audit.erasure');
});

test('what a writer stored for a row that did not come in goes at once', async (t) => {
  const box = sandbox(t);
  await withSignerAlice(box);
  const row = ['append', 'a.b', ...SEALED, '--sign', 'alice', '--idempotency-key', 'k'];
  await done(box, row);
  assert.equal((await ledger(box, row)).status, 2, 'at another moment it is another row');
  await done(box, [...row, '--dry-run']);
  assert.equal(openings(box), 1);
  const plain = ['append', 'a.b', ...SEALED, '--idempotency-key', 'p'];
  await done(box, plain);
  const holder = await holdLock(box);
  await Promise.all([ledger(box, plain), ledger(box, plain)]);
  await holder.release();
  assert.equal(openings(box), 4);
  await done(box, ['sweep']);
  assert.equal(openings(box), 2, 'those of duplicates are gone');
  for (const seq of ['3', '4'])
    if (rowsOf(box.ledger)[Number(seq) - 1]?.action === 'a.b')
      await done(box, ['erase', seq, 'reason', '--reason', 'r']);
  assert.deepEqual((await warnings(box)).filter((text) => text.includes('belong')), []); // prettier-ignore
});

test('a row that waits keeps what opens it', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', ...SEALED]);
  const holder = await holdLock(box);
  await ledger(box, ['append', 'a.c', ...SEALED]);
  await holder.release();
  assert.deepEqual((await warnings(box)).filter((text) => text.includes('opening')), []); // prettier-ignore
  await done(box, ['erase', '2', 'reason', '--reason', 'r']);
  assert.ok((await done(box, ['disclose', '3', 'reason'])).stdout.includes(VALUE));
});

test('several rows with one seal are named, by whichever of them it is erased', async (t) => {
  const box = sandbox(t);
  const log = openLedger({ dir: box.dir });
  t.after(() => log.close());
  await log.append([{ action: 'a.b', reason: VALUE }], { seal: ['reason'] });
  const [, row] = rowsOf(box.ledger);
  const { sealed } = row?.['reason'] as { sealed: string };
  // As an earlier version took it.
  await done(box, ['import', '-'], { stdin: `${JSON.stringify({ action: 'a.c', reason: { sealed } })}\n` });
  const told = await done(box, ['erase', '--digest', sealed, '--reason', 'r']);
  assert.match(told.stdout, /erased reason of row 2; row 4 says so; row 3 held the same seal/);
  assert.deepEqual((rowsOf(box.ledger)[3]?.payload as { rows: unknown }).rows, [2, 3]);
  assert.equal((await ledger(box, ['erase', '--digest', 'b'.repeat(64), '--reason', 'r'])).status, 2);
  for (const words of [['2'], ['2', 'reason', '--digest', sealed], ['--digest', 'x'], []])
    assert.equal((await ledger(box, ['erase', ...words, '--reason', 'r'])).status, 2, words.join(' '));
});

test('the value of a row that is a gap by now can still be erased', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', ...SEALED]);
  const text = readFileSync(box.ledger, 'utf8');
  writeFileSync(box.ledger, text.slice(0, -40));
  await done(box, ['append', 'a.c']);
  const said = await ledger(box, ['erase', '2', 'reason', '--reason', 'r']);
  assert.equal(said.status, 2, said.stdout);
  assert.match(said.stderr, /ledger erase --digest HEX|"ledger verify"/);
  const { stdout } = await ledger(box, ['verify', '--json']);
  const [, digest = ''] = /belongs to no row: ([0-9a-f]{64})/.exec(stdout) ?? [];
  await done(box, ['erase', '--digest', digest, '--reason', 'r']);
  assert.deepEqual(filesWith(box, VALUE).filter((name) => name === 'sealed.jsonl'), []); // prettier-ignore
});

test('openings that cannot be looked at leave the verdict on the rows', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', ...SEALED]);
  const bytes = readFileSync(box.ledger, 'utf8');
  for (const put of [() => mkdirSync(file(box)), () => symlinkSync('/nowhere', file(box))]) {
    rmSync(file(box), { recursive: true, force: true });
    put();
    assert.match((await warnings(box)).join(), /^openings could not be looked at: /);
    writeFileSync(box.ledger, bytes.replace('a.b', 'a.x'));
    assert.equal((await ledger(box, ['verify'])).status, 1);
    writeFileSync(box.ledger, bytes);
  }
});

test('what cannot be found because its line was changed is not said to be gone', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', ...SEALED]);
  const whole = readFileSync(file(box), 'utf8');
  const rows = readFileSync(box.ledger);
  const digest = /[0-9a-f]{64}/.exec(whole)?.[0] ?? '';
  for (const changed of [
    ` ${whole}`,
    `\ufeff${whole}`,
    whole.replace(
      digest,
      digest.replace(/./, (digit) => (digit === '0' ? '1' : '0')),
    ),
    whole.replace('"digest"', '"Digest"'),
    whole.replace('{', '{ '),
  ]) {
    writeFileSync(file(box), changed);
    assert.match((await warnings(box)).join(), /sealed\.jsonl has a line that is no opening, at byte 0/);
    const { status, stderr } = await ledger(box, ['erase', '2', 'reason', '--reason', 'r']);
    assert.deepEqual([status, /1 changed line in which it may be/.test(stderr)], [2, true], changed.slice(0, 80));
    assert.ok(readFileSync(box.ledger).equals(rows), 'no row says that it is gone');
  }
  // What a crash cut short is nothing.
  writeFileSync(file(box), `${whole}\n{"dig\n{"digest":"${digest}","salt":"x","na\n`);
  assert.deepEqual(await warnings(box), []);
  await done(box, ['erase', '2', 'reason', '--reason', 'r']);
  assert.deepEqual(filesWith(box, VALUE), []);
});
