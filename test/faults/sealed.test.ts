/** kill -9 before every system call of an append that seals, and of an erasure. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { view } from '../support/check';
import { missingTools } from '../support/process';
import { inSandbox, ledger, ledgerCommand, markedRows, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { fill } from '../support/states';
import { allCalls, firstStepMissing, strace } from '../support/strace';
import { killSweep, recover, SHIPPED } from '../support/sweep';

const skip = missingTools('strace', 'gcc');
const VALUE = 'churn risk of Kim';

const openings = (box: Sandbox): string =>
  existsSync(join(box.dir, 'sealed.jsonl')) ? readFileSync(join(box.dir, 'sealed.jsonl'), 'utf8') : '';

async function warningsOf(box: Sandbox): Promise<readonly string[]> {
  const { stdout } = await ledger(box, ['verify', '--json']);
  return (JSON.parse(stdout) as { warnings: string[] }).warnings;
}

test('an append that seals: no row without what opens it, none lost, none twice', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const append = ledgerCommand('append', '--json', '--seal', 'mark', '-');
  const marks = ['new1', 'new2'];
  const { trace } = await inSandbox(template, (box) =>
    strace(append, { env: box.env, cwd: box.root, stdin: markedRows(marks) }),
  );
  const order = [
    /^write\(\d+<[^>]*sealed\.jsonl>/,
    /^fdatasync\(\d+<[^>]*sealed\.jsonl>/,
    /^fsync\(\d+<[^>]*\/state>/,
    /^write\(\d+<[^>]*audit\.jsonl>/,
    /^fdatasync\(\d+<[^>]*audit\.jsonl>/,
  ];
  assert.equal(firstStepMissing(allCalls(trace), order), undefined, 'the openings, durably, and only then the row');
  const look = async (box: Sandbox): Promise<string[]> => {
    const rows = view(box).rows.filter((row) => typeof row['mark'] === 'object');
    const wrong = rows.flatMap(({ seq, mark }) => {
      const { sealed } = mark as { sealed: string };
      return openings(box).includes(`{"digest":"${sealed}","salt":`) ? [] : [`row ${String(seq)} has no opening`];
    });
    const failures = await recover({ append: SHIPPED.append }, box, { acked: before, tried: marks });
    // What a kill between the two syncs leaves is of no row, and is named.
    const said = (await warningsOf(box)).filter((text) => /opening(?!s? belongs? to no row)/.test(text));
    return [...wrong, ...failures, ...said];
  };
  const { points, killed, failures } = await killSweep({
    program: SHIPPED,
    command: append,
    template,
    before,
    marks,
    look,
  });
  t.diagnostic(`${points} points, ${killed} killed`);
  assert.deepEqual(failures, []);
  assert.equal(killed, points);
  assert.ok(points >= 6, String(points));
});

test('an erasure: all as before, or a row that says so and an opening that goes for good', { skip }, async (t) => {
  const template = sandbox(t);
  await fill(template, 3);
  const sealed = await ledger(template, ['append', 'a.b', '--reason', VALUE, '--set', 'own=kept', '--seal', 'reason', '--seal', 'own']); // prettier-ignore
  assert.equal(sealed.status, 0, sealed.stderr);
  const erase = ['erase', '5', 'reason', '--reason', 'request 17'];
  const erasures = (box: Sandbox): number => view(box).rows.filter((row) => row['action'] === 'audit.erasure').length;
  const look = async (box: Sandbox): Promise<string[]> => {
    const [isThere, told, said] = [openings(box).includes(VALUE), erasures(box), (await warningsOf(box)).join()];
    const wrong: string[] = [];
    if (told > 1) wrong.push(`${told} rows say so`);
    if (!isThere && told === 0) wrong.push('gone, and no row says so');
    if (isThere && told === 1 && !/says that an opening was erased, and it is there still/.test(said))
      wrong.push(`there still, and verify says: ${said}`);
    if (told === 0 && said !== '') wrong.push(`all as before, and verify says: ${said}`);
    const again = await ledger(box, erase);
    if (again.status !== 0) wrong.push(`again: exit ${again.status}, ${again.stderr}`);
    if (openings(box).includes(VALUE)) wrong.push('there still, after all');
    if (!openings(box).includes('kept')) wrong.push('another opening is gone');
    if (erasures(box) !== 1) wrong.push(`${erasures(box)} rows say so in the end`);
    const after = await ledger(box, ['verify', '--json']);
    if (after.status !== 0 || !after.stdout.includes('"warnings":[]')) wrong.push(`verify: ${after.stdout}`);
    return wrong;
  };
  const command = ledgerCommand(...erase);
  const { points, killed, failures } = await killSweep({
    program: SHIPPED,
    command,
    template,
    before: [],
    marks: [],
    look,
  });
  t.diagnostic(`${points} points, ${killed} killed`);
  assert.deepEqual(failures, []);
  assert.equal(killed, points);
  assert.ok(points >= 6, String(points));
});
