/**
 * Locks in trouble (cases 28-33): a holder that is stopped, a holder that is killed, many writers at once, leftovers,
 * and clocks that are wrong. The kernel lock knows no time, so no clock can steal it.
 */
import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { view, violations } from '../support/check';
import { holdLock } from '../support/locks';
import { mapLimit, missingTools, run, sleep, start, until, untilStopped } from '../support/process';
import type { Running } from '../support/process';
import { acknowledged, APPEND, appendMarks, ledger, markedRows, marks, receipts, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import { fill } from '../support/states';
import { FULL } from '../support/strace';
import { recover, SHIPPED } from '../support/sweep';

const statuses = (stdout: string): string =>
  receipts(stdout)
    .map(({ status }) => status)
    .join();

test(
  'case 28: a holder stopped between lock and write: others spill in time, nothing forks',
  { skip: missingTools('gcc') },
  async (t) => {
    const box = sandbox(t);
    const before = await fill(box, 3);
    const env = { ...box.env, ...shimEnv({ path: '/audit.jsonl', mode: 'stop' }) };
    const stopped = start(APPEND, { env, stdin: markedRows(['held1']), timeoutMs: 120_000 });
    await untilStopped(stopped);
    const others = await Promise.all(['wait1', 'wait2'].map((mark) => appendMarks(box, [mark])));
    for (const other of others) {
      assert.equal(statuses(other.stdout), 'spilled', other.stderr);
      assert.ok(other.elapsedMs > 4000 && other.elapsedMs < 7000, `budget 5 s: ${other.elapsedMs} ms`);
    }
    if (FULL) await sleep(55_000);
    stopped.child.kill('SIGCONT');
    const ended = await stopped.ended;
    assert.equal(statuses(ended.stdout), 'landed', ended.stderr);
    const acked = [...before, 'held1', 'wait1', 'wait2'];
    assert.deepEqual(await recover(SHIPPED, box, { acked, tried: [] }), []);
  },
);

test(
  'case 28: a sync of 6 s under the lock folder locks nobody out: the next rows land, its own and others',
  { skip: missingTools('strace') },
  async (t) => {
    const box = sandbox(t);
    assert.equal((await ledger(box, ['init', '--lock', 'lockfile'])).status, 0);
    const slowSync = ['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:delay_enter=6000000:when=1'];
    const slow = start(['strace', '-f', '-qq', '-o', '/dev/null', ...slowSync, ...APPEND], { env: box.env });
    let answers = '';
    slow.child.stdout?.on('data', (chunk: Buffer) => (answers += chunk.toString()));
    slow.child.stdin?.write(markedRows(['slow1']));
    await until('the slow row is acknowledged', () => answers.includes('\n'), 20_000);
    const other = await appendMarks(box, ['other1']);
    slow.child.stdin?.end(markedRows(['slow2']));
    const ended = await slow.ended;
    assert.ok(ended.elapsedMs > 6_000, 'the sync took its time');
    assert.equal(statuses(other.stdout), 'landed', other.stderr);
    assert.equal(statuses(ended.stdout), 'landed,landed', ended.stderr);
    assert.deepEqual(violations(box, { acknowledged: ['slow1', 'other1', 'slow2'] }), []);
  },
);

/** Sixteen writers that are up and have written once, so that only the waiting is measured. */
async function warmWriters(box: Sandbox): Promise<Running[]> {
  const writers = Array.from({ length: 16 }, () => start(APPEND, { env: box.env, cwd: box.root }));
  let answers = 0;
  for (const [w, { child }] of writers.entries()) {
    child.stdout?.on('data', (chunk: Buffer) => (answers += chunk.toString().split('\n').length - 1));
    child.stdin?.write(markedRows([`warm${w}`]));
  }
  await until('every writer has written once', () => answers === writers.length, 30_000);
  return writers;
}

/** One round: sixteen writers wait for a holder that dies; the milliseconds until the first of them has written. */
async function killRound(t: TestContext): Promise<number> {
  const box = sandbox(t);
  const before = await fill(box, 1);
  const writers = await warmWriters(box);
  const holder = await holdLock(box);
  for (const [w, { child }] of writers.entries()) child.stdin?.end(markedRows([`wait${w}`]));
  await sleep(300); // all of them poll
  const size = statSync(box.ledger).size;
  const killedAt = performance.now();
  holder.process.child.kill('SIGKILL');
  while (statSync(box.ledger).size === size && performance.now() - killedAt < 5000) await sleep(1);
  const tookMs = performance.now() - killedAt;
  const ended = await Promise.all(writers.map((writer) => writer.ended));
  assert.ok(
    ended.every(({ stdout }) => statuses(stdout) === 'landed,landed'),
    'none spills',
  );
  const acknowledged = writers.flatMap((_, w) => [`warm${w}`, `wait${w}`]);
  assert.deepEqual(violations(box, { acknowledged: [...before, ...acknowledged] }), []);
  return tookMs;
}

test('case 29: a holder killed with sixteen waiters: the next one writes at once, never two', async (t) => {
  const times: number[] = [];
  for (let round = 0; round < (FULL ? 30 : 2); round++) times.push(await killRound(t));
  t.diagnostic(`first write after ${times.map((ms) => `${Math.round(ms)} ms`).join(', ')}`);
  // 5 ms on an idle machine; other tests run beside this one. A lock that has to grow stale takes 10 s.
  assert.ok(Math.min(...times) < 150, `expected 50 ms, found ${times.join()}`);
});

/** `writers` processes, started together, append `rows` rows each through a pipe. */
async function stress(t: TestContext, writers: number, rows: number): Promise<void> {
  const box = sandbox(t);
  const before = await fill(box, 1);
  const startedAt = performance.now();
  const all = Array.from({ length: writers }, (_, w) => marks(`w${w}-`, rows));
  const ended = await Promise.all(all.map((own) => appendMarks(box, own, { timeoutMs: 120_000 })));
  t.diagnostic(`${writers} x ${rows}: ${Math.round(performance.now() - startedAt)} ms`);
  const acked = ended.flatMap((one, w) => acknowledged(all[w] as string[], one.stdout));
  assert.equal(acked.length, writers * rows, 'all are acknowledged');
  assert.equal(ended.filter(({ stdout }) => stdout.includes('"spilled"')).length, 0, 'none spilled');
  assert.deepEqual(violations(box, { acknowledged: [...before, ...acked] }), []);
  assert.equal(view(box).rows.length, writers * rows + 2, 'genesis, one before, and these');
}

test('case 30: sixteen writers create the ledger together: one chain, none spills', async (t) => {
  for (let round = 0; round < (FULL ? 20 : 3); round++) {
    const box = sandbox(t);
    const all = marks('w', 16);
    const ended = await Promise.all(all.map((mark) => appendMarks(box, [mark])));
    const spilled = ended.map(({ stdout }) => stdout).filter((stdout) => statuses(stdout) !== 'landed');
    assert.deepEqual(spilled, []);
    assert.deepEqual(violations(box, { acknowledged: all }), []);
  }
});

test('case 30: 16 writers with 25 rows each: all land, none spills, one chain', (t) => stress(t, 16, 25));
test('case 30: up to 50 writers with 20 rows each', (t) => stress(t, FULL ? 50 : 12, 20));
test('case 30: up to 32 writers with 100 rows each', (t) => stress(t, FULL ? 32 : 6, 100));

test('case 31: leftovers of dead processes need no hand: lock files, temporary files', async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 2);
  mkdirSync(join(box.dir, 'audit.jsonl.lock'));
  for (const name of ['audit.heal.pending.tmp', 'audit.jsonl.tmp', 'index.db-journal', 'audit.jsonl.123.tmp'])
    writeFileSync(join(box.dir, name), 'half a', { mode: 0o600 });
  writeFileSync(join(box.dir, 'audit.lock'), '', { mode: 0o600 });
  assert.deepEqual(await recover(SHIPPED, box, { acked: before, tried: [] }), []);
});

