/** `ledger append` as a shell uses it: one receipt for each line, in order, as soon as it is on disk; nothing is printed raw. */
import assert from 'node:assert/strict';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { MAX_INPUT_BYTES } from '../../src/core/row';
import { ensureBuilt } from '../support/built';
import { holdLock } from '../support/locks';
import { faultsOf, rowsOf } from '../support/miniVerifier';
import { start, until } from '../support/process';
import type { Ended, Running, RunOptions } from '../support/process';
import { ledger, ledgerCommand, receipts, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

before(ensureBuilt);

const append = (box: Sandbox, args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  ledger(box, ['append', ...args], { timeoutMs: 20_000, ...options });
const pipe = (box: Sandbox, stdin: string | Buffer, args: readonly string[] = []): Promise<Ended> =>
  append(box, ['--json', '-', ...args], { stdin });
const callerRows = (box: Sandbox): Readonly<Record<string, unknown>>[] => rowsOf(box.ledger).slice(1);

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
/** Nothing that a command prints may move the cursor or turn text around. */
function assertPrintable(...outputs: readonly string[]): void {
  for (const output of outputs) assert.doesNotMatch(output, RAW);
}

test('flags make a row; the answer names its place; the row reads back as given', async (t) => {
  const box = sandbox(t);
  const ended = await append(box, [
    ...['--agent', 'coder', '--action', 'tool.used', '--run-id', 'r1', '--cost-usd', '0.01230', '--duration-ms', '80'],
    ...['--occurred-at', '2026-04-25T22:09:24+02:00', '--payload', '{"a":[1,{"b":null}]}'],
    ...['--set', 'branch=main=2', '--set', '__proto__=x', '--set-json', 'n={"deep":[1]}', '--idempotency-key', 'k'],
  ]);
  assert.equal(ended.status, 0, ended.stderr);
  const [row] = callerRows(box);
  assert.match(ended.stdout, /^landed seq=2 id=[0-9A-Z]{26} hash=[0-9a-f]{64}\n$/);
  assert.ok(ended.stdout.includes(String(row?.['hash'])) && ended.stdout.includes(String(row?.['id'])));
  assert.deepEqual(
    Object.entries(row ?? {}).slice(4, -7),
    Object.entries(
      JSON.parse(
        '{"occurred_at":"2026-04-25T20:09:24.000Z","run_id":"r1","agent":"coder","action":"tool.used","cost_usd":0.0123,' +
          '"duration_ms":80,"idempotency_key":"k","payload":{"a":[1,{"b":null}]},"branch":"main=2","__proto__":"x","n":{"deep":[1]}}',
      ) as object,
    ).slice(0, -1),
  );
  const again = await append(box, ['--json', '--agent', 'other', '--action', 'tool.used', '--idempotency-key', 'k']);
  assert.equal(again.status, 2, 'other content under the key');
  assert.equal(receipts(again.stdout)[0]?.error?.code, 'IDEMPOTENCY_CONFLICT');
  assert.deepEqual(faultsOf(box.ledger), []);
});

test('one JSON argument, with flags beside it; a flag that contradicts is refused', async (t) => {
  const box = sandbox(t);
  assert.equal(
    (await append(box, ['{"action":"a.b","cost_usd":0.1}', '--agent', 'x', '--cost-usd', '0.10'])).status,
    0,
  );
  const conflict = await append(box, ['{"action":"a.b","agent":"x"}', '--agent', 'y']);
  assert.equal(conflict.status, 2);
  assert.match(conflict.stderr, /ledger: error: expected one value of "agent"/);
  assert.match(conflict.stderr, /ledger: hint: /);
  assert.equal(callerRows(box).length, 1);
  const payload = join(box.root, 'payload.json');
  writeFileSync(payload, '{"from":"file"}');
  assert.equal((await append(box, ['--action', 'a.b', '--payload', `@${payload}`])).status, 0);
  assert.deepEqual(callerRows(box)[1]?.['payload'], { from: 'file' });
});

test('what cannot be a row, and wrong use, is exit 2 with a reason, and writes nothing', async (t) => {
  const box = sandbox(t);
  const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  const cases: readonly (readonly string[])[] = [
    [],
    ['[1]'],
    ['{"action":"a.b"'],
    ['{"agent":"x"}'],
    ['{"action":"audit.genesis"}'],
    ['{"action":"a.b","seq":1}'],
    ['--action', 'a.b', '--cost-usd', 'much'],
    ['--action', 'a.b', '--duration-ms', '1e400'],
    ['--action', 'a.b', '--set', 'x'],
    ['--action', 'a.b', '--set', 'x=1', '--set-json', 'x=1'],
    ['--action', 'a.b', '--set', 'hash=x'],
    ['--action', 'a.b', '--payload', '@/nowhere/at/all'],
    ['--action', 'a.b', '--payload', `{"x":${deep(63)}}`],
    ['--action', 'a.b', '--set-json', `x=${deep(64)}`],
    ['--action', 'a.b', '--no-such-flag\u001b[31m\u009b2J'],
    ['-', '--dry-run'],
    ['--action', 'a.b', '--action', 'a.b'],
    ['--action', 'a.b', '--payload', '{}', '--payload', '{"x":1}'],
    ['--action', 'a.b', '--dir', ''],
    ['-', '--rejects', '/nowhere/at/all'],
  ];
  for (const args of cases) {
    const ended = await append(box, args);
    assert.equal(ended.status, 2, args.join(' ').slice(0, 60));
    assert.match(ended.stderr, /ledger: error: /, args.join(' ').slice(0, 60));
    assert.doesNotMatch(ended.stderr, /\n {4}at /, 'no stack trace');
    assertPrintable(ended.stderr, ended.stdout);
  }
  assert.ok(!existsSync(box.ledger), 'no ledger was made for refused rows');
});

test('--dry-run shows the row as it would be stored, and writes nothing', async (t) => {
  const box = sandbox(t);
  const ended = await append(box, ['{"x":1,"action":"a.b","cost_usd":"1e-7","reason":"\\u001b[31m"}', '--dry-run']);
  assert.deepEqual(
    [ended.status, ended.stdout],
    [0, '{"action":"a.b","cost_usd":0.0000001,"reason":"\\u001b[31m","x":1}\n'],
  );
  assert.ok(!existsSync(box.dir));
});

const HOSTILE: readonly (readonly [string | Buffer, string])[] = [
  ['{"action":"ok.1"}', 'landed'],
  ['', 'JSON_SYNTAX'],
  ['   ', 'JSON_SYNTAX'],
  ['{"action":"ok.crlf"}\r', 'landed'],
  ['\ufeff{"action":"bom"}', 'JSON_SYNTAX'],
  [Buffer.from('{"action":"a.b","x":"\xff"}', 'latin1'), 'INPUT_UTF8'],
  [`{"action":"a.b","x":"${'x'.repeat(MAX_INPUT_BYTES)}"}`, 'ROW_TOO_LONG'],
  [`{"action":"a.b","x":"${'y'.repeat(3 * MAX_INPUT_BYTES)}"}`, 'ROW_TOO_LONG'],
  ['{"action":"a.b","action":"c.d"}', 'JSON_DUPLICATE_KEY'],
  ['{"action":"a.b","x":{"y":1,"\\u0079":2}}', 'JSON_DUPLICATE_KEY'],
  ['{"action":"a.b","x":"\\ud800"}', 'JSON_SURROGATE'],
  ['{"action":"a.b","n":9007199254740993}', 'JSON_NUMBER'],
  ['{"action":"a.b","n":1e400}', 'JSON_NUMBER'],
  [`{"action":"a.b","n":1.${'0'.repeat(200_000)}1}`, 'JSON_NUMBER'],
  [`{"action":"a.b","x":${'['.repeat(64)}${']'.repeat(64)}}`, 'JSON_DEPTH'],
  [`{"action":"ok.deep","x":${'['.repeat(63)}${']'.repeat(63)}}`, 'landed'],
  [`${'['.repeat(500_000)}`, 'JSON_DEPTH'],
  ['{"action":"ok.proto","__proto__":{"polluted":true},"constructor":{"prototype":1}}', 'landed'],
  ['{"action":"a.b","hash":"x"}', 'MEMBER_RESERVED'],
  ['{"action":"a.b","sealed":1}', 'MEMBER_RESERVED'],
  ['{"action":"a.b","spill_id":"x"}', 'MEMBER_RESERVED'],
  ['{"action":"audit.heal-truncation"}', 'MEMBER_RESERVED'],
  ['{"action":"a.b","\u0000":1}', 'JSON_SYNTAX'],
  ['{"action":"ok.esc","reason":"\\u001b[2J\u009b31m\u202e\\r\\nledger: error: forged"}', 'landed'],
  ['{"\u202e\u009b2J":1}', 'MEMBER_MISSING'],
  ['{"action":"a.b","cost_usd":"\u009b2J\u202e"}', 'MEMBER_VALUE'],
  ['{"action":"\u009b2J"}', 'MEMBER_VALUE'],
  ['{"action":"a.b","\u009b":1,"\u009b":2}', 'JSON_DUPLICATE_KEY'],
  ['{"action":"a.b"} \u001b[31m', 'JSON_SYNTAX'],
  ['null', 'ROW_NOT_OBJECT'],
  ['[{"action":"a.b"}]', 'ROW_NOT_OBJECT'],
  ['{"action":"a.b"}{"action":"c.d"}', 'JSON_SYNTAX'],
  ['{"action":"ok.last"}', 'landed'],
];
const hostileInput = (): Buffer =>
  Buffer.concat(
    HOSTILE.flatMap(([line], i) => [Buffer.from(line as string), Buffer.from(i < HOSTILE.length - 1 ? '\n' : '')]),
  );

test('exactly one receipt for every input line, in order, whatever the line is', async (t) => {
  const box = sandbox(t);
  const ended = await pipe(box, hostileInput(), ['--rejects', join(box.root, 'rejects')]);
  assert.equal(ended.status, 2);
  assert.deepEqual(
    receipts(ended.stdout).map(({ status, error }) => error?.code ?? status),
    HOSTILE.map(([, want]) => want),
  );
  // An object a refused line on stderr as well, with the same place.
  assert.deepEqual(
    ended.stderr
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { error: { code: string; place: { line: number } } }).error)
      .map(({ code, place }) => [place.line, code]),
    HOSTILE.flatMap(([, want], i) => (want === 'landed' ? [] : [[i + 1, want]])),
  );
  assert.deepEqual(
    ended.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { line: number }).line),
    HOSTILE.map((_, i) => i + 1),
  );
  assertPrintable(ended.stdout, ended.stderr);
  assert.deepEqual(faultsOf(box.ledger), []);
  assert.deepEqual(
    callerRows(box).map(({ action }) => action),
    ['ok.1', 'ok.crlf', 'ok.deep', 'ok.proto', 'ok.esc', 'ok.last'],
  );
  assert.match(readFileSync(box.ledger, 'utf8'), /"__proto__":\{"polluted":true\}/);
  assertPrintable(readFileSync(box.ledger, 'utf8'));
  const rejected = readFileSync(join(box.root, 'rejects'));
  const kept = HOSTILE.filter(
    ([line, want]) => want !== 'landed' && line.length > 0 && line.length < 2 * MAX_INPUT_BYTES,
  );
  assert.ok(
    rejected.equals(
      Buffer.concat(kept.map(([line]) => Buffer.concat([Buffer.from(line as string), Buffer.from('\n')]))),
    ),
  );
});

