/** One writer at a time, of two kinds of lock; a dead holder blocks nobody, a failed try keeps nothing. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import type { Host } from '../../../src/core/host';
import type { Identity } from '../../../src/core/ownRows';
import { KernelLock, probeKernelLock, readLockNote } from '../../../src/store/lock/kernelLock';
import { takeLock } from '../../../src/store/lock/lock';
import type { HeldLock } from '../../../src/store/lock/lock';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import type { StatePaths } from '../../../src/store/paths';
import { testPaths, TEST_LEDGER_ID } from '../../support/ledgers';
import { holdLock } from '../../support/locks';
import { start, until } from '../../support/process';
import { sandboxAt } from '../../support/sandbox';
import { tempFolder } from '../../support/writers';

/** As another process would: with a lock file of its own. */
const take = (paths: StatePaths, kind: Identity['lock'], budgetMs?: number, host = nodeHost()): Promise<HeldLock> =>
  takeLock(paths, identity(kind), host, new KernelLock(paths.lock), budgetMs);

const identity = (lock: Identity['lock']): Identity => ({ ledgerId: TEST_LEDGER_ID, origin: 'o"\u0085', lock });
const code = (wanted: string) => (error: unknown) => error instanceof LedgerError && error.code === wanted;

for (const kind of ['kernel', 'lockfile'] as const) {
  test(`${kind}: whoever finds the whole folder gone is told so at once`, async (t) => {
    const paths = testPaths(join(tempFolder(t), 'gone'));
    const start = performance.now();
    await assert.rejects(take(paths, kind), code('LEDGER_MISSING'));
    assert.ok(performance.now() - start < 2_000);
  });

  test(`${kind}: a second holder in the same process waits, and gets it after the release`, async (t) => {
    const paths = testPaths(tempFolder(t));
    writeFileSync(paths.ledger, '');
    const first = await take(paths, kind);
    assert.ok(first.stillOurs());
    const start = performance.now();
    await assert.rejects(take(paths, kind, 60), code('LOCK_TIMEOUT'));
    assert.ok(performance.now() - start >= 55, 'the budget was waited for');
    const waiting = take(paths, kind, 2000);
    setTimeout(() => first.release(), 30);
    (await waiting).release();
    (await take(paths, kind, 500)).release();
  });
}

test('lockfile: who was too slow to write on lets go all the same', async (t) => {
  const paths = testPaths(tempFolder(t));
  writeFileSync(paths.ledger, '');
  let lateMs = 0;
  const host: Host = { ...nodeHost(), monotonicMs: () => performance.now() + lateMs };
  const slow = await take(paths, 'lockfile', 100, host);
  lateMs = 20_000;
  assert.ok(!slow.stillOurs());
  slow.release();
  slow.release();
  (await take(paths, 'lockfile', 100)).release();
});

test('lockfile: a folder that the library has renewed is still let go', async (t) => {
  const paths = testPaths(tempFolder(t));
  writeFileSync(paths.ledger, '');
  const held = await take(paths, 'lockfile');
  const takenMs = statSync(`${paths.ledger}.lock`).mtimeMs;
  await until('the library renews it', () => statSync(`${paths.ledger}.lock`).mtimeMs !== takenMs);
  assert.ok(held.stillOurs());
  held.release();
  (await take(paths, 'lockfile', 100)).release();
});

/** As a process does that finds the folder stale. */
function takeOver(folder: string): void {
  rmdirSync(folder);
  mkdirSync(folder);
  utimesSync(folder, new Date(), new Date(Date.now() + 60_000));
}

test("lockfile: another holder's folder stays, at a release and when the process ends", async (t) => {
  const paths = testPaths(tempFolder(t));
  writeFileSync(paths.ledger, '');
  const folder = `${paths.ledger}.lock`;
  const held = await take(paths, 'lockfile');
  takeOver(folder);
  assert.ok(!held.stillOurs());
  held.release();
  assert.ok(statSync(folder).isDirectory());
  rmdirSync(folder);

  const holder = start([
    process.execPath,
    '--import',
    'tsx',
    join(__dirname, '../../support/folderHolder.ts'),
    paths.dir,
  ]);
  let said = '';
  holder.child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until('the other process holds the lock', () => said.includes('held'));
  takeOver(folder);
  holder.child.stdin?.end();
  assert.equal((await holder.ended).status, 0);
  assert.ok(statSync(folder).isDirectory());
});

