/**
 * The harness is put to the test before it judges anything: a right writer passes, and each way of being wrong is seen.
 */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { countViolations, readLedgerBytes, view } from '../support/check';
import { missingTools, run } from '../support/process';
import { acknowledged, markedRows, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import { tear, tornBytes } from '../support/states';
import { failing, injected, killBefore, mainThreadCalls, sample, strace, wasKilled } from '../support/strace';
import { killSweep, recover } from '../support/sweep';
import type { KillSweep, Program } from '../support/sweep';

const STANDIN: Program = { append: [process.execPath, join(__dirname, '../support/standin.cjs')] };
const skip = missingTools('strace', 'gcc');
async function template(t: TestContext, marks: readonly string[]): Promise<Sandbox> {
  const box = sandbox(t);
  const made = await run(STANDIN.append, { env: box.env, stdin: markedRows(marks) });
  assert.equal(made.status, 0, made.stderr);
  return box;
}

/** A sweep over an append (or, with torn bytes, a heal) by a stand-in with a flaw. */
async function sweepOf(t: TestContext, flaw: string, torn = false): Promise<KillSweep> {
  const box = await template(t, ['old1']);
  const more = torn ? { torn: tear(box, 'short'), heals: 1 } : {};
  const childEnv = () => ({ STANDIN_FLAW: flaw });
  return { program: STANDIN, template: box, before: ['old1'], marks: ['new1'], childEnv, ...more };
}

test('harness: a right writer passes at every kill point of an append and of a heal', { skip }, async (t) => {
  for (const torn of [false, true]) {
    const result = await killSweep(await sweepOf(t, 'none', torn));
    assert.deepEqual(result.failures, []);
    assert.equal(result.killed, result.points, 'every point was reached');
    assert.ok(result.points >= (torn ? 10 : 3), `${result.points} points`);
  }
});

test('harness: a writer that answers before it writes is caught as a lost row', { skip }, async (t) => {
  const { failures } = await killSweep(await sweepOf(t, 'ack-first'));
  assert.match(failures.join('\n'), /acknowledged row lost: new1/);
});

test('harness: a torn tail that is cut without a copy is caught', { skip }, async (t) => {
  const { failures } = await killSweep(await sweepOf(t, 'drop-torn', true));
  assert.match(failures.join('\n'), /torn bytes .* are in no quarantine file/);
});

test('harness: rows behind a torn tail are caught', { skip }, async (t) => {
  const { failures } = await killSweep(await sweepOf(t, 'no-heal', true));
  assert.match(failures.join('\n'), /torn bytes .* are in no quarantine file/);
});

test('harness: a heal without a plan is caught in the window between the cut and its row', { skip }, async (t) => {
  const { failures } = await killSweep(await sweepOf(t, 'no-plan', true));
  assert.match(failures.join('\n'), /are named by 0 heal rows/);
});

test('harness: a plan that stays behind is caught', { skip }, async (t) => {
  const box = await template(t, ['old1']);
  const torn = tear(box, 'short');
  const env = { ...box.env, STANDIN_FLAW: 'stale-plan' };
  await run(STANDIN.append, { env, stdin: markedRows(['new1']) });
  const broken: Program = { append: ['env', 'STANDIN_FLAW=stale-plan', ...STANDIN.append] };
  const failures = await recover(broken, box, { acked: ['old1', 'new1'], tried: [], torn });
  assert.match(failures.join('\n'), /left behind: .*audit\.heal\.pending/);
});

test(
  'harness: a blind retry after a failed sync is caught as a doubled row, cutting first is not',
  { skip },
  async (t) => {
    for (const flaw of ['blind-retry', 'none']) {
      const box = await template(t, ['old1']);
      const traced = await strace(STANDIN.append, {
        env: box.env,
        stdin: markedRows(['new1']),
        childEnv: { STANDIN_FLAW: flaw },
        arguments: failing(['fdatasync'], 'EIO', '1', [box.ledger]),
      });
      assert.equal(injected(traced), 1, 'the fault was injected');
      const acked = ['old1', ...acknowledged(['new1'], traced.ended.stdout)];
      const failures = await recover(STANDIN, box, { acked, tried: ['new1'] });
      if (flaw === 'none') assert.deepEqual(failures, []);
      else assert.match(failures.join('\n'), /row stored 2 times: new1/);
    }
  },
);

test('harness: a failed write that is answered as landed is caught', { skip }, async (t) => {
  const box = await template(t, ['old1']);
  const env = { ...box.env, STANDIN_FLAW: 'ignore-error', ...shimEnv({ path: 'audit.jsonl', mode: 'err' }) };
  const ended = await run(STANDIN.append, { env, stdin: markedRows(['new1']) });
  const failures = await recover(STANDIN, box, { acked: ['old1', ...acknowledged(['new1'], ended.stdout)], tried: [] });
  assert.match(failures.join('\n'), /acknowledged row lost: new1/);
});

test('harness: each mode of the shim leaves what it says', { skip }, async (t) => {
  const script = `const fs = require('node:fs'); const fd = fs.openSync(process.argv[1], 'a');
    try { process.stdout.write(String(fs.writeSync(fd, 'abcdefgh\\n'))); } catch (error) { process.stdout.write(error.code); }`;
  const wanted = {
    kill: ['abc', ''],
    zero: ['abc\0\0\0\0\0\0', ''],
    zeroline: ['abc\0\0\0\0\0\n', ''],
    garbage: ['abc\xfe\xfe\xfe\xfe\xfe\xfe', ''],
    short: ['abcdefgh\n', '9'], // libuv goes on by itself
    err: ['abc', 'UNKNOWN'], // a quota error has no name in Node
  } as const;
  for (const mode of ['kill', 'zero', 'zeroline', 'garbage', 'short', 'err'] as const) {
    const box = sandbox(t);
    const file = join(box.root, 'audit.jsonl');
    const env = { ...box.env, ...shimEnv({ path: 'audit.jsonl', mode, bytes: 3, errno: 122 }) };
    const ended = await run([process.execPath, '-e', script, file], { env });
    const [bytes, said] = wanted[mode];
    assert.equal(readFileSync(file, 'latin1'), bytes, mode);
    assert.equal(ended.stdout, said, mode);
    assert.equal(ended.status, said === '' ? 137 : 0, mode);
  }
});

test('harness: a kill happens before the call, and a point that is never reached is told', { skip }, async (t) => {
  const box = sandbox(t);
  const script = `require('node:fs').writeFileSync(process.argv[1], 'x')`;
  const file = join(box.root, 'made');
  const command = [process.execPath, '-e', script, file];
  const clean = await strace(command, { env: box.env });
  const opened = mainThreadCalls(clean.trace).find((call) => call.text.includes('/made"'));
  assert.ok(opened, 'the call is in the trace');
  writeFileSync(file, 'untouched');
  const killed = await strace(command, { env: box.env, arguments: killBefore(opened) });
  assert.ok(wasKilled(killed));
  assert.equal(readFileSync(file, 'utf8'), 'untouched');
  const missed = await strace(command, { env: box.env, arguments: killBefore({ name: 'openat', nth: 9999 }) });
  assert.ok(!wasKilled(missed));
});

test('harness: the reader sees a changed byte, a lost row, a doubled row and a row from nowhere', async (t) => {
  const box = await template(t, ['old1', 'old2', 'old3']);
  const bytes = readFileSync(box.ledger);
  assert.deepEqual(readLedgerBytes(bytes).problems, []);
  const changed = Buffer.from(bytes);
  changed[bytes.indexOf('old2') + 3] = 0x39;
  assert.match(readLedgerBytes(changed).problems.join('\n'), /row 2: its hash is not that of its bytes/);
  const lines = bytes.toString().split('\n');
  const without = readLedgerBytes(Buffer.from([lines[0], lines[2], ''].join('\n')));
  assert.match(without.problems.join('\n'), /expected seq 2, found 3/);
  appendFileSync(box.ledger, tornBytes('zero'));
  const seen = view(box);
  assert.equal(seen.torn.length, tornBytes('zero').length);
  assert.deepEqual(countViolations(seen, { acknowledged: ['old1', 'old2', 'old3', 'old4'] }), [
    'acknowledged row lost: old4',
  ]);
  assert.deepEqual(countViolations(seen, { acknowledged: ['old1', 'old2'] }), ['row from nowhere: old3']);
  const doubled = { ...seen, rows: [...seen.rows, seen.rows[0] ?? {}] };
  assert.match(countViolations(doubled, { acknowledged: ['old1', 'old2', 'old3'] }).join(), /row stored 2 times: old1/);
});

test('harness: a sample is evenly spread and holds both ends', () => {
  const items = Array.from({ length: 100 }, (_, i) => i);
  const taken = process.env['LEDGER_FAULTS'] === 'full' ? [0, 99] : sample(items, 5);
  assert.equal(taken[0], 0);
  assert.equal(taken.at(-1), 99);
});
