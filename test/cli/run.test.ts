/** `ledger run`, as a shell sees it. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Row } from '../../src/core/members';
import { LEDGER, missingTools, run, start, until } from '../support/process';
import type { Ended } from '../support/process';
import { sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

const command = (...args: string[]): string[] => [process.execPath, LEDGER, 'run', ...args];
const wrap = (box: Sandbox, ...args: string[]): Promise<Ended> => run(command(...args), { env: box.env });

function rows(box: Sandbox): Row[] {
  const lines = readFileSync(box.ledger, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Row).filter(({ action }) => !action.startsWith('audit.'));
}

test('a command stands between two rows; its output and its status are its own', async (t) => {
  const box = sandbox(t);
  const ended = await wrap(
    box,
    '--agent',
    'coder',
    '--cost-usd',
    '0.5',
    '--',
    'sh',
    '-c',
    'echo out; echo err >&2; exit 3',
  );
  assert.equal(ended.status, 3);
  assert.equal(ended.stdout, 'out\n');
  assert.equal(ended.stderr, 'err\n');
  const [first, second] = rows(box);
  assert.equal(first?.action, 'run_started');
  assert.deepEqual(first.payload, { program: 'sh' });
  assert.equal(second?.action, 'run_completed');
  assert.equal(second.outcome, 'failure');
  assert.deepEqual(second.payload, { program: 'sh', exit_status: 3 });
  assert.equal(first.run_id, second.run_id);
  assert.deepEqual([first.run_seq, second.run_seq], [1, 2]);
  assert.deepEqual([first.agent, second.agent], ['coder', 'coder']);
  // A cost in both rows would be counted twice.
  assert.deepEqual([first.cost_usd, second.cost_usd], [undefined, 0.5]);
});

test('arguments may hold secrets: recorded only when asked', async (t) => {
  const box = sandbox(t);
  await wrap(box, '--', 'echo', 'password');
  assert.ok(!readFileSync(box.ledger, 'utf8').includes('password'));
  await wrap(box, '--record-args', '--', 'echo', 'a', 'b');
  assert.deepEqual(rows(box)[2]?.payload, { program: 'echo', args: ['a', 'b'] });
});

test('a run within a run has an id of its own and names its parent; rows of the command join the run', async (t) => {
  const box = sandbox(t);
  const ended = await wrap(
    box,
    ...['--', ...command('--', process.execPath, LEDGER, 'append', '--action', 'step.done', '-q')],
  );
  assert.equal(ended.status, 0, ended.stderr);
  const [outer, inner, step, innerEnd, outerEnd] = rows(box);
  assert.notEqual(outer?.run_id, inner?.run_id);
  assert.equal(inner?.parent_run_id, outer?.run_id);
  assert.equal(step?.run_id, inner?.run_id);
  assert.equal(innerEnd?.run_id, inner?.run_id);
  assert.equal(outerEnd?.run_id, outer?.run_id);
  assert.equal(outerEnd?.parent_run_id, undefined);
});

test('the command finds the ledger wherever it goes', async (t) => {
  const box = sandbox(t);
  const args = [
    '--dir',
    'state',
    '--',
    'sh',
    '-c',
    `cd / && "$0" "${LEDGER}" append --action from.elsewhere -q`,
    process.execPath,
  ];
  const ended = await run(command(...args), { env: { ...box.env, LEDGER_DIR: '' }, cwd: box.root });
  assert.equal(ended.status, 0, ended.stderr);
  assert.deepEqual(
    rows(box).map(({ action }) => action),
    ['run_started', 'from.elsewhere', 'run_completed'],
  );
});

test('126 and 127 as a shell says them, with an end row that tells', async (t) => {
  const box = sandbox(t);
  const plain = join(box.root, 'plain.txt');
  writeFileSync(plain, 'no program');
  chmodSync(plain, 0o644);
  assert.equal((await wrap(box, '--', 'no-such-command')).status, 127);
  assert.equal((await wrap(box, '--', plain)).status, 126);
  assert.deepEqual(
    rows(box).map(({ outcome, payload }) => [outcome, payload?.['exit_status']]),
    [
      [undefined, undefined],
      ['failure', 127],
      [undefined, undefined],
      ['failure', 126],
    ],
  );
});

for (const [signal, number] of [
  ['SIGTERM', 15],
  ['SIGINT', 2],
  ['SIGHUP', 1],
] as const) {
  test(`${signal} reaches the command; the end is recorded; exit ${128 + number}`, async (t) => {
    const box = sandbox(t);
    const { child, ended } = start(command('--', 'sh', '-c', 'echo up; exec sleep 30'), { env: box.env, stdin: '' });
    await new Promise((up) => child.stdout?.once('data', up));
    child.kill(signal);
    assert.equal((await ended).status, 128 + number);
    assert.deepEqual(rows(box)[1]?.payload, { program: 'sh', signal });
  });
}

test('a command that handles the signal decides how it ends', async (t) => {
  const box = sandbox(t);
  const script = 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done';
  const { child, ended } = start(command('--', 'sh', '-c', script), { env: box.env, stdin: '' });
  await new Promise((up) => child.stdout?.once('data', up));
  child.kill('SIGTERM');
  const { status, stdout } = await ended;
  assert.deepEqual([status, stdout], [7, 'up\nbye\n']);
  assert.deepEqual(rows(box)[1]?.payload, { program: 'sh', exit_status: 7 });
});

test('where the start cannot be recorded nothing is started: 125', async (t) => {
  const box = sandbox(t);
  const mark = join(box.root, 'started');
  for (const args of [['--outcome', 'x'], ['--no-such-flag'], ['--occurred-at', 'never']])
    assert.equal((await wrap(box, ...args, '--', 'touch', mark)).status, 125, args.join(' '));
  assert.equal((await wrap(box, '--payload', '{"program":"x"}', '--', 'touch', mark)).status, 125);
  assert.equal((await wrap(box)).status, 125);
  // What the end row alone would hold is looked at before, too.
  for (const args of [['--cost-usd', '1,50'], ['--cost-usd', ''], ['--input-tokens=-5']])
    assert.equal((await wrap(box, ...args, '--', 'touch', mark)).status, 125, args.join(' '));
  const set = await run(command('--', 'touch', mark), { env: { ...box.env, LEDGER_COST_USD: '$1' } });
  assert.equal(set.status, 125);
  assert.ok(!existsSync(mark));
});

test(
  'arguments that are no UTF-8 are refused, not passed on as others',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const box = sandbox(t);
    const typed = (words: string): Promise<Ended> =>
      run(['bash', '-c', `exec "$0" "$1" ${words}`, process.execPath, LEDGER], { env: box.env });
    const ran = await typed("run -- echo $'caf\\xe9'");
    assert.deepEqual([ran.status, ran.stdout], [125, '']);
    assert.match(ran.stderr, /expected arguments in UTF-8/);
    assert.equal((await typed("append --action a.b --reason $'caf\\xe9'")).status, 2);
    assert.equal((await typed("append --action a.b --reason $'caf\\xc3\\xa9 \\xef\\xbf\\xbd'")).status, 0);
  },
);

test('the help offers no flag that is refused', async (t) => {
  const box = sandbox(t);
  const { stdout } = await wrap(box, '--help');
  assert.match(stdout, /--agent </);
  for (const name of ['action', 'occurred-at', 'outcome', 'duration-ms', 'idempotency-key'])
    assert.ok(!stdout.includes(`--${name} `), name);
});

test('a ledger that fails after the command ran does not change its status', async (t) => {
  const box = sandbox(t);
  // The folder becomes one that is not written to: others could replace its files.
  const ended = await wrap(box, '--', 'sh', '-c', `chmod 777 "${box.dir}"; exit 5`);
  assert.equal(ended.status, 5);
  assert.match(ended.stderr, /warning: the end of the run could not be recorded/);
  assert.match(ended.stderr, /\{"run_id":.*"action":"run_completed"/);
});

test('a process that dies leaves a start without an end', async (t) => {
  const box = sandbox(t);
  const { child, ended } = start(command('--', 'sleep', '2'), { env: box.env, stdin: '' });
  await until('the start is recorded', () => existsSync(box.ledger) && rows(box).length === 1);
  child.kill('SIGKILL');
  assert.equal((await ended).status, 137);
  assert.deepEqual(
    rows(box).map(({ action }) => action),
    ['run_started'],
  );
});

test('the keyboard interrupts the command once', { skip: missingTools('script') }, async (t) => {
  const box = sandbox(t);
  const body = join(box.root, 'count.sh');
  writeFileSync(
    body,
    'n=0; trap "n=\\$((n+1))" INT; echo up; i=0; while [ $i -lt 10 ]; do sleep 0.1; i=$((i+1)); done; echo total $n\n',
  );
  // script(1) gives it a terminal of its own; the byte 3 is Ctrl-C there.
  const line = `'${process.execPath}' '${LEDGER}' run -- sh '${body}'`;
  const { child, ended } = start(['script', '-qec', line, '/dev/null'], { env: box.env });
  await new Promise((up) => child.stdout?.once('data', up));
  child.stdin?.write('\x03');
  const { stdout } = await ended;
  assert.match(stdout, /total 1/);
});
