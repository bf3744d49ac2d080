/** Bundles with the shipped command: made, checked by it and by the library. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { EvidenceError, LedgerError, verifyEvidenceBundle } from '../../src/index';
import type { BundleJson } from '../../src/core/bundle/read';
import type { Row } from '../../src/core/members';
import { leafHash } from '../../src/core/tree/merkle';
import { ensureBuilt } from '../support/built';
import { testKey } from '../support/bundles';
import { run } from '../support/process';
import { ledger } from '../support/sandbox';
import {
  VERIFIER,
  done,
  evidenceLedger,
  checkpoint,
  publicFile,
  keysOf,
  bundleOf,
  shipped,
  standalone,
} from '../support/evidence';

before(ensureBuilt);

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
  assert.deepEqual(await shipped(box, 'r1.json', keysOf(box)), { status: 0, codes: [] });
  assert.deepEqual(await shipped(box, 'r1.json', []), { status: 3, codes: [] });
  assert.deepEqual(await shipped(box, 'r1.json', ['--key', 'head.pub']), { status: 1, codes: ['UNKNOWN_KEY'] });
  const missing = await ledger(box, ['bundle', 'verify', 'r1.json', '--key', 'nobody.pub']);
  assert.equal(missing.status, 2);
  await done(box, ['key', 'trust', 'ops', '--actor', 'ops']);
  assert.deepEqual(await shipped(box, 'r1.json', []), { status: 1, codes: ['UNTRUSTED_KEY'] });
  await done(box, ['key', 'trust', 'ops', '--actor', 'ops', '--role', 'bundle']);
  assert.deepEqual(await shipped(box, 'r1.json', []), { status: 0, codes: [] });
  await done(box, ['key', 'trust', 'ops', '--actor', 'ops', '--until', '2020-01-01T00:00:00Z']);
  assert.deepEqual(await shipped(box, 'r1.json', []), { status: 1, codes: ['UNTRUSTED_KEY'] });
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
    assert.deepEqual(await shipped(box, 'copy', keysOf(box)), { status: 1, codes }, name);
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