test("refused lines never go into the ledger's own files, under whatever name, and then no row does", async (t) => {
  const box = sandbox(t);
  await append(box, ['--action', 'first']);
  const named = (name: string): string => join(box.root, name);
  symlinkSync(box.ledger, named('link'));
  symlinkSync(join(box.dir, 'audit.spill.jsonl'), named('dangling'));
  symlinkSync(box.dir, named('folder'));
  const [names, bytes] = [readdirSync(box.dir), readFileSync(box.ledger)];
  const paths = [box.ledger, 'link', 'dangling', 'folder/new', 'state/audit.spill.jsonl', 'state/rejects'];
  const refused = async (path: string): Promise<void> => {
    const ended = await append(box, ['-', '--rejects', path], { stdin: '{"action":"a.b"}\nbad\n' });
    assert.deepEqual([ended.status, ended.stdout], [2, ''], path);
    assert.match(ended.stderr, /expected a file outside of the state folder/, path);
    assert.deepEqual([readdirSync(box.dir), readFileSync(box.ledger)], [names, bytes], path);
  };
  for (const path of paths) await refused(path);
  linkSync(box.ledger, named('second-name'));
  await refused('second-name');
  writeFileSync(named('mine'), '');
  linkSync(named('mine'), named('mine-too'));
  const own = await append(box, ['-', '--rejects', 'mine'], { stdin: 'bad\n' });
  assert.deepEqual([own.status, readFileSync(named('mine-too'), 'utf8')], [2, 'bad\n']);
});

