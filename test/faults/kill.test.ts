/**
 * kill -9 before every system call (cases 1-6). The short form kills before every call that changes something; the long
 * form (LEDGER_FAULTS=full) before every call. What a kill cannot show, the order of syncs, is read from the trace.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { holdLock } from '../support/locks';
import { missingTools } from '../support/process';
import { acknowledged, APPEND, appendMarks, inSandbox, markedRows, marks, receipts, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import { dropNewline, fill, tear, TORN_KINDS } from '../support/states';
import { allCalls, changing, firstStepMissing, FULL, strace } from '../support/strace';
import type { Call } from '../support/strace';
import { killSweep, SHIPPED } from '../support/sweep';
import type { KillSweep } from '../support/sweep';

const skip = missingTools('strace', 'gcc');
const MARKS = ['new1', 'new2'];

/** Runs a sweep and says how many points it had. */
async function expectPassRule(t: TestContext, sweep: KillSweep, leastPoints: number): Promise<void> {
  const { points, killed, failures } = await killSweep(sweep);
  t.diagnostic(`${points} points, ${killed} killed`);
  assert.deepEqual(failures, []);
  assert.equal(killed, points, 'a point that was not reached proves nothing');
  assert.ok(points >= leastPoints, `expected at least ${leastPoints} points, found ${points}`);
}

/** The calls of one clean append on a copy of a state, all threads. */
function appendCalls(from: Sandbox | undefined, childEnv: Record<string, string> = {}): Promise<Call[]> {
  return inSandbox(from, async (box) => {
    const { ended, trace } = await strace(APPEND, { env: box.env, stdin: markedRows(MARKS), childEnv });
    assert.equal(ended.status, 0, ended.stderr);
    return allCalls(trace);
  });
}

