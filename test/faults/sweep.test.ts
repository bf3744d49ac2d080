/**
 * The sweep as a repairer (case 6), and what it must leave behind: broken lines become named gaps and never anything
 * better, cut tails are kept, forged gaps are told apart.
 */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { parseLine, view, violations } from '../support/check';
import { LANES, mapLimit, missingTools } from '../support/process';
import { appendMarks, inSandbox, ledger, ledgerCommand, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import { fill, fillIndexed } from '../support/states';
import { changing, sample } from '../support/strace';
import type { Call } from '../support/strace';
import { killSweep, SHIPPED } from '../support/sweep';

const skip = missingTools('strace', 'gcc');

function linesOf(box: Sandbox): string[] {
  const lines = readFileSync(box.ledger, 'latin1').split('\n');
  lines.pop();
  return lines;
}

/** Makes a line of a ledger no row any more; what it was is returned. */
function breakLine(box: Sandbox, index: number): string {
  const lines = linesOf(box);
  const broken = `${(lines[index] as string).slice(0, 60)}\0\0\0\0 torn`;
  writeFileSync(box.ledger, `${lines.map((line, i) => (i === index ? broken : line)).join('\n')}\n`, 'latin1');
  return broken;
}

const isTombstone = (line: string): boolean => parseLine(Buffer.from(line, 'latin1'))?.['action'] === 'audit.tombstone';

/** The original rows stand where they stood; the broken one is either what it was or a tombstone: never a mixture. */
function mixed(box: Sandbox, original: readonly string[], index: number, broken: string): string[] {
  const now = linesOf(box).slice(0, original.length);
  return original.flatMap((line, i) => {
    const found = now[i] ?? 'nothing';
    if (i !== index) return found === line ? [] : [`line ${i + 1} changed`];
    return found === broken || isTombstone(found) ? [] : [`line ${i + 1} is neither old nor a tombstone: ${found}`];
  });
}

/** After a broken line was swept: one tombstone, its bytes kept, a named gap and never "intact". */
async function gapFaults(box: Sandbox, seq: number, broken: string): Promise<string[]> {
  const wrong: string[] = [];
  const seen = view(box);
  const tombstones = seen.rows.filter((row) => row['action'] === 'audit.tombstone');
  if (tombstones.length !== 1 || tombstones[0]?.['seq'] !== seq)
    wrong.push(`tombstones: ${JSON.stringify(tombstones)}`);
  const kept = [...seen.quarantine.values()].map((bytes) => bytes.toString('latin1').trimEnd());
  if (!kept.includes(broken.trimEnd())) wrong.push('the broken bytes are in no quarantine file');
  const verdict = await ledger(box, ['verify', '--json']);
  if (verdict.status !== 3 || !verdict.stdout.includes('"gaps"'))
    wrong.push(`verify: exit ${verdict.status}, ${verdict.stdout}`);
  return [...wrong, ...seen.problems];
}

test(
  'case 6: killed before every call of a sweep that replaces the file: old or new, never mixed',
  { skip },
  async (t) => {
    const template = sandbox(t);
    await fill(template, 7);
    const original = linesOf(template);
    const broken = breakLine(template, 3);
    const look = async (box: Sandbox): Promise<string[]> => {
      const wrong = mixed(box, original, 3, broken);
      const again = await ledger(box, ['sweep']);
      if (again.status > 1) wrong.push(`the next sweep: exit ${again.status}, ${again.stderr}`);
      const third = await ledger(box, ['sweep']);
      if (third.status !== 0)
        wrong.push(`the one after it is not clean: exit ${third.status}, ${third.stdout} ${third.stderr}`);
      return [...wrong, ...mixed(box, original, 3, broken), ...(await gapFaults(box, 4, broken))];
    };
    const command = ledgerCommand('sweep');
    const choose = (calls: readonly Call[]) => changing(calls).filter((_, i) => i % 11 === 3);
    const result = await killSweep({ program: SHIPPED, command, template, before: [], marks: [], look, choose });
    t.diagnostic(`${result.points} points, ${result.killed} killed`);
    assert.deepEqual(result.failures, []);
    assert.ok(result.points >= 3);
  },
);

test('case 6: after a kill in a sweep the next append lands all the same', { skip }, async (t) => {
  const template = sandbox(t);
  await fill(template, 7);
  const broken = breakLine(template, 3);
  const look = async (box: Sandbox): Promise<string[]> => {
    const ended = await appendMarks(box, ['next']);
    const wrong = ended.stdout.includes('"landed"') ? [] : [`append: ${ended.stdout} ${ended.stderr}`];
    await ledger(box, ['sweep']);
    return [...wrong, ...(await gapFaults(box, 4, broken))];
  };
  const command = ledgerCommand('sweep');
  const choose = (calls: readonly Call[]) => sample(changing(calls), 3);
  const { failures } = await killSweep({ program: SHIPPED, command, template, before: [], marks: [], look, choose });
  assert.deepEqual(failures, []);
});

test('sweep: each line of a small ledger broken in turn becomes a named gap, exit 3', async (t) => {
  const template = sandbox(t);
  await fill(template, 5);
  const failures = await mapLimit([1, 2, 3, 4], LANES, (index) =>
    inSandbox(template, async (box) => {
      const broken = breakLine(box, index);
      const dry = readFileSync(box.ledger);
      const looked = await ledger(box, ['sweep', '--dry-run']);
      const wrong = looked.status === 1 ? [] : [`dry run: exit ${looked.status}, ${looked.stdout}`];
      if (!readFileSync(box.ledger).equals(dry)) wrong.push('a dry run wrote');
      const swept = await ledger(box, ['sweep']);
      if (swept.status !== 1) wrong.push(`sweep: exit ${swept.status}, ${swept.stderr}`);
      wrong.push(...(await gapFaults(box, index + 1, broken)));
      return wrong.map((failure) => `line ${index + 1}: ${failure}`);
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

test('sweep: a broken first line is repaired from the lock file and the row after it', async (t) => {
  const box = sandbox(t);
  await fill(box, 4);
  breakLine(box, 0);
  const swept = await ledger(box, ['sweep']);
  assert.equal(swept.status, 1, `${swept.stdout} ${swept.stderr}`);
  const next = await appendMarks(box, ['next']);
  assert.match(next.stdout, /"landed"/, next.stderr);
  const verdict = await ledger(box, ['verify', '--json']);
  assert.equal(verdict.status, 3, verdict.stdout);
});

test('sweep: a whole row swapped for a forged tombstone is told apart, exit 1', async (t) => {
  const box = sandbox(t);
  await fill(box, 5);
  const lines = linesOf(box);
  const [before, after] = [lines[2], lines[4]].map((line) => parseLine(Buffer.from(line ?? '', 'latin1')));
  const forged = JSON.stringify({
    seq: 4,
    action: 'audit.tombstone',
    heal_id: before?.['id'],
    bytes_sha256: 'ab'.repeat(32),
    prev_hash: before?.['hash'],
    hash: after?.['prev_hash'],
  });
  writeFileSync(box.ledger, `${lines.map((line, i) => (i === 3 ? forged : line)).join('\n')}\n`, 'latin1');
  const verdict = await ledger(box, ['verify', '--json']);
  assert.equal(verdict.status, 1, verdict.stdout);
  assert.match(verdict.stdout, /GAP_UNBACKED/);
});

/** Cuts the ledger at bytes of its last three rows and sweeps; what breaks the rule. */
async function cutAndSweep(t: TestContext, withIndex: boolean): Promise<string[]> {
  const template = sandbox(t);
  await (withIndex ? fillIndexed(template) : fill(template, 6));
  const bytes = readFileSync(template.ledger);
  const lines = linesOf(template);
  const from = bytes.length - lines.slice(-3).reduce((sum, line) => sum + line.length + 1, 0);
  const every = Array.from({ length: bytes.length - from }, (_, i) => from + i);
  // A row that lacks nothing but its newline goes another way than a torn one.
  const newlines = every.filter((cut) => bytes[cut] === 0x0a);
  const cuts = [...new Set([...sample(every, withIndex ? 3 : 6), ...newlines])];
  const failures = await mapLimit(cuts, LANES, (cut) =>
    inSandbox(template, async (box) => {
      if (!withIndex) rmSync(join(box.dir, 'index.db'), { force: true });
      truncateSync(box.ledger, cut);
      const rowStart = bytes.subarray(0, cut).lastIndexOf(0x0a) + 1;
      const torn = bytes.subarray(rowStart, cut);
      const wholeRow = bytes[cut] === 0x0a;
      const swept = await ledger(box, ['sweep']);
      const wrong = swept.status <= 1 ? [] : [`sweep: exit ${swept.status}, ${swept.stderr}`];
      const kept = [...view(box).quarantine.values()];
      if (torn.length > 0 && !wholeRow && !kept.some((one) => one.equals(torn)))
        wrong.push('the torn bytes are not kept');
      const verdict = await ledger(box, ['verify', '--json']);
      const wanted = withIndex && cut < bytes.length - 1 ? [1, 3] : [0];
      if (!wanted.includes(verdict.status))
        wrong.push(`verify: exit ${verdict.status}, ${verdict.stdout.slice(0, 700)}`);
      if (withIndex && cut < bytes.length - 1) wrong.push(...(await lostFaults(box)));
      return wrong.map((failure) => `cut at ${cut} of ${bytes.length}: ${failure}`);
    }),
  );
  return failures.flat();
}

/** Rows that the index knew are gone: the next append says so in the chain, and the verdict stays "gaps". */
async function lostFaults(box: Sandbox): Promise<string[]> {
  const next = await appendMarks(box, ['next']);
  const wrong = next.stdout.includes('"landed"') ? [] : [`append: ${next.stdout} ${next.stderr}`];
  if (!view(box).rows.some((row) => row['action'] === 'audit.rows-lost')) wrong.push('no row audit.rows-lost');
  const verdict = await ledger(box, ['verify', '--json']);
  if (verdict.status !== 3) wrong.push(`verify after it: exit ${verdict.status}, ${verdict.stdout.slice(0, 700)}`);
  return wrong;
}

test('sweep: cut at any byte of the last three rows, no index: healed, kept, intact', async (t) => {
  assert.deepEqual(await cutAndSweep(t, false), []);
});

test('sweep: cut at any byte of the last three rows, with the index: the lost rows are named', async (t) => {
  assert.deepEqual(await cutAndSweep(t, true), []);
});

test('sweep: a torn spill record is set aside with a row of its own, the others are chained', { skip }, async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 3);
  const env = shimEnv({ path: '/audit.jsonl', mode: 'err', times: 0 });
  await appendMarks(box, ['wait1', 'wait2'], { env });
  appendFileSync(join(box.dir, 'audit.spill.jsonl'), '\n{"spill":1,"id":"01K');
  await appendMarks(box, ['wait3'], { env });
  const swept = await ledger(box, ['sweep']);
  assert.ok(swept.status <= 1, swept.stderr);
  assert.deepEqual(violations(box, { acknowledged: [...before, 'wait1', 'wait2', 'wait3'] }), []);
  const kept = [...view(box).quarantine.values()].map((bytes) => bytes.toString());
  assert.ok(
    kept.some((text) => text.includes('{"spill":1,"id":"01K')),
    'its bytes are kept',
  );
});
