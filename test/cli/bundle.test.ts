/** Bundles with the shipped command: made, checked by it, by the verifier that stands alone, and by stock tools. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { before } from 'node:test';
import type { TestContext } from 'node:test';
import { EvidenceError, LedgerError, verifyEvidenceBundle } from '../../src/index';
import { bundleText } from '../../src/core/bundle/bundle';
import type { BundleJson } from '../../src/core/bundle/read';
import type { Row } from '../../src/core/members';
import { leafHash } from '../../src/core/tree/merkle';
import { publicKeyLine } from '../../src/core/signing/keys';
import { digestOf } from '../../src/core/seal';
import { toJson } from '../../src/core/json';
import { ensureBuilt } from '../support/built';
import { CHANGES } from '../support/bundleChanges';
import { withHash } from '../support/forgedRows';
import { bundleOf as bundleOfChain, noteOf, testKey, treeOf } from '../support/bundles';
import { chainOf } from '../support/ledgers';
import { run } from '../support/process';
import type { Ended, RunOptions } from '../support/process';
import { rowsOf } from '../support/miniVerifier';
import { ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

before(ensureBuilt);

const HEAD_KEY = testKey('h');
const VERIFIER = resolve(__dirname, '../../docs/verify-bundle.mjs');
const ROWS = [
  { run_id: 'r1', action: 'run_started', agent: 'coder' },
  { run_id: 'r2', action: 'run_started', agent: 'other', reason: 'a neighbour' },
  { run_id: 'r1', action: 'tool_proposed', turn_id: 't1', payload: { tool: 'sh' }, order_id: 'o1' },
  { run_id: 'r1', decision_id: 'd1', action: 'step.done', payload: { é: '\u0085\u202e', transaction: { to: 'x' } } },
  { action: 'proof.revenue', payload: { amount_usd: '5', order_id: 'o1', source: 'shop' } },
  { run_id: 'r1', action: 'run_completed', outcome: 'success', cost_usd: 0.0000001 },
  { action: 'step.done', agent: 'nobody', reason: 'in no stream' },
];

async function done(box: Sandbox, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const ended = await ledger(box, args, { timeoutMs: 30_000, ...options });
  assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

/** A ledger with a checkpoint over all of it, and a key "ops". */
async function evidenceLedger(t: TestContext): Promise<Sandbox> {
  const box = sandbox(t);
  box.env['XDG_CONFIG_HOME'] = join(box.root, 'user');
  delete box.env['SSH_AUTH_SOCK'];
  await done(box, ['append', '-q', '-'], { stdin: ROWS.map((row) => `${JSON.stringify(row)}\n`).join('') });
  await done(box, ['key', 'new', 'ops']);
  checkpoint(box);
  return box;
}

function checkpoint(box: Sandbox): void {
  const lines = readFileSync(box.ledger, 'utf8').trimEnd().split('\n');
  const { origin } = (JSON.parse(lines[0] ?? '') as { readonly payload: { readonly origin: string } }).payload;
  const tree = treeOf(lines);
  mkdirSync(join(box.dir, 'checkpoints'), { recursive: true });
  writeFileSync(join(box.dir, 'checkpoints', `${lines.length}.txt`), noteOf(origin, tree, HEAD_KEY));
  writeFileSync(join(box.dir, 'audit.tree'), tree.stored);
  writeFileSync(join(box.root, 'head.pub'), `${publicKeyLine({ bytes: HEAD_KEY.publicBytes, comment: '' })}\n`);
}

const publicFile = (box: Sandbox): string => join(box.root, 'user/ledger/keys/ops.pub');
const keysOf = (box: Sandbox): string[] => ['--key', publicFile(box), '--key', join(box.root, 'head.pub')];

async function bundleOf(box: Sandbox, ...args: readonly string[]): Promise<BundleJson> {
  return JSON.parse((await done(box, ['bundle', 'create', '--sign', 'ops', ...args])).stdout) as BundleJson;
}

interface Said {
  readonly status: number;
  readonly codes: readonly string[];
}

async function library(box: Sandbox, path: string, args: readonly string[]): Promise<Said> {
  const { status, stdout, stderr } = await ledger(box, ['bundle', 'verify', path, '--json', ...args]);
  const { findings } = JSON.parse(stdout || '{"findings":[]}') as { readonly findings: readonly { code: string }[] };
  assert.ok(status < 2 || status === 3, stderr);
  return { status, codes: [...new Set(findings.map(({ code }) => code))].sort() };
}

async function standalone(box: Sandbox, path: string, args: readonly string[]): Promise<Said> {
  const { status, stdout } = await run([process.execPath, VERIFIER, path, ...args], { cwd: box.root, env: box.env });
  const codes = stdout.split('\n').flatMap((line) => /^([A-Z_]{4,}): /.exec(line)?.[1] ?? []);
  return { status, codes: [...new Set(codes)].sort() };
}