const LEDGER_WRITTEN = /^write\(\d+<[^>]*audit\.jsonl>/;
const LEDGER_SYNCED = /^f(?:data)?sync\(\d+<[^>]*audit\.jsonl>/;
const ANSWERED = /^writev?\(1<[^>]*>, .*status/;

test('case 1: killed before every call of a plain append, no acknowledged row is lost', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const order = [LEDGER_WRITTEN, LEDGER_SYNCED, ANSWERED];
  assert.equal(firstStepMissing(await appendCalls(template), order), undefined, 'write, sync, answer, in this order');
  await expectPassRule(t, { program: SHIPPED, template, before, marks: MARKS }, 3);
});

test(
  'case 2: killed before every call of the first append into nothing, later work is not blocked',
  { skip },
  async (t) => {
    const created = [
      /^f(?:data)?sync\(\d+</,
      /^link(?:at)?\(.*audit\.jsonl"/,
      /^fsync\(\d+<[^>]*\/state>/,
      LEDGER_SYNCED,
      ANSWERED,
    ];
    assert.equal(
      firstStepMissing(await appendCalls(undefined), created),
      undefined,
      'a new ledger is durable before its rows',
    );
    await expectPassRule(t, { program: SHIPPED, template: undefined, before: [], marks: MARKS }, 8);
  },
);

const HEAL_STEPS: readonly RegExp[] = [
  /^write\(\d+<[^>]*quarantine\/[^>]*\.bin>/,
  /^f(?:data)?sync\(\d+<[^>]*quarantine\/[^>]*\.bin>/,
  /^fsync\(\d+<[^>]*\/quarantine>/,
  /^write\(\d+<[^>]*audit\.heal\.pending\.[^>]*>/,
  /^f(?:data)?sync\(\d+<[^>]*audit\.heal\.pending\.[^>]*>/,
  /^rename(?:at2?)?\(.*audit\.heal\.pending"/,
  /^fsync\(\d+<[^>]*\/state>/,
  /^ftruncate\(\d+<[^>]*audit\.jsonl>/,
  LEDGER_SYNCED,
  LEDGER_WRITTEN,
  LEDGER_SYNCED,
  /^unlink(?:at)?\(.*audit\.heal\.pending"/,
  /^fsync\(\d+<[^>]*\/state>/,
  LEDGER_WRITTEN,
  LEDGER_SYNCED,
  ANSWERED,
];

for (const kind of TORN_KINDS) {
  test(
    `case 3: killed before every call of a heal (${kind} tail), exactly one heal row names the bytes`,
    { skip },
    async (t) => {
      const template = sandbox(t);
      const before = await fill(template, 3);
      const torn = tear(template, kind);
      assert.equal(
        firstStepMissing(await appendCalls(template), HEAL_STEPS),
        undefined,
        'the steps of format.md section 5',
      );
      const choose = (calls: readonly Call[]) => changing(calls).filter((_, i) => kind === 'short' || i % 4 === 2);
      await expectPassRule(t, { program: SHIPPED, template, before, torn, heals: 1, marks: MARKS, choose }, 4);
    },
  );
}

test('case 3: killed before every call of a heal (newline missing), the row is kept', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 3);
  dropNewline(template);
  await expectPassRule(t, { program: SHIPPED, template, before, heals: 1, marks: MARKS }, 3);
});

/** The ledger takes no write, for ever: the rows have to spill. */
const noLedgerWrites = () => shimEnv({ path: '/audit.jsonl', mode: 'err', times: 0 });

test('case 4: killed before every call of a spill, a row is in it or was not acknowledged', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const order = [/^write\(\d+<[^>]*audit\.spill\.jsonl>/, /^f(?:data)?sync\(\d+<[^>]*audit\.spill\.jsonl>/, ANSWERED];
  const calls = await appendCalls(template, noLedgerWrites());
  assert.equal(firstStepMissing(calls, order), undefined, 'spilled, synced, answered, in this order');
  const sweep = { program: SHIPPED, template, before, marks: MARKS, childEnv: noLedgerWrites };
  await expectPassRule(t, sweep, 4);
});

test('case 4: killed while it spills because another holds the lock', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const during = async (box: Sandbox) => {
    const holder = await holdLock(box);
    return () => holder.release();
  };
  // How often the lock is asked for differs from run to run: the calls on the spill file alone are counted.
  const only = (box: Sandbox) => [join(box.dir, 'audit.spill.jsonl')];
  await expectPassRule(t, { program: SHIPPED, template, before, marks: MARKS, during, only }, 2);
});

/** A ledger with rows waiting in the spill file. */
async function withSpill(t: TestContext, count = 10): Promise<{ template: Sandbox; before: string[] }> {
  const template = sandbox(t);
  const old = await fill(template, 3);
  const waiting = marks('spilled', count);
  const ended = await appendMarks(template, waiting, { env: { ...template.env, ...noLedgerWrites() } });
  const answers = receipts(ended.stdout).map((receipt) => receipt.status);
  assert.deepEqual(
    answers,
    waiting.map(() => 'spilled'),
    ended.stderr,
  );
  return { template, before: [...old, ...acknowledged(waiting, ended.stdout)] };
}

test('case 5: killed before every call of a drain of ten rows, each is chained exactly once', { skip }, async (t) => {
  const { template, before } = await withSpill(t);
  const order = [
    /^rename(?:at2?)?\(.*audit\.spill\.draining"/,
    LEDGER_WRITTEN,
    LEDGER_SYNCED,
    /^unlink(?:at)?\(.*audit\.spill\.draining"/,
    /^fsync\(\d+<[^>]*\/state>/,
  ];
  assert.equal(firstStepMissing(await appendCalls(template), order), undefined, 'renamed, chained, synced, unlinked');
  await expectPassRule(t, { program: SHIPPED, template, before, marks: MARKS }, 6);
});

test('case 5: killed in a drain behind a torn tail: healed once, drained once', { skip }, async (t) => {
  const { template, before } = await withSpill(t);
  const torn = tear(template, 'short');
  const choose = (calls: readonly Call[]) => changing(calls).filter((_, i) => FULL || i % 5 === 1);
  await expectPassRule(t, { program: SHIPPED, template, before, torn, heals: 1, marks: MARKS, choose }, 3);
});

for (const step of ['first', 'second'] as const) {
  test(
    `case 5: killed in the ${step} step of a drain of many rows, each is chained exactly once`,
    { skip },
    async (t) => {
      const { template, before } = await withSpill(t, step === 'first' ? 2_100 : 3_300);
      if (step === 'second') {
        await appendMarks(template, ['between']);
        before.push('between');
      }
      const order = [LEDGER_WRITTEN, LEDGER_SYNCED, /^write\(\d+<[^>]*audit\.spill\.drained>/];
      assert.equal(firstStepMissing(await appendCalls(template), order), undefined, 'chained, synced, noted');
      // The first step has twice the calls of the second.
      const every = step === 'first' ? 2 : 1;
      const choose = (calls: readonly Call[]) =>
        changing(calls).filter(
          ({ text }, i) => (/spill\.drained/.test(text) && i % (3 * every) === 0) || i % (6 * every) === 2,
        );
      // A drain of ten rows is killed before every call; here a kill before a read leaves what one before the next change does.
      const chooseInFull = (calls: readonly Call[]) => {
        const changes = new Set(changing(calls));
        return calls.filter((call, i) => changes.has(call) || i % 20 === 0);
      };
      await expectPassRule(t, { program: SHIPPED, template, before, marks: MARKS, choose, chooseInFull }, 2);
    },
  );
}
