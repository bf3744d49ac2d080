/**
 * Readers and writers at once, and ends of processes (cases 38-42): no false alarm, no duplicate, no torn row by a
 * signal, no byte of an answer lost in a slow pipe.
 */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { view, violations } from '../support/check';
import { LANES, mapLimit, missingTools, run, sleep, start, until } from '../support/process';
import type { Ended } from '../support/process';
import {
  acknowledged,
  APPEND,
  appendMarks,
  inSandbox,
  ledger,
  ledgerCommand,
  markedRow,
  markedRows,
  marks,
  receipts,
  sandbox,
} from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import { fill, tear } from '../support/states';
import { failing, FULL, injected, strace } from '../support/strace';
import { recover, SHIPPED } from '../support/sweep';

test('case 38: verify during a thousand appends raises no false alarm', async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 50);
  const all = marks('live', 1000);
  const writer = start(APPEND, { env: box.env, cwd: box.root });
  let done = false;
  const feed = (async () => {
    for (const mark of all) {
      writer.child.stdin?.write(`${markedRow(mark)}\n`);
      await sleep(2);
    }
    writer.child.stdin?.end();
    await writer.ended;
    done = true;
  })();
  const verdicts: Ended[] = [];
  const reader = async () => {
    while (!done) verdicts.push(await ledger(box, ['verify', '--json']));
  };
  await Promise.all([feed, reader()]);
  t.diagnostic(`${verdicts.length} verdicts`);
  assert.ok(verdicts.length >= 5);
  assert.deepEqual(
    verdicts.filter(({ status }) => status !== 0).map(({ stdout, stderr }) => `${stdout.slice(0, 500)} ${stderr}`),
    [],
  );
  assert.deepEqual(violations(box, { acknowledged: [...before, ...all] }), []);
});

test('case 38: a tail that stays torn is reported, after it was looked at again', async (t) => {
  const box = sandbox(t);
  await fill(box, 3);
  tear(box, 'short');
  const verdict = await ledger(box, ['verify', '--json']);
  assert.equal(verdict.status, 1, verdict.stdout);
  assert.match(verdict.stdout, /"TORN"/);
  assert.ok(verdict.elapsedMs > 900 && verdict.elapsedMs < 3000, `${verdict.elapsedMs} ms`);
});