test('the same in prose: a line each, nothing raw, and -q keeps to what went wrong', async (t) => {
  const box = sandbox(t);
  const ended = await append(box, ['-'], { stdin: hostileInput() });
  const lines = ended.stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    HOSTILE.map(([, want]) => (want === 'landed' ? 'landed' : 'refused')),
  );
  assertPrintable(ended.stdout, ended.stderr);
  const quiet = await append(box, ['-q', '-'], { stdin: '{"action":"a.b"}\n\n{"action":"a.b"}' });
  assert.match(quiet.stdout, /^refused line=2 code=JSON_SYNTAX [^\n]*\n$/);
  assert.equal((await append(box, ['-q', '--action', 'a.b'])).stdout, '');
});

test('keys in one group: the same content is a duplicate, other content is refused, the others land', async (t) => {
  const box = sandbox(t);
  const lines = [
    '{"action":"a.b","idempotency_key":"k","x":1,"y":2}',
    '{"y":2,"x":1.0,"idempotency_key":"k","action":"a.b"}',
    '{"action":"a.b","idempotency_key":"k","x":2,"y":2}',
    '{"action":"a.b"}',
  ];
  const want = ['landed', 'duplicate', 'IDEMPOTENCY_CONFLICT', 'landed'];
  const first = receipts((await pipe(box, lines.join('\n'))).stdout);
  assert.deepEqual(
    first.map(({ status, error }) => error?.code ?? status),
    want,
  );
  assert.deepEqual([first[0]?.id, first[0]?.seq], [first[1]?.id, first[1]?.seq]);
  assert.equal(callerRows(box).length, 2);
});

