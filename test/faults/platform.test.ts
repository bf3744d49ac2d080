/**
 * Other machines (cases 49, 50): no native lock, the portable lock, and a ledger in a container's lower layer. The same
 * program, the same pass rule.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { describe } from 'node:test';
import { countViolations, view, violations } from '../support/check';
import { holdLock } from '../support/locks';
import { cannotMount, overlay } from '../support/mounts';
import { missingTools, run, start, untilStopped } from '../support/process';
import {
  acknowledged,
  APPEND,
  appendMarks,
  ledger,
  ledgerCommand,
  markedRows,
  marks,
  receipts,
  sandbox,
  sandboxAt,
  temporaryFolder,
} from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import { fill, tear } from '../support/states';
import { killSweep, recover, SHIPPED } from '../support/sweep';
import { changing, sample } from '../support/strace';
import type { Call } from '../support/strace';

const PREBUILDS = join(dirname(require.resolve('fs-native-extensions/package.json')), 'prebuilds');

/** A command as it runs where the native part of the lock was never built (musl): its folder is empty for that process alone. */
function withoutNative(command: readonly string[]): string[] {
  return ['unshare', '-m', 'sh', '-c', `mount -t tmpfs none '${PREBUILDS}' && exec "$@"`, 'sh', ...command];
}

const genesisLock = (box: Sandbox): unknown => (view(box).rows[0]?.['payload'] as Record<string, unknown>)['lock'];

async function portable(box: Sandbox): Promise<void> {
  const made = await ledger(box, ['init', '--lock', 'lockfile']);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(genesisLock(box), 'lockfile');
}

// Most of these wait for a lock: they wait together.
describe('other machines', { concurrency: 4 }, () => {
  test(
    'case 49: without the native part a new ledger chooses the portable lock and says so',
    { skip: cannotMount('unshare') },
    async (t) => {
      const box = sandbox(t);
      const ended = await run(withoutNative(APPEND), { env: box.env, cwd: box.root, stdin: markedRows(['one']) });
      assert.equal(receipts(ended.stdout)[0]?.status, 'landed', ended.stderr);
      assert.equal(genesisLock(box), 'lockfile');
      assert.deepEqual(
        await recover(SHIPPED, box, { acked: ['one'], tried: [] }),
        [],
        'a machine with the native part obeys',
      );
    },
  );

  test(
    'case 49: without the native part a ledger of the kernel lock is not written: rows spill, with a hint',
    { skip: cannotMount('unshare') },
    async (t) => {
      const box = sandbox(t);
      const before = await fill(box, 2);
      const ledgerBytes = readFileSync(box.ledger);
      const ended = await run(withoutNative(APPEND), { env: box.env, cwd: box.root, stdin: markedRows(['one']) });
      assert.equal(receipts(ended.stdout)[0]?.status, 'spilled', ended.stderr);
      assert.match(ended.stdout, /LOCK_UNAVAILABLE/);
      assert.ok(readFileSync(box.ledger).equals(ledgerBytes));
      assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, 'one'], tried: [] }), []);
    },
  );

  test('case 49: the portable lock: eight writers at once, one chain', async (t) => {
    const box = sandbox(t);
    await portable(box);
    const all = Array.from({ length: 8 }, (_, w) => marks(`w${w}-`, 10));
    const ended = await Promise.all(all.map((own) => appendMarks(box, own)));
    const acked = ended.flatMap((one, w) => acknowledged(all[w] as string[], one.stdout));
    assert.equal(acked.length, 80, ended.map(({ stderr }) => stderr).join(''));
    assert.deepEqual(await recover(SHIPPED, box, { acked, tried: [] }), []);
  });

  test(
    'case 49: the portable lock: killed in a heal, then finished when the lock is stale',
    { skip: missingTools('strace') },
    async (t) => {
      const template = sandbox(t);
      await portable(template);
      const before = await fill(template, 2);
      const torn = tear(template, 'short');
      const choose = (calls: readonly Call[]) => sample(changing(calls), 3).slice(1, 2);
      const result = await killSweep({ program: SHIPPED, template, before, torn, heals: 1, marks: ['new1'], choose });
      assert.deepEqual(result.failures, []);
      assert.equal(result.killed, result.points);
    },
  );

  test(
    'case 49: the portable lock: a holder that slept past its time makes a fork that is told, and loses no row',
    { skip: missingTools('gcc') },
    async (t) => {
      const box = sandbox(t);
      await portable(box);
      const before = await fill(box, 1);
      const env = { ...box.env, ...shimEnv({ path: '/audit.jsonl', mode: 'stop' }) };
      const sleeper = start(APPEND, { env, cwd: box.root, stdin: markedRows(['late']) });
      await untilStopped(sleeper);
      const other = await appendMarks(box, ['other'], { timeoutMs: 40_000 });
      sleeper.child.kill('SIGCONT');
      const late = await sleeper.ended;
      assert.equal(receipts(other.stdout)[0]?.status, 'landed', other.stderr);
      const acked = [...before, 'other', ...acknowledged(['late'], late.stdout)];
      assert.deepEqual(countViolations(view(box), { acknowledged: acked, tried: ['late'] }), []);
      const verdict = await ledger(box, ['verify', '--json']);
      assert.equal(verdict.status, 1, 'this lock promises detection, not exclusion');
      assert.match(verdict.stdout, /"FORK"/);
      const next = await appendMarks(box, ['next']);
      assert.equal(receipts(next.stdout)[0]?.status, 'spilled', 'nothing is built on a fork');
    },
  );

  test(
    'case 50: a ledger in the lower layer of an overlay: appended above, the lower bytes untouched',
    { skip: cannotMount() },
    async (t) => {
      const root = temporaryFolder(t);
      const lower = sandboxAt(join(root, 'lower'));
      mkdirSync(lower.root);
      const before = await fill(lower, 3);
      const torn = tear(lower, 'zero');
      const lowerBytes = readFileSync(lower.ledger);
      const merged = overlay(t, root, lower.root);
      const box = sandboxAt(root, { dir: join(merged, 'state') });
      const all = marks('w', 6);
      const ended = await Promise.all(all.map((mark) => appendMarks(box, [mark])));
      for (const { stdout, stderr } of ended) assert.equal(receipts(stdout)[0]?.status, 'landed', stderr);
      assert.deepEqual(violations(box, { acknowledged: [...before, ...all], torn: [torn] }), []);
      assert.ok(readFileSync(lower.ledger).equals(lowerBytes), 'the lower layer is as it was');
    },
  );

  test('case 50: the lock of an overlay holds between processes above it', { skip: cannotMount() }, async (t) => {
    const root = temporaryFolder(t);
    const lower = sandboxAt(join(root, 'lower'));
    mkdirSync(lower.root);
    const before = await fill(lower, 1);
    const box = sandboxAt(root, { dir: join(overlay(t, root, lower.root), 'state') });
    const holder = await holdLock(box);
    const waiting = await appendMarks(box, ['one']);
    await holder.release();
    assert.equal(receipts(waiting.stdout)[0]?.status, 'spilled', waiting.stderr);
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, 'one'], tried: [] }), []);
  });

  test('case 49: the shipped command starts on this Node', async (t) => {
    const box = sandbox(t);
    const ended = await run(ledgerCommand('--version'), { env: box.env });
    assert.equal(ended.status, 0, ended.stderr);
  });
});
