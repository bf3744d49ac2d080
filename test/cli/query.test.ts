/** `ledger query` as a shell has it: bytes, pipes, cursors, followers, signals, terminals. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { withHash } from '../support/forgedRows';
import { chainOf, writeLedger } from '../support/ledgers';
import { LEDGER, missingTools, run, start, until } from '../support/process';
import { ledger, ledgerCommand, markedRows, marks, measured, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

const SHELL_LEDGER = `'${process.execPath}' '${LEDGER}'`;

function withRows(box: Sandbox, count: number, note = 'x'): string[] {
  const chain = chainOf();
  for (let n = 0; n < count; n++) chain.add({ action: 'a.b', agent: `a${n % 3}`, n, note });
  writeLedger(box.dir, chain.lines);
  return chain.lines;
}

const joined = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
const seqsOf = (text: string): number[] => [...text.matchAll(/^\{"seq":(\d+),/gm)].map(([, seq]) => Number(seq));

/** Runs a script with `$L` as the command. */
const shell = (box: Sandbox, script: string): ReturnType<typeof run> =>
  run(['bash', '-c', script.replaceAll('$L', SHELL_LEDGER)], { env: box.env, cwd: box.root, timeoutMs: 120_000 });

test('stored lines come out byte for byte, also with bytes that are no UTF-8, also to a follower', async (t) => {
  const box = sandbox(t);
  const lines = withRows(box, 500);
  const { hash } = JSON.parse(lines.at(-1) as string) as { hash: string };
  const last = JSON.parse(lines.at(-1) as string) as { seq: number; id: string };
  const open = `{"seq":${last.seq + 1},"ts":"2026-04-25T21:00:00.000Z","id":"${last.id.slice(0, -1)}Z","by":"1:a@b","agent":"bad","action":"a.b","x":"@@","nonce":"hmR0PnEucgZBCOeD_sjWfg","prev_hash":"${hash}"}`;
  const bytes = Buffer.from(open).map((byte) => (byte === 0x40 && open.includes('@@') ? byte : byte));
  bytes.set([0xff, 0xc3], open.indexOf('@@'));
  const { createHash } = await import('node:crypto');
  const sum = createHash('sha256').update(bytes).digest('hex');
  const line = Buffer.concat([bytes.subarray(0, -1), Buffer.from(`,"hash":"${sum}"}\n`)]);
  const followed = start(['bash', '-c', `exec ${SHELL_LEDGER} query -f -n 0 agent=bad > followed`], {
    env: box.env,
    cwd: box.root,
  });
  await until('it follows', () => existsSync(join(box.root, 'followed')));
  await new Promise((done) => setTimeout(done, 700));
  appendFileSync(box.ledger, line);
  await shell(box, '$L query agent=bad > shown');
  assert.ok(readFileSync(join(box.root, 'shown')).equals(line));
  await until('it is followed', () => readFileSync(join(box.root, 'followed')).length >= line.length);
  followed.child.kill('SIGTERM');
  assert.equal((await followed.ended).status, 143);
  assert.ok(readFileSync(join(box.root, 'followed')).equals(line));
});

test('a reader that has had enough ends it quietly, and the cursor stays', async (t) => {
  const box = sandbox(t);
  withRows(box, 2_000, 'x'.repeat(400));
  for (const more of ['', '--fields seq,note', '--fields seq,note --json', '-r', '-A 1']) {
    const { stdout, stderr } = await shell(
      box,
      `$L query --cursor-file seen ${more} | head -n 1 | wc -l; echo "\${PIPESTATUS[0]}"`,
    );
    assert.deepEqual([stdout, stderr], ['1\n0\n', ''], more);
    assert.ok(!existsSync(join(box.root, 'seen')), more);
  }
});

test('what cannot be printed moves no cursor and is exit 2', async (t) => {
  const box = sandbox(t);
  withRows(box, 20);
  for (const more of ['', '--fields seq', '--json --fields seq']) {
    const { stdout, stderr } = await shell(box, `$L query --cursor-file seen ${more} > /dev/full; echo $?`);
    assert.equal(stdout, '2\n', more);
    assert.match(stderr, /expected to write to stdout/, more);
    assert.ok(!existsSync(join(box.root, 'seen')), more);
    const gone = await shell(box, `(sleep 1; $L query --cursor-file seen ${more}) | true; sleep 2`);
    assert.equal(gone.stderr, '', more);
    assert.ok(!existsSync(join(box.root, 'seen')), more);
  }
});