test('an input that ends before it begins is no row, and no error', async (t) => {
  const ended = await pipe(sandbox(t), '');
  assert.deepEqual([ended.status, ended.stdout], [0, '']);
});

test('a folder as input is a mistake, not an empty input', async (t) => {
  const box = sandbox(t);
  const command = ['sh', '-c', 'exec "$@" <.', 'sh', ...ledgerCommand('append', '-', '--confirm')];
  const ended = await start(command, { cwd: box.root, env: box.env, timeoutMs: 20_000 }).ended;
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /^ledger: error: expected rows on standard input, found a folder\n$/);
});

/** The receipts of a coprocess, one at a time. */
function coprocess(box: Sandbox, args: readonly string[] = ['append', '--json', '-']): Running & { said(): string[] } {
  const running = start(ledgerCommand(...args), { env: box.env, timeoutMs: 20_000 });
  let out = '';
  running.child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  return { ...running, said: () => out.split('\n').slice(0, -1) };
}

test('as a coprocess: each receipt comes while the pipe stays open, and the row is on disk then', async (t) => {
  const box = sandbox(t);
  const running = coprocess(box);
  for (let n = 1; n <= 5; n++) {
    running.child.stdin?.write(`{"action":"a.b","n":${n}}\n${n === 3 ? '\n' : ''}`);
    const answers = n + (n >= 3 ? 1 : 0);
    await until(`answer ${answers}`, () => running.said().length === answers);
    assert.equal(callerRows(box).at(-1)?.['n'], n);
  }
  running.child.stdin?.write('{"action":"a.b","n":6}');
  running.child.stdin?.end();
  const ended = await running.ended;
  assert.equal(ended.status, 2, 'the blank line was refused');
  assert.deepEqual(
    callerRows(box).map(({ n }) => n),
    [1, 2, 3, 4, 5, 6],
  );
});