test('case 31: an empty folder of a killed creation, a lock file without a ledger', async (t) => {
  const box = sandbox(t);
  mkdirSync(box.dir, { mode: 0o700 });
  writeFileSync(join(box.dir, 'audit.lock'), '', { mode: 0o600 });
  writeFileSync(join(box.dir, 'audit.spill.jsonl'), '', { mode: 0o600 });
  assert.deepEqual(await recover(SHIPPED, box, { acked: [], tried: [] }), []);
});

test('case 31: an empty spill and an empty draining file are finished', async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 2);
  for (const name of ['audit.spill.jsonl', 'audit.spill.draining'])
    writeFileSync(join(box.dir, name), '', { mode: 0o600 });
  assert.deepEqual(await recover(SHIPPED, box, { acked: before, tried: [] }), []);
});

const noFaketime = missingTools('faketime');

/** Appends under a wrong clock. Timers keep to the monotonic clock. */
async function appendAt(box: Sandbox, shift: string, mark: string): Promise<string> {
  const env = { ...box.env, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
  const ended = await run(['faketime', '-f', shift, ...APPEND], { env, cwd: box.root, stdin: markedRows([mark]) });
  return `${statuses(ended.stdout)}${ended.stderr}`;
}

test(
  'case 32: a clock a day behind, a day ahead, two hours back: seq and ids still grow',
  { skip: noFaketime },
  async (t) => {
    const box = sandbox(t);
    const acked = await fill(box, 2);
    for (const [i, shift] of ['-1d', '+1d', '-2h', '+0'].entries()) {
      const mark = `clock${i}`;
      assert.match(await appendAt(box, shift, mark), /^landed/, shift);
      acked.push(mark);
    }
    const { rows } = view(box);
    const ids = rows.map((row) => String(row['id']));
    assert.deepEqual(ids, [...ids].sort(), 'ids grow whatever the clock does');
    const times = rows.map((row) => String(row['ts']));
    assert.notDeepEqual(times, [...times].sort(), 'ts is the clock as it was read, never mended');
    assert.deepEqual(await recover(SHIPPED, box, { acked, tried: [] }), [], 'a clock is no damage');
  },
);

test('case 32: the clock jumps while one process appends', { skip: noFaketime }, async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 1);
  const shift = join(box.root, 'shift');
  writeFileSync(shift, '+0');
  const { stdout: library } = await run(['sh', '-c', 'ls /usr/lib/*/faketime/libfaketime.so.1']);
  const env = {
    ...box.env,
    LD_PRELOAD: library.trim(),
    FAKETIME_TIMESTAMP_FILE: shift,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const appender = start(APPEND, { env, cwd: box.root });
  let answers = '';
  appender.child.stdout?.on('data', (chunk: Buffer) => (answers += chunk.toString()));
  for (const [i, jump] of ['+0', '-2h', '+1d', '-1d'].entries()) {
    writeFileSync(shift, jump);
    appender.child.stdin?.write(markedRows([`jump${i}`]));
    await until(`receipt ${i + 1}`, () => answers.split('\n').length === i + 2);
  }
  appender.child.stdin?.end();
  const ended = await appender.ended;
  assert.equal(statuses(ended.stdout), 'landed,landed,landed,landed', ended.stderr);
  assert.deepEqual(
    await recover(SHIPPED, box, { acked: [...before, 'jump0', 'jump1', 'jump2', 'jump3'], tried: [] }),
    [],
  );
});

test('case 33: a clock 15 s or a day ahead steals no lock', { skip: noFaketime }, async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 1);
  const holder = await holdLock(box);
  const answers = await mapLimit(['+15s', '+1d'], 2, (shift) => appendAt(box, shift, `ahead${shift}`));
  await holder.release();
  for (const answer of answers) assert.match(answer, /^spilled/, 'it waits its budget, then spills');
  const { status } = await ledger(box, ['verify']);
  assert.equal(status, 0, 'rows in the spill file are no damage');
  assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, 'ahead+15s', 'ahead+1d'], tried: [] }), []);
});
