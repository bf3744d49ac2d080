/**
 * Files that are changed under a writer's hands (cases 36, 37): replaced, deleted, cut, rotated.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { view } from '../support/check';
import { holdLock } from '../support/locks';
import { sleep, start } from '../support/process';
import { APPEND, appendMarks, ledger, markedRows, receipts, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { fill, fillIndexed } from '../support/states';
import { recover, SHIPPED } from '../support/sweep';

/** Starts an append that waits for the lock, changes the ledger meanwhile, lets it go on. */
async function whileItWaits(box: Sandbox, change: () => void): Promise<string> {
  const holder = await holdLock(box);
  const waiting = start(APPEND, { env: box.env, cwd: box.root, stdin: markedRows(['new1']) });
  await sleep(700);
  change();
  await holder.release();
  const ended = await waiting.ended;
  return `${receipts(ended.stdout)[0]?.status ?? 'none'} ${ended.stdout} ${ended.stderr}`;
}

test('case 36: the ledger is replaced while a writer waits for the lock: it writes to the new file', async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 3);
  const answer = await whileItWaits(box, () => {
    copyFileSync(box.ledger, join(box.root, 'copy'));
    chmodSync(join(box.root, 'copy'), 0o600);
    renameSync(join(box.root, 'copy'), box.ledger);
  });
  assert.match(answer, /^landed/);
  assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, 'new1'], tried: [] }), []);
});

test('case 36: the ledger is deleted while a writer waits: no fresh chain in its place, the row spills', async (t) => {
  const box = sandbox(t);
  await fill(box, 3);
  const answer = await whileItWaits(box, () => rmSync(box.ledger));
  assert.match(answer, /^spilled/);
  assert.match(answer, /LEDGER_MISSING|missing/);
  assert.equal(view(box).waiting.length, 1);
});

test('case 36: the lock file is replaced while a writer waits: two writers never hold it together', async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 3);
  const lock = join(box.dir, 'audit.lock');
  const answer = await whileItWaits(box, () => {
    rmSync(lock);
    writeFileSync(lock, '', { mode: 0o600 });
  });
  assert.match(answer, /^landed/);
  assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, 'new1'], tried: [] }), []);
});

test('case 36, 37: a ledger cut on a row boundary behind its index is told, exit 1', async (t) => {
  const box = sandbox(t);
  await fillIndexed(box);
  const bytes = readFileSync(box.ledger);
  truncateSync(box.ledger, bytes.subarray(0, bytes.length - 1).lastIndexOf(0x0a) + 1);
  const verdict = await ledger(box, ['verify', '--json']);
  assert.equal(verdict.status, 1, verdict.stdout);
  assert.match(verdict.stdout, /TRUNCATED/);
});

test('case 37: copy-truncate by a log rotation is never a fresh chain', async (t) => {
  const box = sandbox(t);
  await fillIndexed(box);
  copyFileSync(box.ledger, join(box.dir, 'audit.jsonl.1'));
  truncateSync(box.ledger, 0);
  const ended = await appendMarks(box, ['new1']);
  assert.notEqual(receipts(ended.stdout)[0]?.status, 'landed', ended.stdout);
  assert.equal(statSync(box.ledger).size, 0, 'no new first row');
  const verdict = await ledger(box, ['verify', '--json']);
  assert.ok(verdict.status === 1 || verdict.status === 2, `never 0: ${verdict.stdout}`);
});
