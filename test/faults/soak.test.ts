/**
 * Chaos (case 48): writers that are stopped, killed and started again while the disk fills up and empties. Some seconds
 * in the normal run; `LEDGER_SOAK_MINUTES=10 npm run test:soak` for the long one.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { violations } from '../support/check';
import { cannotMount, fillUp, tmpfs } from '../support/mounts';
import { sleep, start } from '../support/process';
import { acknowledged, APPEND, appendMarks, ledger, markedRow, sandboxAt, temporaryFolder } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { recover, SHIPPED } from '../support/sweep';

const MINUTES = Number(process.env['LEDGER_SOAK_MINUTES'] ?? '0');
const DURATION_MS = MINUTES > 0 ? MINUTES * 60_000 : 6_000;
const WRITERS = 8;

interface Log {
  readonly acked: string[];
  readonly tried: string[];
  readonly counts: { killed: number; stopped: number; filled: number; ended: number };
}

/** One writer after another: each appends row by row until it is killed or has had its time. */
async function writerLane(box: Sandbox, lane: number, until: number, log: Log): Promise<void> {
  for (let life = 0; performance.now() < until; life++) {
    const writer = start(APPEND, { env: box.env, cwd: box.root });
    const own: string[] = [];
    let alive = true;
    writer.child.on('exit', () => (alive = false));
    const lifeMs = 300 + ((lane * 131 + life * 71) % 900);
    const bornAt = performance.now();
    const fate = (lane + life) % 3;
    while (alive && performance.now() - bornAt < lifeMs) {
      const mark = `l${lane}-${life}-${own.length}`;
      own.push(mark);
      writer.child.stdin?.write(`${markedRow(mark, { run_id: `run-${lane}` })}\n`);
      await sleep(3);
    }
    if (fate === 0) {
      writer.child.kill('SIGSTOP');
      log.counts.stopped++;
      await sleep(400);
      writer.child.kill('SIGCONT');
    }
    if (fate === 1) {
      writer.child.kill('SIGKILL');
      log.counts.killed++;
    }
    writer.child.stdin?.end();
    const ended = await writer.ended;
    log.counts.ended++;
    log.tried.push(...own);
    log.acked.push(...acknowledged(own, ended.stdout));
  }
}

/** Fills the disk for a moment, again and again. */
async function fillerLane(mount: string, until: number, log: Log): Promise<void> {
  while (performance.now() < until) {
    await sleep(900);
    const free = fillUp(mount);
    log.counts.filled++;
    await sleep(500);
    free();
  }
}

/** Sweeps as cron would. */
async function sweepLane(box: Sandbox, until: number): Promise<void> {
  while (performance.now() < until) {
    await sleep(700);
    await ledger(box, ['sweep', '-q']);
  }
}

test(
  'case 48: writers stopped and killed, a disk that fills up: nothing lost, nothing doubled, no fork',
  { skip: cannotMount() },
  async (t) => {
    const root = temporaryFolder(t);
    const mount = tmpfs(t, join(root, 'm'), `size=${MINUTES > 0 ? 512 : 48}m`);
    const box = sandboxAt(root, { dir: join(mount, 'state') });
    const log: Log = { acked: [], tried: [], counts: { killed: 0, stopped: 0, filled: 0, ended: 0 } };
    await appendMarks(box, ['first']);
    log.acked.push('first');
    const until = performance.now() + DURATION_MS;
    await Promise.all([
      ...Array.from({ length: WRITERS }, (_, lane) => writerLane(box, lane, until, log)),
      fillerLane(mount, until, log),
      sweepLane(box, until),
    ]);
    t.diagnostic(`${log.acked.length} of ${log.tried.length} rows acknowledged; ${JSON.stringify(log.counts)}`);
    assert.ok(log.acked.length > 200);
    // Some thousand rows may wait in the spill file: an append drains a thousand at a time, a sweep all of them.
    await ledger(box, ['sweep'], { timeoutMs: 120_000 });
    assert.deepEqual(await recover(SHIPPED, box, { acked: log.acked, tried: log.tried }), []);
    assert.deepEqual(violations(box, { acknowledged: [...log.acked, 'next'], tried: log.tried }), []);
  },
);
