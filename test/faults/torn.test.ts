/**
 * Torn tails (cases 7-11): a row cut, zero-filled or followed by noise at every byte, in the write itself. The short
 * form takes an even sample of the bytes, both ends among them; the long form (LEDGER_FAULTS=full) takes each.
 */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { view, violations } from '../support/check';
import type { ReadRow } from '../support/check';
import { LANES, mapLimit, missingTools, run } from '../support/process';
import {
  acknowledged,
  APPEND,
  appendMarks,
  inSandbox,
  ledger,
  markedRows,
  receipts,
  sandbox,
  measured,
} from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import type { ShimMode } from '../support/shim';
import { fill } from '../support/states';
import { sample } from '../support/strace';
import { recover, SHIPPED } from '../support/sweep';

const skip = missingTools('gcc');

interface Cut {
  readonly template: Sandbox;
  readonly before: readonly string[];
  /** How many bytes one appended row takes. */
  readonly rowBytes: number;
}

async function cutState(t: TestContext): Promise<Cut> {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const rowBytes = await inSandbox(template, async (box) => {
    const size = statSync(box.ledger).size;
    await fill(box, 1, 'new');
    return statSync(box.ledger).size - size;
  });
  return { template, before, rowBytes };
}

const healRows = (box: Sandbox): ReadRow[] => view(box).rows.filter((row) => row['action'] === 'audit.heal-truncation');

/** Kills the writer inside its write of one row, after `bytes` of it; returns what breaks the pass rule. */
async function cutAt(cut: Cut, mode: ShimMode, bytes: number, kinds: readonly string[]): Promise<string[]> {
  return inSandbox(cut.template, async (box) => {
    const env = { ...box.env, ...shimEnv({ path: '/audit.jsonl', mode, bytes }) };
    const ended = await run(APPEND, { env, cwd: box.root, stdin: markedRows(['new1']) });
    const failures = ended.status === 137 ? [] : [`expected a killed process, found exit ${ended.status}`];
    const grown = statSync(box.ledger).size - statSync(cut.template.ledger).size;
    const acked = [...cut.before, ...acknowledged(['new1'], ended.stdout)];
    failures.push(...(await recover(SHIPPED, box, { acked, tried: ['new1'] })));
    const found = healRows(box).map((row) => String((row['payload'] as ReadRow)['kind']));
    const wanted = grown === 0 || (bytes >= cut.rowBytes && mode === 'kill') ? [] : kinds;
    if (wanted.length === 0 ? found.length > 0 : found.length !== 1 || !wanted.includes(found[0] ?? ''))
      failures.push(
        `expected ${wanted.length === 0 ? 'no heal row' : wanted.join(' or ')}, found ${found.join() || 'none'}`,
      );
    return failures.map((failure) => `${failure}\n    ${mode} at byte ${bytes} of ${cut.rowBytes}`);
  });
}

async function expectCuts(
  t: TestContext,
  mode: ShimMode,
  count: number,
  kinds: readonly string[],
  last = 0,
): Promise<void> {
  const cut = await cutState(t);
  const points = sample(
    Array.from({ length: cut.rowBytes + 1 - last }, (_, i) => i),
    count,
  );
  const failures = await mapLimit(points, LANES, (bytes) => cutAt(cut, mode, bytes, kinds));
  t.diagnostic(`${points.length} points of ${cut.rowBytes + 1}`);
  assert.deepEqual(failures.flat(), []);
}

test('case 7: a row cut at every byte heals, and its torn bytes are kept', { skip }, (t) =>
  expectCuts(t, 'kill', 7, ['short', 'newline']),
);

test('case 8: a row whose rest is zeros at every byte heals', { skip }, (t) =>
  expectCuts(t, 'zero', 4, ['zero', 'newline'], 1),
);

test('case 9: a last line of zeros with a newline does not block, and its class is named', { skip }, (t) =>
  expectCuts(t, 'zeroline', 3, ['zero'], 2),
);

test('case 9: a last line of garbage does not block, and its class is named', { skip }, (t) =>
  expectCuts(t, 'garbage', 3, ['garbage', 'short'], 2),
);

test('case 9: a tail of zeros alone, with and without a newline, heals', async (t) => {
  for (const tail of [Buffer.alloc(9000), Buffer.concat([Buffer.alloc(9000), Buffer.from('\n')])]) {
    const box = sandbox(t);
    const before = await fill(box, 2);
    appendFileSync(box.ledger, tail);
    assert.deepEqual(await recover(SHIPPED, box, { acked: before, tried: [], torn: tail }), []);
    assert.deepEqual(
      healRows(box).map((row) => (row['payload'] as ReadRow)['kind']),
      ['zero'],
    );
  }
});

test('case 10: a complete row without its newline is kept where its hash is right', { skip }, async (t) => {
  const cut = await cutState(t);
  assert.deepEqual(await cutAt(cut, 'kill', cut.rowBytes - 1, ['newline']), []);
});

test('case 10: a complete row without its newline and with a wrong hash is tampering: nothing heals it', async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 3);
  const bytes = readFileSync(box.ledger);
  const changed = Buffer.from(bytes.subarray(0, -1));
  changed[bytes.lastIndexOf('tester')] = 0x54;
  writeFileSync(box.ledger, changed);
  const ended = await appendMarks(box, ['new1']);
  assert.deepEqual(readFileSync(box.ledger), changed, 'the evidence is untouched');
  assert.equal(receipts(ended.stdout)[0]?.status, 'spilled', ended.stderr);
  assert.match(ended.stdout, /TAIL_TAMPERED/);
  const prose = await ledger(box, ['append', '--action', 'fault.probe', '--set', 'mark=new2']);
  assert.match(prose.stderr, /ledger verify/, 'the hint says where to look');
  const verdict = await ledger(box, ['verify', '--json']);
  assert.equal(verdict.status, 1, verdict.stdout);
  assert.equal(view(box).quarantine.size, 0, 'nothing was set aside');
  assert.equal(before.length, 3);
});

for (const megabytes of [1, 100]) {
  test(`case 11: a tail of ${megabytes} MB of zeros is healed quickly, in little memory, byte for byte`, async (t) => {
    const box = sandbox(t);
    const before = await fill(box, 3);
    const size = statSync(box.ledger).size;
    const torn = Buffer.alloc(megabytes * 1_000_000);
    truncateSync(box.ledger, size + torn.length);
    const { ended, peakBytes, cpuMs } = await measured(box, APPEND, { stdin: markedRows(['next']) });
    t.diagnostic(`${Math.round(cpuMs)} ms of processor time, ${Math.round(peakBytes / 1e6)} MB`);
    assert.equal(ended.status, 0, ended.stderr);
    assert.deepEqual(violations(box, { acknowledged: [...before, 'next'], torn: [torn] }), []);
    assert.ok(cpuMs < 2000, `expected 2 s at most, found ${cpuMs} ms`);
    assert.ok(peakBytes < 130e6, `expected about 100 MB at most, found ${peakBytes}`);
  });
}