test('a cursor that is killed at any moment skips no row', async (t) => {
  const box = sandbox(t);
  withRows(box, 3_000);
  const shown = new Set<number>();
  for (let round = 0; round < 12; round++) {
    await ledger(box, ['append', '-q', '--action', 'a.c']);
    const { child, ended } = start(ledgerCommand('query', '--cursor-file', 'seen'), {
      env: box.env,
      cwd: box.root,
      stdin: '',
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 40 + round * 25);
    const { stdout } = await ended;
    clearTimeout(timer);
    for (const seq of seqsOf(stdout.slice(0, stdout.lastIndexOf('\n') + 1))) shown.add(seq);
  }
  const rest = await ledger(box, ['query', '--cursor-file', 'seen']);
  for (const seq of seqsOf(rest.stdout)) shown.add(seq);
  const all = seqsOf(readFileSync(box.ledger, 'utf8'));
  assert.deepEqual(
    all.filter((seq) => !shown.has(seq)),
    [],
  );
  assert.equal((await ledger(box, ['query', '--cursor-file', 'seen'])).status, 1);
});

test('a loop of cursor calls shows every row of four writers once, in order', async (t) => {
  const box = sandbox(t);
  await ledger(box, ['append', '-q', '--action', 'a.first']);
  let writing = true;
  const writers = Promise.all(
    Array.from({ length: 4 }, async (_, i) => {
      for (let round = 0; round < 4; round++)
        await ledger(box, ['append', '-q', '-'], { stdin: markedRows(marks(`${i}/${round}/`, 30)) });
    }),
  ).finally(() => (writing = false));
  let shown = '';
  const look = async (): Promise<void> => {
    const { stdout, stderr, status } = await ledger(box, ['query', '--cursor-file', 'seen']);
    assert.deepEqual([stderr, status], ['', stdout === '' ? 1 : 0]);
    shown += stdout;
  };
  while (writing) await look();
  await writers;
  await look();
  assert.equal(shown, readFileSync(box.ledger, 'utf8'));
});

test('a cursor on a last row without its newline finds it again', async (t) => {
  const box = sandbox(t);
  const lines = withRows(box, 5);
  truncateSync(box.ledger, readFileSync(box.ledger).length - 1);
  const first = await ledger(box, ['query', '--cursor-file', 'seen']);
  assert.deepEqual([first.status, first.stdout], [0, joined(lines)]);
  const second = await ledger(box, ['query', '--cursor-file', 'seen']);
  assert.deepEqual([second.status, second.stdout, second.stderr], [1, '', '']);
});

test('a cursor of another ledger, or what is none, is exit 2 and an object with --json', async (t) => {
  const box = sandbox(t);
  withRows(box, 5);
  for (const text of ['', '{}', `{"seq":3,"hash":"${'0'.repeat(64)}"}\n`, `{"seq":99,"hash":"${'0'.repeat(64)}"}\n`]) {
    writeFileSync(join(box.root, 'seen'), text);
    const { status, stdout, stderr } = await ledger(box, ['query', '--cursor-file', 'seen', '--json']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal((JSON.parse(stderr) as { error: { code: string } }).error.code, 'CURSOR_LOST');
    assert.equal(readFileSync(join(box.root, 'seen'), 'utf8'), text, 'it is left as it was');
  }
});

test('-f shows each matching row of many writers once, in order, while torn tails are healed', async (t) => {
  const box = sandbox(t);
  await ledger(box, ['append', '--action', 'a.first']);
  const filter = ['mark~[02468]$', 'action=fault.probe'];
  const { child, ended } = start(
    ledgerCommand('query', '-f', '-n', '0', '--cursor-file', join(box.root, 'seen'), ...filter),
    { env: box.env },
  );
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await new Promise((done) => setTimeout(done, 700));
  for (let round = 0; round < 3; round++) {
    const input = markedRows(marks(`${round}/`, 20));
    await Promise.all(Array.from({ length: 4 }, () => ledger(box, ['append', '-', '-q'], { stdin: input })));
    appendFileSync(box.ledger, '{"seq":9,"mark":"0","action":"fault.probe","torn');
  }
  await ledger(box, ['append', '-q', '-'], { stdin: markedRows(['last0']) });
  await until('the last row is shown', () => out.includes('"last0"'));
  child.kill('SIGINT');
  assert.equal((await ended).status, 130);
  const stored = readFileSync(box.ledger, 'utf8').split('\n');
  const wanted = stored.filter((line) => /"mark":"[^"]*[02468]"/.test(line) && line.includes('"fault.probe"'));
  assert.equal(out, joined(wanted));
});

test('-f behind a last row that was changed goes on from there and repeats nothing', async (t) => {
  const box = sandbox(t);
  const lines = withRows(box, 5);
  writeLedger(box.dir, [...lines.slice(0, -1), (lines.at(-1) as string).replace('"n":4', '"n":7')]);
  const { child, ended } = start(ledgerCommand('query', '-f'), { env: box.env });
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await new Promise((done) => setTimeout(done, 3_500));
  child.kill('SIGINT');
  const { stderr } = await ended;
  assert.deepEqual(seqsOf(out), [1, 2, 3, 4, 5, 6]);
  assert.match(stderr, /its bytes give/);
});

test('a row in flight is not reported; once it is whole it is', async (t) => {
  const box = sandbox(t);
  const lines = withRows(box, 3);
  const row = Buffer.from(`${lines.at(-1)}\n`);
  truncateSync(box.ledger, readFileSync(box.ledger).length - row.length);
  const fd = openSync(box.ledger, 'a');
  writeSync(fd, row, 0, 100);
  const early = ledger(box, ['query', '-n', '1', '--fields', 'seq']);
  await new Promise((done) => setTimeout(done, 450));
  writeSync(fd, row, 100);
  closeSync(fd);
  const { stdout, stderr } = await early;
  assert.deepEqual([stdout, stderr], ['4\n', '']);
  appendFileSync(box.ledger, row.subarray(0, 100));
  const torn = await ledger(box, ['query', '-n', '1', '--fields', 'seq']);
  assert.equal(torn.stdout, '4\n');
  assert.match(torn.stderr, /100 bytes behind the last row are torn/);
});

test('exit codes: 0 something, 1 nothing, 2 could not', async (t) => {
  const box = sandbox(t);
  const status = async (...args: string[]): Promise<number> => (await ledger(box, ['query', ...args])).status;
  assert.equal(await status(), 2, 'no ledger');
  assert.ok(!existsSync(box.dir), 'nothing is made');
  withRows(box, 5);
  assert.equal(await status('agent=a1'), 0);
  assert.equal(await status('agent=zz'), 1);
  assert.equal(await status('agent=zz', '--count'), 1);
  assert.equal(await status('agent=a1', '--sum', 'n'), 0);
  for (const wrong of [
    ['agent'],
    ['-n', 'x'],
    ['--where', '('],
    ['--since', 'never'],
    ['-f', '-r'],
    ['-A', '1', '-r'],
    ['--day', 'today', '--since', 'now'],
    ['--fields', 'a b'],
  ])
    assert.equal(await status(...wrong), 2, wrong.join(' '));
  const quiet = await ledger(box, ['query', '-q', 'agent=a1']);
  assert.deepEqual([quiet.status, quiet.stdout, quiet.stderr], [0, '', '']);
  assert.equal(await status('-q', 'agent=zz'), 1);
  const told = await ledger(box, ['query', '--json', 'agent']);
  assert.equal((JSON.parse(told.stderr) as { error: { code: string } }).error.code, 'USAGE');
});

test(
  'a folder that may only be read is read; a file that may not is exit 2',
  { skip: process.getuid?.() === 0 ? missingTools('setpriv') : false },
  async (t) => {
    const box = sandbox(t);
    const lines = withRows(box, 5);
    chmodSync(box.dir, 0o555);
    chmodSync(box.ledger, 0o444);
    chmodSync(box.root, 0o755);
    const drop = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const asNobody = (...args: string[]): ReturnType<typeof run> =>
      run([...drop, ...ledgerCommand('query', ...args)], { env: box.env, cwd: '/' });
    const read = await asNobody();
    assert.deepEqual([read.status, read.stdout], [0, joined(lines)], read.stderr);
    const cursor = await asNobody('--cursor-file', join(box.root, 'seen'));
    assert.equal(cursor.status, 2);
    assert.match(cursor.stderr, /expected to write .*seen/);
    chmodSync(box.ledger, 0o000);
    const refused = await asNobody('--json');
    assert.deepEqual([refused.status, refused.stdout], [2, '']);
    assert.equal((JSON.parse(refused.stderr) as { error: { code: string } }).error.code, 'READ_FAILED');
  },
);

test('windows: a day of 23 and one of 25 hours, a zone, since inclusive and until exclusive', async (t) => {
  const box = sandbox(t);
  const chain = chainOf({ startMs: Date.parse('2026-01-01') });
  const hours = (from: string, count: number): void => {
    for (let i = 0; i < count; i++)
      chain.add({ action: 'a.b', occurred_at: new Date(Date.parse(from) + i * 1_800_000).toISOString() });
  };
  hours('2026-03-28T12:00:00Z', 96);
  hours('2026-10-24T12:00:00Z', 96);
  writeLedger(box.dir, chain.lines);
  const count = async (...args: string[]): Promise<[string, string]> => {
    const { stdout, stderr } = await ledger(box, ['query', 'action=a.b', '--count', '--tz', 'Europe/Berlin', ...args]);
    return [stdout.trim(), stderr.trim()];
  };
  assert.deepEqual(await count('--day', '2026-03-29'), [
    '46',
    'ledger: note: from 2026-03-29T00:00:00+01:00 to 2026-03-30T00:00:00+02:00 (Europe/Berlin)',
  ]);
  assert.equal((await count('--day', '2026-10-25'))[0], '50');
  assert.equal((await count('--day', '2026-10-25', '--tz', 'UTC'))[0], '48');
  assert.equal((await count('--since', '2026-03-29T00:00:00Z', '--until', '2026-03-29T00:30:00Z'))[0], '1');
  assert.equal(
    (await count('--since', '2026-03-29 01:30', '--until', '2026-03-29 03:30'))[0],
    '2',
    'the hour that was not',
  );
  const swept = await ledger(box, ['sweep']);
  assert.equal(swept.status, 0);
  assert.equal((await count('--day', '2026-10-25'))[0], '50', 'from the index');
});

test(
  'nothing of a row moves the cursor of a terminal, in whatever form',
  { skip: missingTools('script') },
  async (t) => {
    const box = sandbox(t);
    const hostile = '\u001b[2J\u202e\u009b31m\u0007';
    const escaped = JSON.stringify(hostile).replace(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    const { lines } = chainOf();
    const odd = withHash(
      `{"seq":${escaped},"ts":${escaped},"id":5,"agent":${escaped},"action":${escaped},"target":{"a":${escaped}},"outcome":[],"cost_usd":${escaped},"reason":7,"x":"${hostile.replace('\u001b', '').replace('\u0007', '')}"}`,
    );
    writeLedger(box.dir, [lines[0] as string, odd]);
    const asked = [
      '',
      '--raw',
      '--json',
      '--fields agent,x,target',
      '--raw --fields agent,x,target',
      '--json --fields agent,x',
      '--group-by agent',
      '--group-by agent --json',
      '-A 1',
      '-r',
      `'agent~${hostile}('`,
    ];
    for (const command of asked) {
      const line = `${SHELL_LEDGER} query ${command}`;
      const shown = await new Promise<string>((done) => {
        const child = spawn('script', ['-qec', line, '/dev/null'], { env: { ...box.env, TERM: 'xterm' } });
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
        child.on('close', () => done(text));
      });
      assert.match(shown, /\\u001b/, command);
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      assert.doesNotMatch(shown, /\u001b\[2J|[\u0007\u202e\u009b]/, command);
    }
  },
);

test('everything piped to a slow reader takes no more memory than a chunk', async (t) => {
  const box = sandbox(t);
  const block = joined(withRows(box, 4_000, 'x'.repeat(1_500)));
  for (let i = 0; i < 30; i++) appendFileSync(box.ledger, block);
  const script = `${SHELL_LEDGER} query 'action!=nothing' | (sleep 2; wc -c)`;
  const { ended, peakBytes } = await measured(box, ['bash', '-c', script], { timeoutMs: 120_000 });
  assert.equal(Number(ended.stdout), 31 * block.length);
  assert.ok(peakBytes < 200e6, `${Math.round(peakBytes / 1e6)} MB`);
});