test('case 39: verify beside a heal, twice at once: no wrong word, no byte changed', async () => {
  const failures = await mapLimit([1, 2], 1, () =>
    inSandbox(undefined, async (box) => {
      const before = await fill(box, 20);
      const torn = tear(box, 'zero');
      const [one, two, heal] = await Promise.all([
        ledger(box, ['verify', '--json']),
        ledger(box, ['verify', '--json']),
        appendMarks(box, ['new1']),
      ]);
      const verdicts = [one, two].filter(({ status, stdout }) => status !== 0 && !stdout.includes('"TORN"'));
      return [
        ...verdicts.map(({ stdout }) => `a false alarm: ${stdout}`),
        ...(heal.status === 0 ? [] : [heal.stderr]),
        ...violations(box, { acknowledged: [...before, 'new1'], torn: [torn] }),
      ];
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

/** A ledger with rows waiting in its spill file. */
async function spilledState(box: Sandbox, count: number): Promise<string[]> {
  const old = await fill(box, 3);
  const waiting = marks('spilled', count);
  const env = shimEnv({ path: '/audit.jsonl', mode: 'err', times: 0 });
  const ended = await appendMarks(box, waiting, { env });
  assert.equal(acknowledged(waiting, ended.stdout).length, count, ended.stderr);
  return [...old, ...waiting];
}

test(
  'case 39: rollup beside a heal that replaces a large file: the sums are of one file',
  { skip: missingTools('strace') },
  async (t) => {
    const box = sandbox(t);
    await fill(box, 1);
    const [, row = ''] = readFileSync(box.ledger, 'utf8').split('\n');
    const rows = 1000 * Math.ceil((80 << 20) / row.length / 1000);
    writeFileSync(box.ledger, `${row}\n`.repeat(rows));
    writeFileSync(`${box.ledger}.new`, `${row.replace('0.001', '0.002')}\n`.repeat(rows));
    // Every thread's first open of the ledger takes 2 s: time to replace it when one thread reads and others come.
    const log = join(box.root, 'trace');
    const slowOpen = ['-P', box.ledger, '-e', 'trace=openat', '-e', 'inject=openat:delay_enter=2000000:when=1'];
    const rollup = ledgerCommand('rollup', '--since', '@0', '--json');
    const reader = start(['strace', '-f', '-qq', '-o', log, ...slowOpen, ...rollup], { env: box.env, cwd: box.root });
    await until('the ledger is open', () => existsSync(log) && / = [0-9]+/.test(readFileSync(log, 'utf8')));
    await sleep(500);
    renameSync(`${box.ledger}.new`, box.ledger);
    const { stdout, stderr } = await reader.ended;
    const { total } = JSON.parse(stdout) as { total: { spent_usd: string } };
    assert.equal(total.spent_usd, String(rows / 1000), stderr);
  },
);

test('case 39: six drains at once chain each row once', (t) =>
  inSandbox(undefined, async (box) => {
    const before = await spilledState(box, 40);
    const own = marks('drainer', 6);
    const ended = await Promise.all(own.map((mark) => appendMarks(box, [mark])));
    assert.ok(ended.every(({ status }) => status === 0));
    t.diagnostic(`${view(box).rows.length} rows`);
    assert.deepEqual(violations(box, { acknowledged: [...before, ...own] }), []);
  }));

test(
  'case 39: a dry run beside a drain: a spill file that is gone when it is opened holds nothing',
  { skip: missingTools('strace', 'gcc') },
  () =>
    inSandbox(undefined, async (box) => {
      await spilledState(box, 2);
      const gone = failing(['openat'], 'ENOENT', '1', [join(box.dir, 'audit.spill.jsonl')]);
      const options = { env: box.env, cwd: box.root, arguments: gone };
      const traced = await strace(ledgerCommand('sweep', '--dry-run'), options);
      assert.equal(injected(traced), 1);
      assert.equal(traced.ended.status, 0, traced.ended.stderr);
    }),
);

test('case 39: rows spill while others drain: each is chained once', (t) =>
  inSandbox(undefined, async (box) => {
    const before = await spilledState(box, 10);
    const env = shimEnv({ path: '/audit.jsonl', mode: 'err', times: 0 });
    const [spilling, draining] = [marks('more', 6), marks('drainer', 6)];
    const spilled = spilling.map((mark) => appendMarks(box, [mark], { env }));
    const drained = draining.map((mark) => appendMarks(box, [mark]));
    const ended = await Promise.all([...spilled, ...drained]);
    const acked = ended.flatMap(({ stdout }, i) => acknowledged([[...spilling, ...draining][i] as string], stdout));
    t.diagnostic(`${acked.length} of 12 acknowledged`);
    const tried = [...spilling, ...draining];
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, ...acked], tried }), []);
  }));

test('case 39: two sweeps at once beside a writer', (t) =>
  inSandbox(undefined, async (box) => {
    const before = await spilledState(box, 10);
    const torn = tear(box, 'garbage');
    const [one, two, append] = await Promise.all([
      ledger(box, ['sweep']),
      ledger(box, ['sweep']),
      appendMarks(box, ['new1']),
    ]);
    t.diagnostic(`exits ${one.status}, ${two.status}`);
    for (const sweep of [one, two]) assert.ok(sweep.status < 2, sweep.stderr);
    assert.equal(append.status, 0, append.stderr);
    assert.deepEqual(violations(box, { acknowledged: [...before, 'new1'], torn: [torn] }), []);
  }));

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

for (const signal of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]) {
  test(`case 40: ${signal} in mid-stream tears nothing and loses no acknowledged row`, async () => {
    const waits = FULL ? Array.from({ length: 20 }, (_, i) => i * 7) : [5, 40];
    const failures = await mapLimit(waits, LANES, (waitMs) =>
      inSandbox(undefined, async (box) => {
        const before = await fill(box, 3);
        const all = marks('s', 5000);
        const writer = start(APPEND, { env: box.env, cwd: box.root });
        let heard = '';
        writer.child.stdout?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
        writer.child.stdin?.write(markedRows(all.slice(0, 1)));
        await until('the first receipt', () => heard.includes('\n'));
        writer.child.stdin?.write(markedRows(all.slice(1)));
        await sleep(waitMs);
        writer.child.kill(signal);
        const ended = await writer.ended;
        const { torn } = view(box);
        const wrong = torn.length === 0 ? [] : [`${torn.length} torn bytes after ${signal}`];
        if (ended.status !== SIGNALS[signal])
          wrong.push(`expected exit ${SIGNALS[signal]}, found ${ended.status}: ${ended.stderr}`);
        const acked = [...before, ...acknowledged(all, ended.stdout)];
        return [...wrong, ...(await recover(SHIPPED, box, { acked, tried: all }))];
      }),
    );
    assert.deepEqual(failures.flat(), []);
  });
}

