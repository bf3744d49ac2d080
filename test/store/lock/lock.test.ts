/** One writer at a time, of two kinds of lock; a dead holder blocks nobody, a failed try keeps nothing. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import type { Identity } from '../../../src/core/ownRows';
import { KernelLock, probeKernelLock, readLockNote } from '../../../src/store/lock/kernelLock';
import { takeLock } from '../../../src/store/lock/lock';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import { testPaths, TEST_LEDGER_ID } from '../../support/ledgers';
import { holdLock } from '../../support/locks';
import { sandboxAt } from '../../support/sandbox';
import { tempFolder } from '../../support/writers';

const identity = (lock: Identity['lock']): Identity => ({ ledgerId: TEST_LEDGER_ID, origin: 'o"\u0085', lock });
const code = (wanted: string) => (error: unknown) => error instanceof LedgerError && error.code === wanted;

for (const kind of ['kernel', 'lockfile'] as const) {
  test(`${kind}: a second holder in the same process waits, and gets it after the release`, async (t) => {
    const paths = testPaths(tempFolder(t));
    writeFileSync(paths.ledger, '');
    const host = nodeHost();
    const first = await takeLock(paths, identity(kind), host);
    assert.ok(first.stillOurs());
    const start = performance.now();
    await assert.rejects(takeLock(paths, identity(kind), host, { budgetMs: 60 }), code('LOCK_TIMEOUT'));
    assert.ok(performance.now() - start >= 55, 'the budget was waited for');
    const waiting = takeLock(paths, identity(kind), host, { budgetMs: 2000 });
    setTimeout(() => first.release(), 30);
    (await waiting).release();
    (await takeLock(paths, identity(kind), host, { budgetMs: 500 })).release();
  });
}

test('the lock file says who holds it, in JSON, whatever the origin is', async (t) => {
  const paths = testPaths(tempFolder(t));
  const held = await takeLock(paths, identity('kernel'), nodeHost());
  const said = readLockNote(paths.lock);
  assert.equal(said?.pid, process.pid);
  assert.deepEqual([said?.note['ledger_id'], said?.note['origin']], [TEST_LEDGER_ID, 'o"\u0085']);
  held.release();
  assert.equal(probeKernelLock(paths.lock), 'free');
  assert.equal(probeKernelLock(`${paths.lock}.none`), 'absent');
});

test('a dead holder blocks nobody', async (t) => {
  const root = tempFolder(t);
  const box = sandboxAt(root);
  const holder = await holdLock(box);
  const paths = testPaths(box.dir);
  assert.equal(probeKernelLock(paths.lock), 'held');
  await assert.rejects(takeLock(paths, identity('kernel'), nodeHost(), { budgetMs: 30 }), code('LOCK_TIMEOUT'));
  await holder.kill();
  (await takeLock(paths, identity('kernel'), nodeHost(), { budgetMs: 1000 })).release();
});

test('a lock on a file that is not the path any more is none', async (t) => {
  const paths = testPaths(tempFolder(t));
  const held = await takeLock(paths, identity('kernel'), nodeHost());
  renameSync(paths.lock, `${paths.lock}.old`);
  assert.ok(!held.stillOurs());
  const other = await takeLock(paths, identity('kernel'), nodeHost(), { budgetMs: 100 });
  assert.ok(other.stillOurs());
  assert.match(readFileSync(`${paths.lock}.old`, 'utf8'), /ledger_id/);
});

test('a lock file that is a link or a folder is not taken for one', async (t) => {
  const paths = testPaths(tempFolder(t));
  writeFileSync(`${paths.lock}.target`, '');
  symlinkSync(`${paths.lock}.target`, paths.lock);
  await assert.rejects(takeLock(paths, identity('kernel'), nodeHost(), { budgetMs: 30 }), code('UNSAFE_PATH'));
  const second = testPaths(tempFolder(t));
  mkdirSync(second.lock);
  await assert.rejects(takeLock(second, identity('kernel'), nodeHost(), { budgetMs: 30 }), code('LOCK_UNAVAILABLE'));
  chmodSync(second.lock, 0o700);
});

test('a try that fails after the lock was granted lets go of it', (t) => {
  const paths = testPaths(tempFolder(t));
  // The note cannot be spelled: a circular origin stands for any failure between the grant and the return.
  const origin: { self?: unknown } = {};
  origin.self = origin;
  const broken = { ...identity('kernel'), origin: origin as unknown as string };
  assert.throws(() => new KernelLock(paths.lock).tryTake(broken, 1), TypeError);
  const held = new KernelLock(paths.lock).tryTake(identity('kernel'), 1);
  assert.ok(held !== undefined, 'nobody holds it');
  held.release();
});