for (const [signal, status] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const) {
  test(`${signal} in mid-stream: exit ${status}, and every acknowledged row is there`, async (t) => {
    const box = sandbox(t);
    const running = coprocess(box);
    const feed = setInterval(() => running.child.stdin?.write('{"action":"a.b","run_id":"r"}\n'.repeat(20)), 2);
    await until('some answers', () => running.said().length > 60);
    running.child.kill(signal);
    const ended = await running.ended;
    clearInterval(feed);
    assert.deepEqual([ended.status, ended.signal], [status, undefined], ended.stderr);
    const landed = receipts(ended.stdout).filter((receipt) => receipt.status === 'landed');
    assert.ok(landed.length > 60);
    const hashes = new Set(rowsOf(box.ledger).map(({ hash }) => hash));
    assert.ok(landed.every(({ hash }) => hashes.has(hash)));
    assert.deepEqual(faultsOf(box.ledger), []);
  });
}

test('a reader that closes stdout early loses receipts, not rows', async (t) => {
  const box = sandbox(t);
  const running = start(ledgerCommand('append', '--json', '-'), { env: box.env, timeoutMs: 20_000 });
  const stdin = running.child.stdin;
  stdin?.write('{"action":"a.b","n":0}\n');
  await until('the first row is there', () => existsSync(box.ledger) && rowsOf(box.ledger).length === 2);
  running.child.stdout?.destroy();
  for (let n = 1; n <= 500; n++) stdin?.write(`{"action":"a.b","n":${n},"x":"${'x'.repeat(200)}"}\n`);
  stdin?.end();
  const ended = await running.ended;
  assert.deepEqual([ended.status, ended.stderr], [0, '']);
  assert.deepEqual(
    callerRows(box).map(({ n }) => n),
    [...Array(501).keys()],
  );
});

test('a spill is exit 0 with a warning, exit 3 with --confirm; the next append chains the rows', async (t) => {
  const box = sandbox(t);
  await append(box, ['--action', 'first']);
  renameSync(box.ledger, `${box.ledger}.away`);
  const [plain, confirmed, json] = [
    await append(box, ['--action', 'a.b', '--set', 'n=1']),
    await append(box, ['--action', 'a.b', '--set', 'n=2', '--confirm']),
    await append(box, ['--action', 'a.b', '--set', 'n=3', '--confirm', '--json']),
  ];
  assert.deepEqual([plain.status, confirmed.status, json.status], [0, 3, 3]);
  assert.match(plain.stdout, /^spilled id=[0-9A-Z]{26} why=LEDGER_MISSING\n$/);
  assert.match(plain.stderr, /ledger: warning: 1 row waits in the spill file/);
  assert.equal(receipts(json.stdout)[0]?.error?.code, 'LEDGER_MISSING');
  renameSync(`${box.ledger}.away`, box.ledger);
  const next = await append(box, ['--action', 'a.b', '--set', 'n=4', '--confirm']);
  assert.equal(next.status, 0);
  assert.match(next.stderr, /ledger: note: 3 spilled rows were chained/);
  assert.deepEqual(
    callerRows(box).map(({ n }) => n),
    [undefined, '1', '2', '3', '4'],
  );
  assert.deepEqual(faultsOf(box.ledger), []);
});

test('a held lock spills after its budget, and the receipt is given then', async (t) => {
  const box = sandbox(t);
  await append(box, ['--action', 'first']);
  const holder = await holdLock(box);
  const ended = await append(box, ['--json', '--action', 'a.b']);
  await holder.release();
  assert.equal(receipts(ended.stdout)[0]?.error?.code, 'LOCK_TIMEOUT');
  assert.ok(ended.elapsedMs > 4_900 && ended.elapsedMs < 9_000, `${ended.elapsedMs} ms`);
});

