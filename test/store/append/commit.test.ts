/** One write at the end, durable or not there; who writes beside the lock is told, never overwritten. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import { commitBytes } from '../../../src/store/append/commit';
import type { CommitTarget } from '../../../src/store/append/commit';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import { tempFolder } from '../../support/writers';

const OURS = { stillOurs: () => true, release: () => undefined };

function target(t: TestContext, more: Partial<CommitTarget> = {}): CommitTarget & { readonly slept: number[] } {
  const path = join(tempFolder(t), 'audit.jsonl');
  writeFileSync(path, 'old\n');
  const slept: number[] = [];
  const host = { ...nodeHost(), sleep: (ms: number) => Promise.resolve(void slept.push(ms)) };
  return { path, lock: OURS, host, durability: 'disk', slept, ...more };
}
const code = (wanted: string) => (error: unknown) => error instanceof LedgerError && error.code === wanted;

test('the bytes stand at the end, once', async (t) => {
  for (const durability of ['disk', 'os'] as const) {
    const to = target(t, { durability });
    await commitBytes(to, 4, Buffer.from('new\n'));
    assert.equal(readFileSync(to.path, 'utf8'), 'old\nnew\n');
    assert.deepEqual(to.slept, []);
  }
});

test('a file that is longer or shorter than it was is a fork: nothing is written, nothing is cut', async (t) => {
  const to = target(t);
  appendFileSync(to.path, 'foreign\n');
  await assert.rejects(commitBytes(to, 4, Buffer.from('new\n')), code('FORK'));
  await assert.rejects(commitBytes(to, 400, Buffer.from('new\n')), code('FORK'));
  assert.equal(readFileSync(to.path, 'utf8'), 'old\nforeign\n');
});

test('who writes between our look and our write is a fork, and its bytes stay', async (t) => {
  const to = target(t);
  const lock = { ...OURS, stillOurs: () => (appendFileSync(to.path, 'foreign\n'), true) };
  await assert.rejects(commitBytes({ ...to, lock }, 4, Buffer.from('new\n')), code('FORK'));
  assert.match(readFileSync(to.path, 'utf8'), /^old\nforeign\n/);
});

test('a holder that lost its lock writes nothing', async (t) => {
  const to = target(t, { lock: { ...OURS, stillOurs: () => false } });
  await assert.rejects(commitBytes(to, 4, Buffer.from('new\n')), code('LOCK_TIMEOUT'));
  assert.equal(statSync(to.path).size, 4);
});

test('what an attempt of ours left behind is cut off and written again', async (t) => {
  for (const left of ['n', 'new', 'new\n']) {
    const to = target(t);
    appendFileSync(to.path, left);
    await commitBytes(to, 4, Buffer.from('new\n'));
    assert.equal(readFileSync(to.path, 'utf8'), 'old\nnew\n');
  }
});

test('a failure is tried again after 50, 100 and 150 ms, and then told', async (t) => {
  const to = target(t);
  unlinkSync(to.path);
  await assert.rejects(commitBytes(to, 4, Buffer.from('new\n')), code('WRITE_FAILED'));
  assert.deepEqual(to.slept, [50, 100, 150]);
});

test('a failure that goes away costs nothing but time', async (t) => {
  const to = target(t);
  unlinkSync(to.path);
  const host = { ...to.host, sleep: () => Promise.resolve(writeFileSync(to.path, 'old\n')) };
  await commitBytes({ ...to, host }, 4, Buffer.from('new\n'));
  assert.equal(readFileSync(to.path, 'utf8'), 'old\nnew\n');
});