test('a run, a decision, an order and a query: whole, and nothing else', async (t) => {
  const box = await evidenceLedger(t);
  const seqs = ({ events }: BundleJson): number[] => events.map((line) => (JSON.parse(line) as Row).seq);
  const runBundle = await bundleOf(box, 'r1');
  assert.deepEqual(seqs(runBundle), [2, 4, 5, 7]);
  assert.deepEqual(runBundle.streams, [{ kind: 'run', id: 'r1', rows: 4, state: 'closed' }]);
  assert.deepEqual(seqs(await bundleOf(box, '--decision', 'd1')), [5]);
  const order = await bundleOf(box, '--order', 'o1');
  assert.deepEqual(seqs(order), [2, 4, 5, 6, 7]);
  assert.deepEqual(order.streams.at(-1), { kind: 'order', id: 'o1', rows: 1, state: 'loose' });
  const query = await bundleOf(box, '--query', 'agent=coder');
  assert.deepEqual([seqs(query), query.workflowId], [[2, 4, 5, 7], 'query agent=coder']);
  for (const [args, why] of [
    [['--query', 'agent=other'], /found 1 open, run r2 first/],
    [['--query', 'agent=nobody'], /found 1 in none, row 8 first/],
    [['r1', '--order', 'o1'], /one thing/],
    [[], /one thing/],
    [['r1', '--open'], /--open with --query/],
    [['r1', '--format', 'dir'], /--out/],
    [['r1', '--disclose', 'reason'], /sealed field "reason"/],
  ] as const) {
    const ended = await ledger(box, ['bundle', 'create', '--sign', 'ops', ...args]);
    assert.deepEqual([ended.status, why.test(ended.stderr)], [2, true], `${args.join(' ')}: ${ended.stderr}`);
  }
  assert.equal((await bundleOf(box, '--query', 'agent=other', '--open')).streams[0]?.state, 'open');
  const none = await ledger(box, ['bundle', 'create', 'r9', '--sign', 'ops']);
  assert.deepEqual([none.status, none.stdout], [1, '']);
});