test('a row that can be stored nowhere is printed whole on stderr, exit 2', async (t) => {
  const box = sandbox(t);
  await append(box, ['--action', 'first']);
  renameSync(box.ledger, `${box.ledger}.away`);
  mkdirSync(join(box.dir, 'audit.spill.jsonl'));
  writeFileSync(box.stateHome, 'no folder');
  const ended = await append(box, ['--action', 'a.b', '--set', 'note=\u001b[31m\u202e', '--cost-usd', '1e-7']);
  assert.equal(ended.status, 2);
  assert.match(ended.stdout, /^refused line=1 code=STORED_NOWHERE /);
  assertPrintable(ended.stdout, ended.stderr);
  const row = ended.stderr.split('\n').find((line) => line.startsWith('{'));
  assert.equal(row, '{"action":"a.b","cost_usd":0.0000001,"note":"\\u001b[31m\\u202e"}');
});

test('the environment sets defaults; flags and rows come first; TRACEPARENT is recorded', async (t) => {
  const box = sandbox(t);
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const env = { LEDGER_RUN_ID: 'env-run', LEDGER_AGENT: 'env-agent', TRACEPARENT: trace };
  await append(box, ['--action', 'a.b', '--agent', 'flag'], { env });
  await append(box, ['-'], { env, stdin: '{"action":"a.b","run_id":"row"}' });
  assert.deepEqual(
    callerRows(box).map(({ run_id, agent, traceparent }) => [run_id, agent, traceparent]),
    [
      ['env-run', 'flag', trace],
      ['row', 'env-agent', trace],
    ],
  );
  const wrong = await append(box, ['--action', 'a.b'], { env: { LEDGER_DURATION_MS: 'long' } });
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /"duration_ms"/);
  // The ledger's own rows take none.
  assert.equal(rowsOf(box.ledger)[0]?.['run_id'], undefined);
});

test('a key in the environment is no key of any row, and that is said', async (t) => {
  const box = sandbox(t);
  const env = { LEDGER_IDEMPOTENCY_KEY: 'k' };
  const ended = await append(box, ['-q', '-'], { env, stdin: '{"action":"a.b"}\n{"action":"a.c"}\n' });
  assert.deepEqual([ended.status, callerRows(box).length], [0, 2]);
  assert.match(ended.stderr, /^ledger: warning: LEDGER_IDEMPOTENCY_KEY is set and ignored: [^\n]*\n$/);
});

test('the longest row lands, spills and drains whole', async (t) => {
  const box = sandbox(t);
  const around = Buffer.byteLength('"run_id":"r","action":"a.b","x":""');
  const line = `{"run_id":"r","action":"a.b","x":"${'x'.repeat(MAX_INPUT_BYTES - around)}"}`;
  assert.equal((await pipe(box, `${line}\n${line}`)).status, 0);
  renameSync(box.ledger, `${box.ledger}.away`);
  assert.match((await pipe(box, line)).stdout, /"status":"spilled"/);
  renameSync(`${box.ledger}.away`, box.ledger);
  await append(box, ['--action', 'last']);
  assert.deepEqual(
    callerRows(box).map(({ action, run_seq: seq }) => [action, seq]),
    [
      ['a.b', 1],
      ['a.b', 2],
      ['a.b', 3],
      ['last', undefined],
    ],
  );
  assert.deepEqual(faultsOf(box.ledger), []);
});

/** The seed's example row, ts and all. */
const SEED_ROW =
  '{"ts": "2026-04-25T20:09:24.604Z", "run_id": "de5b5ed3-...", "agent": "void-pulse", "action": "pulse.probe", ' +
  '"target": "env", "outcome": "success", "cost_usd": 0.0001, "duration_ms": 80, ' +
  '"reason": "status=green;detail=NNN keys ok", "playbook": "pulse-probe", "playbook_version": "0.1.0"}';

test("a row of the seed's kind goes in unchanged in meaning", async (t) => {
  const box = sandbox(t);
  assert.equal((await pipe(box, `${SEED_ROW}\n`)).status, 0);
  const { ts: when, ...given } = JSON.parse(SEED_ROW) as Record<string, unknown>;
  const [row] = callerRows(box);
  for (const [name, value] of Object.entries({ ...given, occurred_at: when }))
    assert.deepEqual(row?.[name], value, name);
});