test('case 40: a signal while it waits for input ends it at once', async (t) => {
  const box = sandbox(t);
  await fill(box, 1);
  const writer = start(APPEND, { env: box.env, cwd: box.root });
  let heard = '';
  writer.child.stdout?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  writer.child.stdin?.write(markedRows(['one']));
  await until('the first receipt', () => heard.includes('\n'));
  const sentAt = performance.now();
  writer.child.kill('SIGTERM');
  const ended = await writer.ended;
  assert.equal(ended.status, 143);
  assert.ok(performance.now() - sentAt < 2000);
});

/** Runs a shell line in which "$@" is a ledger command. */
function shell(box: Sandbox, line: string, args: readonly string[], stdin = ''): Promise<Ended> {
  return run(['bash', '-c', line, 'bash', ...ledgerCommand(...args)], { env: box.env, cwd: box.root, stdin });
}

test('case 41: a reader that goes away (head -1) is met quietly, and every row is appended all the same', async (t) => {
  const box = sandbox(t);
  const all = marks('h', 3000);
  const ended = await shell(box, '"$@" | head -1; exit ${PIPESTATUS[0]}', ['append', '--json', '-'], markedRows(all));
  assert.equal(ended.status, 0, ended.stderr);
  assert.doesNotMatch(ended.stderr, /\n\s+at |EPIPE/, 'no stack trace');
  assert.deepEqual(violations(box, { acknowledged: all }), [], 'the closed answer changes nothing');
});

test('case 41: standard output closed from the start', async (t) => {
  const box = sandbox(t);
  const ended = await shell(box, '"$@" >&-', ['append', '--json', '-'], markedRows(['one', 'two']));
  assert.doesNotMatch(ended.stderr, /\n\s+at /, 'no stack trace');
  assert.deepEqual(violations(box, { acknowledged: ['one', 'two'] }), []);
});

test('case 41: a full standard output (/dev/full) shows no stack trace', async (t) => {
  const box = sandbox(t);
  const ended = await shell(box, '"$@" > /dev/full', ['append', '--json', '-'], markedRows(['one']));
  assert.doesNotMatch(ended.stderr, /\n\s+at /, 'no stack trace');
  assert.deepEqual(violations(box, { acknowledged: ['one'] }), []);
});

test('case 42: every byte of a big answer reaches a slow reader', async (t) => {
  const box = sandbox(t);
  const all = marks('big', 3000);
  const line = '"$@" | (sleep 1; cat) > answers';
  const ended = await shell(box, line, ['append', '--json', '-'], markedRows(all));
  assert.equal(ended.status, 0, ended.stderr);
  const answers = readFileSync(join(box.root, 'answers'), 'utf8');
  assert.ok(answers.length > 4 * 65_536, `${answers.length} bytes`);
  assert.equal(receipts(answers).length, all.length);
  const tail = await shell(box, '"$@" | (sleep 1; cat) > tail', ['tail', '-n', '2000']);
  assert.equal(tail.status, 0, tail.stderr);
  const shown = readFileSync(join(box.root, 'tail'));
  const stored = readFileSync(box.ledger);
  assert.ok(stored.subarray(stored.length - shown.length).equals(shown), 'the stored lines, to the last byte');
  assert.equal(shown.toString().split('\n').length, 2001);
});

test('case 42: big input in one pipe: a last line without a newline counts, blank lines get their receipt', async (t) => {
  const box = sandbox(t);
  const ended = await ledger(box, ['append', '--json', '-'], { stdin: `${markedRow('a')}\n\n${markedRow('b')}` });
  assert.deepEqual(receipts(ended.stdout).length, 3, ended.stdout);
  assert.deepEqual(violations(box, { acknowledged: ['a', 'b'] }), []);
  const size = statSync(box.ledger).size;
  appendFileSync(box.ledger, '');
  assert.equal(statSync(box.ledger).size, size);
});
