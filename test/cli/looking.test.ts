/** `ledger show`, `tail`, `doctor`, `init`: what they print where, and what they answer with. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { DoctorReport } from '../../src/services/doctor';
import type { ShowResult } from '../../src/services/show';
import { chainOf, setLineAside, writeLedger } from '../support/ledgers';
import type { Chain } from '../support/ledgers';
import { LEDGER, run, start, until } from '../support/process';
import type { Ended } from '../support/process';
import { markedRows, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

const ledger = (box: Sandbox, ...args: string[]): Promise<Ended> =>
  run([process.execPath, LEDGER, ...args], { env: box.env });

function chainWith(rows: number): Chain {
  const chain = chainOf();
  for (let i = 0; i < rows; i++) chain.add({ action: 'a.b', run_id: 'r', reason: 'x'.repeat(40 + (i % 60)), n: i });
  return chain;
}

test('show finds a row by seq, by id and by the beginning of its hash: the stored line, exactly', async (t) => {
  const box = sandbox(t);
  const { lines } = chainWith(2_000);
  writeLedger(box.dir, lines);
  for (const seq of [1, 2, 777, 2_000, 2_001]) {
    const line = lines[seq - 1] as string;
    const { id, hash } = JSON.parse(line) as { id: string; hash: string };
    for (const sought of [String(seq), id, id.toLowerCase(), hash, hash.slice(0, 16)]) {
      const ended = await ledger(box, 'show', sought);
      assert.deepEqual([ended.status, ended.stdout, ended.stderr], [0, `${line}\n`, ''], sought);
    }
  }
});

test('the beginning of a hash may be all digits: a number that no row has is looked for there too', async (t) => {
  const box = sandbox(t);
  const { lines } = chainWith(100);
  writeLedger(box.dir, lines);
  const hashes = lines.map((line) => (JSON.parse(line) as { hash: string }).hash);
  const index = hashes.findIndex((hash) => /^[1-9][0-9]{3}/.test(hash));
  const ended = await ledger(box, 'show', (hashes[index] as string).slice(0, 4));
  assert.deepEqual([ended.status, ended.stdout], [0, `${lines[index]}\n`]);
});

test('show says no such row (1), several (2), nonsense (2)', async (t) => {
  const box = sandbox(t);
  const { lines } = chainWith(400);
  writeLedger(box.dir, lines);
  assert.equal((await ledger(box, 'show', '402')).status, 1);
  assert.equal((await ledger(box, 'show', '01JTESTTESTTESTTESTTESTTXX')).status, 1);
  assert.equal((await ledger(box, 'show', 'zzz')).status, 2);
  const prefixes = lines.map((line) => (JSON.parse(line) as { hash: string }).hash.slice(0, 4));
  const twice = prefixes.find((prefix, i) => prefixes.indexOf(prefix) !== i && /[a-f]/.test(prefix));
  assert.ok(twice !== undefined, 'two of these rows begin alike');
  const ended = await ledger(box, 'show', twice);
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /give more digits/);
});

test('show judges what it shows: a changed row, a broken link, a named gap', async (t) => {
  const box = sandbox(t);
  const chain = chainWith(9);
  setLineAside(box.dir, chain, 6);
  const { lines } = chain;
  lines[3] = (lines[3] as string).replace('"n":2', '"n":9');
  writeLedger(box.dir, lines);
  const shown = async (seq: number): Promise<[number, ShowResult['found'][number] | undefined]> => {
    const ended = await ledger(box, 'show', '--json', String(seq));
    return [ended.status, (JSON.parse(ended.stdout) as ShowResult).found[0]];
  };
  const [altered, row] = await shown(4);
  assert.equal(altered, 1);
  assert.equal(row?.hash.right, false);
  assert.deepEqual(row.links, { before: true, after: true });
  const [gap, tombstone] = await shown(7);
  assert.equal(gap, 3);
  assert.deepEqual([tombstone?.kind, tombstone?.hash.right], ['tombstone', null]);
  const [fine, whole] = await shown(9);
  assert.equal(fine, 0);
  assert.deepEqual(whole?.streams, [{ member: 'run_id', id: 'r', seq: 8 }]);
});

test('tail prints the stored lines in a pipe, whatever their number', async (t) => {
  const box = sandbox(t);
  const { lines } = chainWith(3_000);
  writeLedger(box.dir, lines);
  for (const n of [1, 10, 2_500, 9_999]) {
    const { stdout, status } = await ledger(box, 'tail', '-n', String(n));
    assert.equal(status, 0);
    assert.equal(
      stdout,
      lines
        .slice(-n)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
});

test('tail -f shows every row of many writers once, in order, while torn tails are healed', async (t) => {
  const box = sandbox(t);
  await ledger(box, 'append', '--action', 'a.first');
  const { child, ended } = start([process.execPath, LEDGER, 'tail', '-f', '-n', '0'], { env: box.env });
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await new Promise((done) => setTimeout(done, 600));
  for (let round = 0; round < 3; round++) {
    const input = markedRows(Array.from({ length: 20 }, (_, i) => `${round}/${i}`));
    const writers = Array.from({ length: 4 }, () =>
      run([process.execPath, LEDGER, 'append', '-', '-q'], { env: box.env, stdin: input }),
    );
    await Promise.all(writers);
    appendFileSync(box.ledger, '{"seq":9,"torn');
  }
  await ledger(box, 'append', '--action', 'a.last');
  await until('the last row is shown', () => out.includes('"a.last"'));
  child.kill('SIGINT');
  const { status } = await ended;
  assert.equal(status, 130);
  const stored = readFileSync(box.ledger, 'utf8').split('\n').slice(2);
  const seqs = (text: string): string => text.replace(/^\{"seq":([0-9]+),.*$/gm, '$1');
  assert.equal(seqs(out), seqs(stored.join('\n')));
  assert.ok(out === stored.join('\n'));
});

test('tail -f ends with the first row after its reader has gone', async (t) => {
  const box = sandbox(t);
  const append = (): Promise<Ended> => ledger(box, 'append', '-q', '--action', 'a.b');
  await append();
  const told = join(box.root, 'told');
  const script = `"$0" "$1" tail -f -n 1 | head -n 1 >"$2"; echo "\${PIPESTATUS[*]}"`;
  const { ended } = start(['bash', '-c', script, process.execPath, LEDGER, told], { env: box.env, timeoutMs: 15_000 });
  await until('the first row was read', () => existsSync(told) && readFileSync(told).length > 0);
  await append();
  const { stdout, stderr } = await ended;
  assert.deepEqual([stdout, stderr], ['0 0\n', '']);
});

test('a reader that has had enough ends tail quietly', async (t) => {
  const box = sandbox(t);
  writeLedger(box.dir, chainWith(5_000).lines);
  const shell = `'${process.execPath}' '${LEDGER}' tail -n 5000 | head -n 1 | wc -l; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await run(['bash', '-c', shell], { env: box.env });
  assert.deepEqual([stdout, stderr], ['1\n0\n', '']);
});

test('what is torn is told on stderr and not shown', async (t) => {
  const box = sandbox(t);
  const { lines } = chainWith(3);
  writeLedger(box.dir, lines);
  appendFileSync(box.ledger, '{"seq":5,"ts":"2026');
  const { stdout, stderr } = await ledger(box, 'tail', '-n', '2');
  assert.equal(stdout, `${lines[2]}\n${lines[3]}\n`);
  assert.match(stderr, /19 bytes at byte \d+ are not shown: no whole row/);
});

test('nothing of a foreign row, or of what was asked for, moves the cursor of a terminal', async (t) => {
  const box = sandbox(t);
  const hostile = '\u001b[2J\u202e\u009b31m\u0007';
  writeLedger(box.dir, chainOf().lines);
  await ledger(box, 'append', '--action', 'a.b', '--agent', hostile, '--reason', hostile, '--set', `x=${hostile}`);
  const asked = [`verify --run '${hostile}'`, `rollup --by '${hostile}'`, `rollup --tz '${hostile}'`];
  for (const command of ['tail', 'show 2', 'tail --raw', 'show 2 --raw', ...asked]) {
    const line = `'${process.execPath}' '${LEDGER}' ${command}`;
    // script(1) gives it a terminal of its own.
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
});

async function doctor(box: Sandbox): Promise<{ status: number; report: DoctorReport; named(name: string): string[] }> {
  const { status, stdout } = await ledger(box, 'doctor', '--json');
  const report = JSON.parse(stdout) as DoctorReport;
  const named = (name: string): string[] =>
    report.checks.filter((one) => one.name === name).map(({ health }) => health);
  return { status, report, named };
}

test('doctor: well is 0, no ledger is 2, every remark says what to do, and nothing is written', async (t) => {
  const box = sandbox(t);
  assert.equal((await doctor(box)).status, 2);
  assert.ok(!existsSync(box.dir));
  await ledger(box, 'append', '--action', 'a.b');
  const before = statSync(box.ledger).mtimeMs;
  const { status, report } = await doctor(box);
  assert.equal(status, 0);
  assert.ok(report.checks.every(({ health, advice }) => (health === 'ok') === (advice === null)));
  assert.equal(statSync(box.ledger).mtimeMs, before);
});

test('doctor names what is wrong: modes, a link, a clock, a torn tail, a config, a spill, a lost ledger', async (t) => {
  const box = sandbox(t);
  await ledger(box, 'append', '--action', 'a.b');
  chmodSync(box.dir, 0o777);
  let found = await doctor(box);
  assert.equal(found.status, 1);
  assert.deepEqual(found.named('owner'), ['bad']);
  chmodSync(box.dir, 0o700);

  appendFileSync(box.ledger, '{"torn');
  assert.deepEqual((await doctor(box)).named('tail'), ['warn']);

  writeFileSync(join(box.root, 'ledger.config.json'), '{"capz":[]}');
  found = await doctor(box);
  assert.equal(found.status, 1);
  assert.deepEqual(found.named('config'), ['bad']);

  writeFileSync(join(box.dir, 'audit.spill.jsonl'), '\n{"spill":1}\n', { mode: 0o600 });
  assert.deepEqual((await doctor(box)).named('spill'), ['warn']);

  const ahead = sandbox(t);
  const chain = chainOf({ startMs: Date.now() + 3_600_000 });
  writeLedger(ahead.dir, chain.lines);
  assert.deepEqual((await doctor(ahead)).named('clock'), ['bad']);

  const linked = sandbox(t);
  mkdirSync(linked.dir, { mode: 0o700 });
  symlinkSync('/dev/null', linked.ledger);
  assert.equal((await doctor(linked)).status, 1);

  const lost = sandbox(t);
  mkdirSync(join(lost.dir, 'quarantine'), { recursive: true, mode: 0o700 });
  writeFileSync(join(lost.dir, 'quarantine', 'x.bin'), 'x');
  found = await doctor(lost);
  assert.deepEqual([found.status, found.named('ledger')], [2, ['bad']]);
});

test('doctor holds the index against the file: one of another file is bad, a changed last row is no lost one', async (t) => {
  const box = sandbox(t);
  const { lines } = chainWith(12);
  writeLedger(box.dir, lines);
  assert.equal((await ledger(box, 'sweep')).status, 0);
  const index = async (): Promise<unknown[]> => {
    const found = (await doctor(box)).report.checks.find(({ name }) => name === 'index');
    return [found?.health, found?.message, found?.advice];
  };
  assert.deepEqual(await index(), ['ok', 'current', null]);

  writeLedger(box.dir, [...lines.slice(0, -1), (lines.at(-1) as string).replace('"n":11', '"n":12')]);
  let [health, message, advice] = await index();
  assert.deepEqual([health, advice], ['bad', 'run: ledger verify']);
  assert.match(String(message), /^row 13 is not what it was/);

  writeLedger(box.dir, lines.slice(0, 9));
  assert.deepEqual(await index(), [
    'bad',
    'it has seen row 13, the file ends at 9: rows were lost',
    'run: ledger verify',
  ]);

  const parted = chainWith(7);
  for (let n = 0; n < 12; n++) parted.add({ action: 'g.h' });
  writeLedger(box.dir, parted.lines);
  [health, message, advice] = await index();
  assert.deepEqual([health, advice], ['bad', 'run: ledger verify, then: ledger sweep']);
  assert.match(String(message), /^it tells of another file: row 13 /);
});

test('doctor says who holds the lock, and does not wait', async (t) => {
  const box = sandbox(t);
  await ledger(box, 'append', '--action', 'a.b');
  assert.deepEqual((await doctor(box)).named('lock'), ['ok']);
  const holder = start([process.execPath, join(__dirname, '../support/lockHolder.cjs'), join(box.dir, 'audit.lock')], {
    env: box.env,
  });
  await new Promise((up) => holder.child.stdout?.once('data', up));
  const { report } = await doctor(box);
  holder.child.kill('SIGKILL');
  assert.match(report.checks.find(({ name }) => name === 'lock')?.message ?? '', /held by process \d+/);
});

test('init: the same wish again is fine, another one is refused; a config is never replaced', async (t) => {
  const box = sandbox(t);
  assert.equal((await ledger(box, 'init', '--origin', 'example.com/a')).status, 0);
  const config = join(box.root, 'ledger.config.json');
  assert.equal((await ledger(box, 'rollup')).status, 0, 'the config that it writes is one that it reads');
  writeFileSync(config, '{}');
  const before = readFileSync(box.ledger);
  assert.equal((await ledger(box, 'init')).status, 0);
  assert.equal((await ledger(box, 'init', '--origin', 'example.com/a', '--lock', 'kernel')).status, 0);
  for (const wish of [
    ['--origin', 'other'],
    ['--lock', 'lockfile'],
  ]) {
    const { status, stderr } = await ledger(box, 'init', '--json', ...wish);
    assert.equal(status, 2);
    assert.match(stderr, /LEDGER_EXISTS/);
  }
  assert.ok(readFileSync(box.ledger).equals(before));
  assert.equal(readFileSync(config, 'utf8'), '{}');
});

test('init: an origin is a name of at most 256 characters without controls', async (t) => {
  const box = sandbox(t);
  for (const origin of ['', 'a\u001b', 'a\nb', '\u202ea', 'x'.repeat(257)])
    assert.equal((await ledger(box, 'init', '--origin', origin)).status, 2);
  assert.ok(!existsSync(box.dir));
  assert.equal((await ledger(box, 'init', '--origin', 'ä'.repeat(256))).status, 0);
});
