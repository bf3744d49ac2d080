/** The verifier that stands alone rejects what the command and the library reject, and nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { bundleText } from '../../src/core/bundle/bundle';
import { publicKeyLine } from '../../src/core/signing/keys';
import { digestOf } from '../../src/core/seal';
import { toJson } from '../../src/core/json';
import { ensureBuilt } from '../support/built';
import { CHANGES } from '../support/bundleChanges';
import { withHash } from '../support/forgedRows';
import { bundleOf as bundleOfChain, testKey } from '../support/bundles';
import { chainOf } from '../support/ledgers';
import { run } from '../support/process';
import { rowsOf } from '../support/miniVerifier';
import { ledger, sandbox } from '../support/sandbox';
import {
  VERIFIER,
  done,
  evidenceLedger,
  checkpoint,
  publicFile,
  keysOf,
  bundleOf,
  library,
  standalone,
} from '../support/evidence';
import type { Said } from '../support/evidence';

before(ensureBuilt);

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

/** All of them but for the sign, a sign, and a second spelling of one. */
const SMALL_ORDER = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  `01${'00'.repeat(30)}80`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
];

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
  // Anybody signs anything under a point of small order; some signatures need no more than a guess.
  for (const hex of SMALL_ORDER) {
    write('small.pub', publicKeyLine({ bytes: Buffer.from(hex, 'hex'), comment: '' }));
    const alone = await run([process.execPath, VERIFIER, 'r1.json', '--key', './small.pub'], { cwd: box.root });
    assert.deepEqual([alone.status, /by which anybody can sign/.test(alone.stdout + alone.stderr)], [2, true], hex);
    assert.equal((await ledger(box, ['bundle', 'verify', 'r1.json', '--key', './small.pub'])).status, 2);
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