test('the lock file says who holds it, in JSON, whatever the origin is', async (t) => {
  const paths = testPaths(tempFolder(t));
  const held = await take(paths, 'kernel');
  held.leaveNote(identity('kernel'), process.pid);
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
  await assert.rejects(take(paths, 'kernel', 30), code('LOCK_TIMEOUT'));
  await holder.kill();
  (await take(paths, 'kernel', 1000)).release();
});

test('a lock on a file that is not the path any more is none', async (t) => {
  const paths = testPaths(tempFolder(t));
  const held = await take(paths, 'kernel');
  renameSync(paths.lock, `${paths.lock}.old`);
  assert.ok(!held.stillOurs());
  const other = await take(paths, 'kernel', 100);
  assert.ok(other.stillOurs());
  assert.equal(statSync(`${paths.lock}.old`).ino === statSync(paths.lock).ino, false);
});

test('a lock file that is a link or a folder is not taken for one', async (t) => {
  const paths = testPaths(tempFolder(t));
  writeFileSync(`${paths.lock}.target`, '');
  symlinkSync(`${paths.lock}.target`, paths.lock);
  await assert.rejects(take(paths, 'kernel', 30), code('UNSAFE_PATH'));
  const second = testPaths(tempFolder(t));
  mkdirSync(second.lock);
  await assert.rejects(take(second, 'kernel', 30), code('LOCK_UNAVAILABLE'));
  chmodSync(second.lock, 0o700);
});

test('a note that fails keeps nobody from letting go', (t) => {
  const paths = testPaths(tempFolder(t));
  // It cannot be spelled: a circular origin stands for any failure between the grant and the write.
  const origin: { self?: unknown } = {};
  origin.self = origin;
  const broken = { ...identity('kernel'), origin: origin as unknown as string };
  const held = new KernelLock(paths.lock).tryTake();
  assert.throws(() => held?.leaveNote(broken, 1), TypeError);
  assert.equal(probeKernelLock(paths.lock), 'held');
  held?.release();
  assert.equal(probeKernelLock(paths.lock), 'free');
});

test('a note is written again only where it does not stand', (t) => {
  const paths = testPaths(tempFolder(t));
  const [ours, theirs] = [new KernelLock(paths.lock), new KernelLock(paths.lock)];
  const of = identity('kernel');
  const leave = (lock: KernelLock, pid: number): number => {
    const held = lock.tryTake();
    assert.ok(held !== undefined);
    held.leaveNote(of, pid);
    held.release();
    return statSync(paths.lock).mtimeMs;
  };
  const first = leave(ours, 1);
  utimesSync(paths.lock, first / 1000 - 60, first / 1000 - 60);
  const aged = leave(ours, 1);
  assert.ok(aged < first, 'it stands');
  const other = leave(theirs, 2);
  assert.ok(other > aged, 'another holder');
  assert.equal(readLockNote(paths.lock)?.pid, 2);
  utimesSync(paths.lock, other / 1000 + 1, other / 1000 + 1);
  leave(ours, 1);
  assert.equal(readLockNote(paths.lock)?.pid, 1);
  assert.equal(readLockNote(paths.lock)?.note['ledger_id'], TEST_LEDGER_ID);
  for (const lock of [ours, theirs]) lock.close();
});

test('who waits in a queue that moves is patient, behind a holder that stands still it is not', async (t) => {
  const paths = testPaths(tempFolder(t));
  writeFileSync(paths.ledger, '');
  const held = await take(paths, 'kernel');
  let nowMs = 0;
  let growUntilMs = 12_000;
  const host: Host = {
    ...nodeHost(),
    monotonicMs: () => nowMs,
    sleep: (ms) => {
      nowMs += ms;
      if (nowMs < growUntilMs) appendFileSync(paths.ledger, 'x');
      return Promise.resolve();
    },
  };
  const wait = async (): Promise<number> => {
    nowMs = 0;
    await assert.rejects(takeLock(paths, identity('kernel'), host, new KernelLock(paths.lock)), code('LOCK_TIMEOUT'));
    return Math.round(nowMs / 1_000);
  };
  assert.equal(await wait(), 17, '5 s after it last grew');
  growUntilMs = Infinity;
  assert.equal(await wait(), 30, 'not for ever');
  growUntilMs = 0;
  assert.equal(await wait(), 5);
  held.release();
});
