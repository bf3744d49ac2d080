/** A bundle is checked with coreutils, OpenSSH and OpenSSL, as its pages say. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { before } from 'node:test';
import type { BundleJson } from '../../src/core/bundle/read';
import { ensureBuilt } from '../support/built';
import { done, evidenceLedger, publicFile, keysOf, bundleOf, shipped } from '../support/evidence';

before(ensureBuilt);

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
      assert.equal((await shipped(box, 'copy', keysOf(box))).status, 1, name);
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