test('a row that no checkpoint covers, a row that was changed: no bundle is made', async (t) => {
  const box = await evidenceLedger(t);
  const refused = async (code: string): Promise<void> => {
    const { status, stdout, stderr } = await ledger(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--json']);
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal((JSON.parse(stderr) as { readonly error: { readonly code: string } }).error.code, code, stderr);
  };
  await done(box, ['append', '-q', '--run-id', 'r1', '--action', 'tool.used']);
  await refused('NOT_VERIFIABLE');
  checkpoint(box);
  assert.equal((await bundleOf(box, 'r1')).streams[0]?.state, 'late');
  const text = readFileSync(box.ledger, 'utf8');
  writeFileSync(box.ledger, text.replace('"tool":"sh"', '"tool":"ls"'));
  await refused('CONTENT_ALTERED');
});

test('what it says by which key, and with which exit code', async (t) => {
  const box = await evidenceLedger(t);
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--out', 'r1.json']);
  assert.deepEqual(await library(box, 'r1.json', keysOf(box)), { status: 0, codes: [] });
  assert.deepEqual(await library(box, 'r1.json', []), { status: 3, codes: [] });
  assert.deepEqual(await library(box, 'r1.json', ['--key', 'head.pub']), { status: 1, codes: ['UNKNOWN_KEY'] });
  const missing = await ledger(box, ['bundle', 'verify', 'r1.json', '--key', 'nobody.pub']);
  assert.equal(missing.status, 2);
  await done(box, ['key', 'trust', 'ops', '--actor', 'ops']);
  assert.deepEqual(await library(box, 'r1.json', []), { status: 1, codes: ['UNTRUSTED_KEY'] });
  await done(box, ['key', 'trust', 'ops', '--actor', 'ops', '--role', 'bundle']);
  assert.deepEqual(await library(box, 'r1.json', []), { status: 0, codes: [] });
  await done(box, ['key', 'trust', 'ops', '--actor', 'ops', '--until', '2020-01-01T00:00:00Z']);
  assert.deepEqual(await library(box, 'r1.json', []), { status: 1, codes: ['UNTRUSTED_KEY'] });
  const config = JSON.parse(readFileSync(join(box.root, 'ledger.config.json'), 'utf8')) as object;
  writeFileSync(join(box.root, 'ledger.config.json'), JSON.stringify({ ...config, signer: 'ops' }));
  assert.equal((await ledger(box, ['bundle', 'create', 'r1'])).status, 0);
});

test('an export is a row where the config says anything of access, and so is a bundle', async (t) => {
  const box = await evidenceLedger(t);
  writeFileSync(join(box.root, 'ledger.config.json'), '{"access":{"raw":"break-glass"}}');
  const asked = ['bundle', 'create', 'r1', '--sign', 'ops'];
  const refused = await ledger(box, asked);
  assert.deepEqual([refused.status, refused.stdout], [2, '']);
  const bundle = await bundleOf(box, 'r1', '--reason', 'TICKET-81');
  const last = JSON.parse(readFileSync(box.ledger, 'utf8').trimEnd().split('\n').at(-1) ?? '') as Row;
  assert.deepEqual(
    [last.action, last.reason, last.payload?.['command'], last.payload?.['rows'], last.payload?.['sha256']],
    ['access.export', 'TICKET-81', 'bundle', 4, bundle.contentHash.slice('sha256:'.length)],
  );
  writeFileSync(join(box.root, 'access.jsonl'), `${JSON.stringify(last)}\n`);
  const checked = await ledger(box, ['schema', 'check', 'access.jsonl']);
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test('the verifier that stands alone and the library reject the same, for the same reasons', async (t) => {
  const box = await evidenceLedger(t);
  const bundle = await bundleOf(box, 'r1');
  const path = join(box.root, 'changed.json');
  for (const [name, change] of CHANGES) {
    writeFileSync(path, `${JSON.stringify({ ...bundle, ...change(bundle) })}\n`);
    const [ours, theirs] = [await library(box, path, keysOf(box)), await standalone(box, path, keysOf(box))];
    assert.deepEqual(theirs, ours, name);
    assert.equal(ours.status, name === 'nothing' ? 0 : 1, name);
  }
  for (const [name, text] of [
    ['a key twice', JSON.stringify(bundle).replace('{"version":1,', '{"version":1,"version":1,')],
    ['not JSON', JSON.stringify(bundle).slice(0, -1)],
    ['no signature', JSON.stringify({ ...bundle, signature: undefined })],
    ['spaced', JSON.stringify(bundle, undefined, 1)],
  ] as const) {
    writeFileSync(path, text);
    const [ours, theirs] = [await library(box, path, keysOf(box)), await standalone(box, path, keysOf(box))];
    assert.deepEqual(theirs, ours, name);
    assert.equal(ours.status, name === 'spaced' ? 0 : 1, name);
  }
});

test('… also of rows that nobody but the one who has the key can make, and of honest ones with odd names', async (t) => {
  const box = sandbox(t);
  const [path, key] = [join(box.root, 'one.json'), join(box.root, 'b.pub')];
  const { publicBytes } = testKey('b');
  writeFileSync(key, `${publicKeyLine({ bytes: publicBytes, comment: '' })}\n`);
  const both = async (row: string, change: (line: string) => string = (line) => line): Promise<boolean> => {
    const chain = chainOf();
    chain.add({ ...(JSON.parse(row) as { action: string }), run_id: 'r1' });
    const last = chain.lines.at(-1) ?? '';
    const changed = withHash(change(`${last.slice(0, last.lastIndexOf(',"hash":"'))}}`));
    const forged = { ...chain, lines: [...chain.lines.slice(0, -1), changed] } as typeof chain;
    writeFileSync(
      path,
      bundleText(await bundleOfChain(forged, [{ kind: 'run', id: 'r1' }], { headKey: testKey('b') })),
    );
    const [ours, theirs] = [await library(box, path, ['--key', key]), await standalone(box, path, ['--key', key])];
    assert.deepEqual(theirs, ours, changed);
    return ours.codes.length === 0;
  };
  const odd = '{"action":"a.b","hasOwnProperty":true,"isPrototypeOf":1,"toString":"x","__proto__":"y"}';
  for (const row of ['{"action":"a.b"}', odd, '{"action":"cost.refund","ref":"01J","cost_usd":-0.5}'])
    assert.ok(await both(row), row);
  const cost = '{"action":"a.b","cost_usd":0.5}';
  for (const [row, from, to] of [
    [cost, ':0.5', ':-0.5'],
    [cost, ':0.5', ':0.50'],
    [cost, '"a.b"', '"audit"'],
    [cost, '"a.b"', '"audit.b"'],
    [cost, '"a.b","', '"a.b","ref":5,"'],
  ] as const)
    assert.ok(!(await both(row, (line) => line.replace(from, to))), to);
});

test('the same of folders, envelopes and shared secrets', async (t) => {
  const box = await evidenceLedger(t);
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--format', 'dir', '--out', 'folder', '--with-verifier']);
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--format', 'dsse', '--out', 'r1.dsse']);
  writeFileSync(join(box.root, 'secret'), 'c0ffee'.repeat(4) + '0123456789abcdef'.repeat(3), { mode: 0o600 });
  await done(box, ['bundle', 'create', 'r1', '--hmac-key-file', 'secret', '--out', 'h.json']);
  const both = async (path: string, args: readonly string[]): Promise<Said> => {
    const [ours, theirs] = [await library(box, path, args), await standalone(box, path, args)];
    assert.deepEqual(theirs, ours, path);
    return ours;
  };
  for (const path of ['folder', 'r1.dsse']) assert.deepEqual(await both(path, keysOf(box)), { status: 0, codes: [] });
  assert.deepEqual(await both('h.json', ['--hmac-key-file', 'secret']), { status: 0, codes: [] });
  assert.deepEqual(await both('h.json', keysOf(box)), { status: 1, codes: ['UNKNOWN_KEY'] });
  const envelope = JSON.parse(readFileSync(join(box.root, 'r1.dsse'), 'utf8')) as { payload: string };
  const inner = Buffer.from(envelope.payload, 'base64').toString();
  const changed = Buffer.from(`${inner} `).toString('base64');
  writeFileSync(join(box.root, 'changed.dsse'), JSON.stringify({ ...envelope, payload: changed }));
  assert.deepEqual(await both('changed.dsse', keysOf(box)), { status: 1, codes: ['SIGNATURE_INVALID'] });
  for (const name of ['rows.jsonl', 'proofs.jsonl', 'manifest.json', 'VERIFY.md', 'SHA256SUMS', 'signer.pub']) {
    cpSync(join(box.root, 'folder'), join(box.root, 'copy'), { recursive: true });
    const path = join(box.root, 'copy', name);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(/[0-9a-f](?=[^0-9a-f]*$)/, (digit) => (digit === '0' ? '1' : '0')),
    );
    assert.equal((await both('copy', keysOf(box))).status, 1, name);
    rmSync(join(box.root, 'copy'), { recursive: true });
  }
  writeFileSync(join(box.root, 'folder', 'more.txt'), 'x');
  assert.deepEqual(await both('folder', keysOf(box)), { status: 1, codes: ['FOREIGN'] });
  const again = await ledger(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--format', 'dir', '--out', 'folder']);
  assert.equal(again.status, 2);
  const own = await run([process.execPath, 'verify-bundle.mjs', '.', '--key', publicFile(box)], {
    cwd: join(box.root, 'folder'),
  });
  assert.equal(own.status, 1);
});

test('what is there already is not written over, and the ledger itself least of all', async (t) => {
  const box = await evidenceLedger(t);
  const path = (name: string): string => join(box.root, name);
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--out', 'r1.json']);
  const kept = readFileSync(path('r1.json'));
  const rows = readFileSync(box.ledger, 'utf8');
  symlinkSync(box.ledger, path('link'));
  symlinkSync(path('nowhere'), path('dangling'));
  spawnSync('mkfifo', [path('pipe')]);
  const create = ['bundle', 'create', 'r1', '--sign', 'ops'];
  for (const command of [create, [...create, '--format', 'html'], [...create, '--format', 'dir'], ['prove', '3']])
    for (const [out, why] of [
      ['r1.json', /NOT_WRITABLE.*evidence is not written over/],
      ['link', /NOT_WRITABLE/],
      ['dangling', /NOT_WRITABLE/],
      ['pipe', /NOT_WRITABLE/],
      ['/dev/null', /NOT_WRITABLE/],
      [box.ledger, /UNSAFE_PATH/],
      [join(box.dir, 'new'), /UNSAFE_PATH/],
      ['', /USAGE.*empty name/],
    ] as const) {
      const { status, stdout, stderr } = await ledger(box, [...command, '--json', '--out', out]);
      assert.deepEqual([status, stdout], [2, ''], `${command.join(' ')} ${out}`);
      assert.match(stderr, why, `${command.join(' ')} ${out}`);
    }
  assert.deepEqual(readFileSync(path('r1.json')), kept);
  assert.equal(readFileSync(box.ledger, 'utf8'), rows);
  assert.ok(!existsSync(path('nowhere')) && !existsSync(join(box.dir, 'new')));
  assert.match((await done(box, [...create, '--out', '-'])).stdout, /^\{"version":1/);
  assert.match((await done(box, ['prove', '3', '-o', '-'])).stdout, /^c2sp/);
  assert.ok(!existsSync(path('-')));
  assert.match((await ledger(box, [...create, '--format', 'dir', '--out', '-'])).stderr, /the folder to make/);
});

test('a folder of a stranger is not waited for, and nothing without an end is read', async (t) => {
  const box = await evidenceLedger(t);
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--format', 'dir', '--out', 'folder']);
  const copy = join(box.root, 'copy');
  for (const [name, change, codes] of [
    ['pipe', (path: string) => spawnSync('mkfifo', [path]), ['FOREIGN']],
    ['zero', (path: string) => symlinkSync('/dev/zero', path), ['FOREIGN']],
    ['rows.jsonl', (path: string) => (rmSync(path), spawnSync('mkfifo', [path])), ['MALFORMED']],
    ['rows.jsonl', (path: string) => (rmSync(path), symlinkSync('/dev/zero', path)), ['MALFORMED']],
    ['signer.pub', (path: string) => (rmSync(path), mkdirSync(path)), ['CONTENT_ALTERED']],
    ['SHA256SUMS.asc', (path: string) => writeFileSync(path, 'x'), ['FOREIGN']],
    ['rows.jsonl', (path: string) => writeFileSync(path, Buffer.from([0xff])), ['MALFORMED']],
  ] as const) {
    cpSync(join(box.root, 'folder'), copy, { recursive: true });
    change(join(copy, name));
    assert.deepEqual(await library(box, 'copy', keysOf(box)), { status: 1, codes }, name);
    assert.deepEqual(await standalone(box, 'copy', keysOf(box)), { status: 1, codes }, name);
    rmSync(copy, { recursive: true });
  }
  spawnSync('mkfifo', [join(box.root, 'pipe')]);
  for (const path of ['pipe', '/dev/zero']) {
    const { status, stderr } = await ledger(box, ['bundle', 'verify', path, '--json'], { timeoutMs: 20_000 });
    assert.deepEqual([status, /READ_FAILED/.test(stderr)], [2, true], stderr);
    const alone = await run([process.execPath, VERIFIER, path], { cwd: box.root, env: box.env });
    assert.equal(alone.status, 2, alone.stdout);
  }
});

test('files of keys are read alike by the command and the verifier that stands alone', async (t) => {
  const box = await evidenceLedger(t);
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--out', 'r1.json']);
  const line = readFileSync(publicFile(box), 'utf8');
  const other = publicKeyLine({ bytes: testKey('m').publicBytes, comment: '' });
  const write = (name: string, text: string): void => writeFileSync(join(box.root, name), text, { mode: 0o600 });
  const pem = (await done(box, ['key', 'export', 'ops', '--format', 'pem'])).stdout;
  spawnSync('mkfifo', [join(box.root, 'pipe.pub')]);
  for (const [name, text, status] of [
    ['plain.pub', line, 0],
    ['newline.pub', `\n${line}\n`, 0],
    ['crlf.pub', line.replace('\n', '\r\n'), 0],
    ['pem.pub', `\n${pem}`, 0],
    ['two.pub', `${other}\n${line}`, 2],
    ['mixed.pub', `${line}${pem}`, 2],
    ['bom.pub', `\ufeff${line}`, 0],
    ['none.pub', 'x', 2],
    ['empty.pub', '', 2],
    ['pipe.pub', undefined, 2],
  ] as const) {
    if (text !== undefined) write(name, text);
    const args = ['--key', `./${name}`];
    const { status: ours, stderr } = await ledger(box, ['bundle', 'verify', 'r1.json', ...args], { timeoutMs: 20_000 });
    const alone = await run([process.execPath, VERIFIER, 'r1.json', ...args], { cwd: box.root, env: box.env });
    assert.deepEqual([ours, alone.status], [status, status], `${name}: ${stderr}${alone.stdout}`);
  }
  cpSync(publicFile(box).replace('.pub', ''), join(box.root, 'mine'));
  cpSync(publicFile(box), join(box.root, 'mine.pub'));
  assert.equal((await library(box, 'r1.json', ['--key', './mine'])).status, 0);
  assert.equal((await standalone(box, 'r1.json', ['--key', './mine'])).status, 0);
  for (const args of [['--key', ''], ['--key']]) {
    assert.equal((await ledger(box, ['bundle', 'verify', 'r1.json', ...args])).status, 2);
    const alone = await run([process.execPath, VERIFIER, 'r1.json', ...args], { cwd: box.root, env: box.env });
    assert.deepEqual([alone.status, /expected a key after --key/.test(alone.stdout)], [2, true], alone.stdout);
  }
});

test('whoever signs can write rows that no ledger has: the verifier that stands alone refuses those of the command', async (t) => {
  const box = await evidenceLedger(t);
  const bundle = await bundleOf(box, 'r1');
  const [first = ''] = bundle.events;
  const rehashed = (line: string): string => `${line.slice(0, -75)},"hash":"${hash('sha256', `${line.slice(0, -75)}}`)}"}`;
  for (const [from, to] of [
    ['"ts":"2', '"ts":"x2'],
    ['"id":"', '"id":"x'],
    [/"id":"[^"]*",/, ''],
    ['"agent":"coder"', '"agent":"coder","payload":"x"'],
    ['"agent":"coder"', '"agent":"coder","payload":null'],
    ['"agent":"coder"', '"agent":"coder","payload":[1]'],
    ['"agent":"coder"', '"agent":"coder","signature":5'],
    ['"agent":"coder"', '"agent":"coder","decision_id":"d"'],
    ['"agent":"coder"', '"agent":""'],
    ['"agent":"coder"', '"agent":{"sealed":"x"}'],
    ['"action":"run_started"', '"action":"run_started","cost_usd":1e-9'],
    ['"action":"run_started"', '"action":"run_started","mine":"\u007f"'],
    ['"action":"run_started"', `"action":"run_started","mine":"${'x'.repeat(1 << 20)}"`],
    ['"action":"run_started"', `"action":"run_started","mine":${'['.repeat(64)}${']'.repeat(64)}`],
    ['"by":"', '"by":"","x":"'],
    ['"run_seq":1', '"run_seq":1.5'],
  ] as const) {
    const line = rehashed(first.replace(from, to));
    assert.notEqual(line, first);
    const path = join(box.root, 'changed.json');
    writeFileSync(path, JSON.stringify({ ...bundle, events: [line, ...bundle.events.slice(1)] }));
    const [ours, theirs] = [await library(box, path, keysOf(box)), await standalone(box, path, keysOf(box))];
    // Of one row the command says all that is wrong with it.
    assert.deepEqual([ours.status, theirs.status], [1, 1], to.slice(0, 60));
    for (const { codes } of [ours, theirs]) assert.ok(codes.some((code) => /MALFORMED|STREAM_BROKEN/.test(code)), `${to.slice(0, 60)}: ${codes.join()}`); // prettier-ignore
  }
}); // prettier-ignore

test('an envelope says one thing about one bundle, and nothing else', async (t) => {
  const box = await evidenceLedger(t);
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--format', 'dsse', '--out', 'r1.dsse']);
  type Envelope = { payload: unknown; signatures: Record<string, unknown>[]; payloadType: string };
  const read = (): Envelope => JSON.parse(readFileSync(join(box.root, 'r1.dsse'), 'utf8')) as Envelope;
  const said = JSON.parse(Buffer.from(String(read().payload), 'base64').toString()) as { subject: { name: string; digest: object }[] }; // prettier-ignore
  const [subject] = said.subject;
  const about = (more: object): object => ({ ...read(), payload: Buffer.from(JSON.stringify({ ...said, ...more })).toString('base64') }); // prettier-ignore
  for (const [name, envelope] of [
    ['a member more', { ...read(), note: 'x' }],
    ['one in the signature', { ...read(), signatures: [{ ...read().signatures[0], cert: 'x' }] }],
    ['two signatures', { ...read(), signatures: [read().signatures[0], read().signatures[0]] }],
    ...[5, null, 'x', [], [5]].map((signatures) => [`signatures ${JSON.stringify(signatures)}`, { ...read(), signatures }] as const), // prettier-ignore
    ...[5, null, '', 'bnVsbA==', 'NQ==', '/w=='].map(
      (payload) => [`payload ${payload}`, { ...read(), payload }] as const,
    ),
    ['another type', { ...read(), payloadType: 'x' }],
    ['another statement', about({ _type: 'https://in-toto.io/Statement/v0.1' })],
    ['another predicate', about({ predicateType: 'https://slsa.dev/provenance/v1' })],
    ['a member of it', about({ extra: 1 })],
    ['two subjects', about({ subject: [subject, { name: 'evil', digest: { sha256: '00' } }] })],
    ['another subject', about({ subject: [{ ...subject, name: 'other' }] })],
    ['two digests', about({ subject: [{ ...subject, digest: { ...subject?.digest, sha512: '00' } }] })],
  ] as const) {
    writeFileSync(join(box.root, 'changed.dsse'), JSON.stringify(envelope));
    const want = { status: 1, codes: ['MALFORMED'] };
    assert.deepEqual(await library(box, 'changed.dsse', keysOf(box)), want, name);
    assert.deepEqual(await standalone(box, 'changed.dsse', keysOf(box)), want, name);
  }
});

const TOOLS = ['ssh-keygen', 'openssl', 'sha256sum', 'jq', 'basenc'];
const lacking = TOOLS.find((tool) => spawnSync(tool, ['--version']).error !== undefined);

/** The commands of the pages, in their order, as a shell runs them. */
function commandsIn(page: string): string[] {
  return [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
}

function shell(cwd: string, script: string): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', script], { cwd, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

test(
  'a folder is checked with coreutils, OpenSSH and OpenSSL alone, and changes are seen',
  { skip: lacking && `no ${lacking}` },
  async (t) => {
    const box = await evidenceLedger(t);
    await done(box, [
      'bundle',
      'create',
      'r1',
      '--sign',
      'ops',
      '--format',
      'dir',
      '--out',
      'folder',
      '--with-verifier',
    ]);
    cpSync(publicFile(box), join(box.root, 'trusted.pub'));
    const dir = join(box.root, 'folder');
    const bundle = await bundleOf(box, 'r1');
    const [fingerprint, files, rows, streams, digest, signature, verifier] = commandsIn(readFileSync(join(dir, 'VERIFY.md'), 'utf8')); // prettier-ignore
    assert.ok(shell(dir, fingerprint ?? '').text.includes(bundle.signature.keyId));
    assert.equal(shell(dir, files ?? '').status, 0, shell(dir, files ?? '').text);
    assert.deepEqual(shell(dir, rows ?? ''), { status: 0, text: '' });
    assert.ok(shell(dir, streams ?? '').text.includes('["r1",4,'));
    assert.equal(shell(dir, digest ?? '').text.slice(0, 64), bundle.contentHash.slice('sha256:'.length));
    assert.match(shell(dir, signature ?? '').text, /Signature Verified Successfully/);
    assert.equal(shell(dir, verifier ?? '').status, 0);

    const edit = (name: string, change: (text: string) => string) => (copy: string) =>
      writeFileSync(join(copy, name), change(readFileSync(join(copy, name), 'utf8')));
    const resum = 'sha256sum $(cut -c 67- SHA256SUMS) > sums; mv sums SHA256SUMS';
    const mutations: readonly (readonly [string, (copy: string) => void])[] = [
      ['a row is changed', edit('rows.jsonl', (text) => text.replace('coder', 'codex'))],
      ['a row is left out', edit('rows.jsonl', (text) => text.slice(text.indexOf('\n') + 1))],
      ['the tree head is changed', edit('checkpoint.txt', (text) => text.replace('\n8\n', '\n9\n'))],
      ['a file is gone', (copy) => rmSync(join(copy, 'proofs.jsonl'))],
      ['a row and its digest are changed', (copy) => (edit('rows.jsonl', (text) => text.replace('coder', 'codex'))(copy), shell(copy, resum))], // prettier-ignore
      ['all is signed anew, by somebody else', (copy) => shell(copy, `ssh-keygen -q -t ed25519 -N '' -f ../mallory; ${resum}; rm SHA256SUMS.sig; ssh-keygen -q -Y sign -f ../mallory -n ledger-bundle SHA256SUMS; cp ../mallory.pub signer.pub`)], // prettier-ignore
      ['the signature is for another purpose', (copy) => shell(copy, `rm SHA256SUMS.sig; ssh-keygen -q -Y sign -f ../user/ledger/keys/ops -n file SHA256SUMS`)], // prettier-ignore
    ];
    for (const [name, mutate] of mutations) {
      const copy = join(box.root, 'copy');
      rmSync(copy, { recursive: true, force: true });
      cpSync(dir, copy, { recursive: true });
      mutate(copy);
      assert.ok(existsSync(join(copy, 'SHA256SUMS.sig')), name);
      assert.notEqual(shell(copy, files ?? '').status, 0, name);
      assert.equal((await library(box, 'copy', keysOf(box))).status, 1, name);
    }
  },
);

test('the file is checked with OpenSSL as the page says', { skip: lacking && `no ${lacking}` }, async (t) => {
  const box = await evidenceLedger(t);
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--out', 'bundle.json']);
  cpSync(publicFile(box), join(box.root, 'signer.pub'));
  writeFileSync(join(box.root, 'secret'), 'c0ffee'.repeat(4) + '0123456789abcdef'.repeat(3), { mode: 0o600 });
  await done(box, ['bundle', 'create', 'r1', '--hmac-key-file', 'secret', '--out', 'shared.json']);
  const page = readFileSync(resolve(__dirname, '../../docs/bundles.md'), 'utf8');
  const [digest = '', node = '', signature = '', hmac = ''] = commandsIn(page.slice(page.indexOf('## With OpenSSL')));
  const bundle = JSON.parse(readFileSync(join(box.root, 'bundle.json'), 'utf8')) as BundleJson;
  for (const script of [digest, node])
    assert.equal(shell(box.root, script).text.slice(0, 64), bundle.contentHash.slice('sha256:'.length), shell(box.root, script).text); // prettier-ignore
  assert.match(shell(box.root, signature).text, /Signature Verified Successfully/);
  const shared = JSON.parse(readFileSync(join(box.root, 'shared.json'), 'utf8')) as BundleJson;
  assert.ok(shell(box.root, hmac).text.includes(shared.signature.value), shell(box.root, hmac).text);
  writeFileSync(join(box.root, 'bundle.json'), JSON.stringify({ ...bundle, contentHash: `sha256:${'0'.repeat(64)}` }));
  assert.notEqual(shell(box.root, signature).status, 0);
});

test('a reader who is curious cannot guess a neighbour from its hash; without the nonce it could', async (t) => {
  const box = await evidenceLedger(t);
  const bundle = await bundleOf(box, 'r1');
  const lines = readFileSync(box.ledger, 'utf8').trimEnd().split('\n');
  // Row 3 stands between rows 2 and 4: its leaf is the last one's sibling, and its hash is row 4's link.
  const hidden = JSON.parse(lines[2] ?? '') as Row;
  const row4 = JSON.parse(bundle.events[1] ?? '') as Row;
  assert.equal(row4.prev_hash, hidden.hash);
  assert.equal(bundle.inclusion[1]?.hashes[0], leafHash(Buffer.from(hidden.hash, 'hex')).toString('base64'));
  // Everything is known but one word of ten thousand, and the nonce.
  const words = Array.from({ length: 10_000 }, (_, i) => (i === 7_321 ? 'a neighbour' : `guess ${i}`));
  const guesses = (known: string): string[] =>
    words.filter((word) => hash('sha256', known.replace('"a neighbour"', JSON.stringify(word))) === hidden.hash);
  const preimage = `${(lines[2] ?? '').slice(0, -75)}}`;
  const blind = preimage.replace(hidden.nonce, 'A'.repeat(22));
  assert.deepEqual(guesses(blind), []);
  assert.deepEqual(guesses(preimage), ['a neighbour'], 'with the nonce it is one of ten thousand');
  assert.ok(!JSON.stringify(bundle).includes(hidden.nonce));
  // Had the row none, all but the word would be known.
  const bare = preimage.replace(`"nonce":"${hidden.nonce}",`, '');
  const leaked = hash('sha256', bare);
  assert.deepEqual(words.filter((word) => hash('sha256', bare.replace('"a neighbour"', JSON.stringify(word))) === leaked), ['a neighbour']); // prettier-ignore
});

test('the library takes a bundle in every form and throws what does not hold, by its code', async (t) => {
  const box = await evidenceLedger(t);
  const bundle = await bundleOf(box, 'r1');
  const line = readFileSync(publicFile(box), 'utf8');
  const bytes = Buffer.from(line.split(' ')[1] ?? '', 'base64').subarray(-32);
  const pem = (await done(box, ['key', 'export', 'ops', '--format', 'pem'])).stdout;
  for (const key of [line, bytes, pem, Buffer.from(pem)])
    for (const form of [bundle, JSON.stringify(bundle), Buffer.from(JSON.stringify(bundle))])
      assert.equal((await verifyEvidenceBundle(form, key)).verdict, 'valid');
  const rejects = (value: unknown, key: unknown, code: string): Promise<void> =>
    assert.rejects(verifyEvidenceBundle(value, key as string), (error) => error instanceof LedgerError && error.code === code); // prettier-ignore
  await rejects({ ...bundle, workflowId: 'x' }, line, 'CONTENT_ALTERED');
  await rejects(bundle, testKey('m').publicBytes, 'UNKNOWN_KEY');
  await rejects({ ...bundle, signature: { ...bundle.signature, value: '00' } }, line, 'SIGNATURE_INVALID');
  for (const value of [undefined, null, 1, [], '{', Buffer.from([0xff]), { ...bundle, events: 1n }])
    await rejects(value, line, 'MALFORMED');
  for (const key of [undefined, '', 'ssh-rsa AAAA', Buffer.alloc(32), {}]) await rejects(bundle, key, 'KEY_UNUSABLE');
  await assert.rejects(verifyEvidenceBundle('', line), EvidenceError);
});

test('sealed fields are shown that were asked for, and no other; the verifier that stands alone opens them, too', async (t) => {
  const box = await evidenceLedger(t);
  const lines = readFileSync(box.ledger, 'utf8').trimEnd().split('\n');
  const { payload } = JSON.parse(lines[0] ?? '') as {
    readonly payload: { readonly ledger_id: string; readonly origin: string };
  };
  const chain = chainOf({ identity: { ledgerId: payload.ledger_id, origin: payload.origin, lock: 'kernel' } });
  const salt = 'c2FsdHNhbHRzYWx0c2FsdA';
  const openings = ([['payload.email', 'ann@example.org'], ['payload.steps[1].note', { b: 1, a: 'é' }]] as const).map(([name, value]) => {
    const digest = digestOf({ salt, name, value: toJson(value) });
    return { digest, salt, name, value };
  }); // prettier-ignore
  const [email, note] = openings.map(({ digest }) => ({ sealed: digest }));
  chain.add({ action: 'a.b', run_id: 'r1', payload: { email, steps: [1, { note }] } });
  writeFileSync(box.ledger, `${chain.lines.join('\n')}\n`);
  rmSync(join(box.dir, 'checkpoints'), { recursive: true });
  checkpoint(box);
  const sealedFile = join(box.dir, 'sealed.jsonl');
  writeFileSync(sealedFile, openings.map((one) => `${JSON.stringify(one)}\n`).join('\n'), { mode: 0o600 });
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--disclose', 'payload.email', '--out', 'one.json']);
  const text = readFileSync(join(box.root, 'one.json'), 'utf8');
  assert.deepEqual([text.includes('ann@example.org'), text.includes('"a":"é"')], [true, false]);
  const all = ['--disclose', 'payload.email', '--disclose', 'payload.steps[1].note'];
  await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', ...all, '--out', 'all.json']);
  // It is open: exit 3.
  for (const path of ['one.json', 'all.json']) {
    assert.deepEqual(await library(box, path, keysOf(box)), { status: 3, codes: [] });
    assert.deepEqual(await standalone(box, path, keysOf(box)), { status: 3, codes: [] });
  }
  writeFileSync(sealedFile, readFileSync(sealedFile, 'utf8').replace('ann@', 'bob@'));
  const gone = await ledger(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--disclose', 'payload.email']);
  assert.deepEqual([gone.status, gone.stdout], [2, '']);

  writeFileSync(sealedFile, readFileSync(sealedFile, 'utf8').replace('bob@', 'ann@'));
  const { seq } = rowsOf(box.ledger).find(({ action }) => action === 'a.b') ?? { seq: 0 };
  await done(box, ['erase', String(seq), 'payload.email', '--reason', 'r']);
  const left = await done(box, ['bundle', 'create', 'r1', '--sign', 'ops', ...all, '--out', 'left.json', '--json']);
  const told = JSON.parse(left.stdout) as { disclosed: number; erased: { seq: number; field: string }[] };
  assert.deepEqual([told.disclosed, told.erased.map(({ field }) => field)], [1, ['payload.email']]);
  assert.match(left.stderr, /payload\.email of row [0-9]+ is not shown: row [0-9]+ says that it was erased/);
  const none = await ledger(box, ['bundle', 'create', 'r1', '--sign', 'ops', '--disclose', 'payload.email']);
  assert.equal(none.status, 2);
  assert.match(none.stderr, /found it erased by row [0-9]+, and none that can be shown/);
});
