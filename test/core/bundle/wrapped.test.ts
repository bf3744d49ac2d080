/** Bundles in other wrappings: a folder that ssh-keygen signs for, and an envelope. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { checkEvidence } from '../../../src/core/bundle/check';
import { envelopeOf } from '../../../src/core/bundle/envelope';
import { evidenceInFolder, partsOf, signed, signerLine } from '../../../src/core/bundle/folder';
import { publicKeyOf } from '../../../src/core/bundle/keys';
import type { EvidenceReading } from '../../../src/core/bundle/evidence';
import { readSshSignature, sshSignatureText, sshSignedBytes } from '../../../src/core/signing/sshsig';
import { publicKeyLine } from '../../../src/core/signing/keys';
import { bundleOf, testKey, readText } from '../../support/bundles';
import { chainOf } from '../../support/ledgers';

const KEY = testKey('b');
const KEYS = [publicKeyOf(KEY.publicBytes)];
const RUN = { kind: 'run', id: 'r1' } as const;
const hasSsh = spawnSync('ssh-keygen', ['-?']).error === undefined;

function chain(): ReturnType<typeof chainOf> {
  const made = chainOf();
  made.add({ action: 'run_started', run_id: 'r1', agent: 'coder' });
  made.add({ action: 'run_completed', run_id: 'r1' });
  return made;
}

const codes = (reading: EvidenceReading): string[] =>
  reading.kind === 'none'
    ? [reading.finding.code]
    : checkEvidence(reading.evidence, KEYS).findings.map(({ code }) => code);

test('a signature of a file is what ssh-keygen takes, and gives', { skip: !hasSsh && 'no ssh-keygen' }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-sshsig-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = Buffer.from('what is signed\n');
  const value = await KEY.signer.sign(sshSignedBytes(file, 'ledger-bundle'));
  const text = sshSignatureText({ publicBytes: KEY.publicBytes, namespace: 'ledger-bundle', value });
  const line = publicKeyLine({ bytes: KEY.publicBytes, comment: '' });
  writeFileSync(join(dir, 'sig'), text);
  writeFileSync(join(dir, 'allowed'), `ledger namespaces="ledger-bundle" ${line}\n`);
  const check = (namespace: string, input: Buffer): number | null =>
    spawnSync('ssh-keygen', ['-Y', 'verify', '-f', 'allowed', '-I', 'ledger', '-n', namespace, '-s', 'sig'], { cwd: dir, input }).status; // prettier-ignore
  assert.equal(check('ledger-bundle', file), 0);
  assert.notEqual(check('file', file), 0);
  assert.notEqual(check('ledger-bundle', Buffer.from('what is signe\n')), 0);
  assert.deepEqual(readSshSignature(text), { publicBytes: KEY.publicBytes, namespace: 'ledger-bundle', value });
  for (const bad of ['', text.slice(0, -40), text.replace('U1NI', 'U1NJ'), text.replaceAll('\n', '\r\n')])
    assert.equal(readSshSignature(bad), undefined);
});

test('a folder is read back as the bundle that it was; every file of it counts', async () => {
  const bundle = await bundleOf(chain(), [RUN]);
  const { signer } = KEY;
  assert.ok(signer.publicKey !== undefined);
  const keySigner = { ...signer, alg: 'ed25519' as const, publicKey: signer.publicKey };
  const files = await signed(partsOf(bundle, { 'signer.pub': signerLine(keySigner), 'VERIFY.md': 'how\n' }), keySigner);
  const reading = evidenceInFolder(files);
  assert.deepEqual(reading.kind === 'evidence' && reading.evidence.bundle, bundle);
  assert.deepEqual(codes(reading), []);
  for (const [name, bytes] of files) {
    const flipped = Buffer.from(bytes);
    flipped[flipped.length >> 1]! ^= 1;
    assert.notDeepEqual(codes(evidenceInFolder(new Map([...files, [name, flipped]]))), [], `${name} changed`);
    const others = new Map([...files].filter(([one]) => one !== name));
    assert.notDeepEqual(codes(evidenceInFolder(others)), [], `${name} gone`);
  }
  assert.deepEqual(codes(evidenceInFolder(new Map([...files, ['more.txt', Buffer.from('x')]]))), ['FOREIGN']);
  assert.deepEqual(codes(evidenceInFolder(new Map([...files, ['.DS_Store', Buffer.from('x')]]))), []);
  const mallory = testKey('m').signer;
  assert.ok(mallory.publicKey !== undefined);
  const swapped = await signed(partsOf(bundle, {}), { ...mallory, alg: 'ed25519', publicKey: mallory.publicKey });
  assert.deepEqual(codes(evidenceInFolder(swapped)), ['SIGNATURE_INVALID', 'UNKNOWN_KEY']);
});

test('an envelope is read back, and nothing in it can be changed', async () => {
  const bundle = await bundleOf(chain(), [RUN]);
  const text = JSON.stringify(await envelopeOf(bundle, KEY.signer));
  const reading = readText(text);
  assert.deepEqual(reading.kind === 'evidence' && reading.evidence.bundle, bundle);
  assert.deepEqual(codes(reading), []);
  const envelope = JSON.parse(text) as { payload: string; signatures: { keyid: string; sig: string }[] };
  const inner = Buffer.from(envelope.payload, 'base64').toString();
  const with_ = (payload: string): string => JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }); // prettier-ignore
  assert.deepEqual(codes(readText(with_(inner.replace('local/', 'other/')))), ['MALFORMED']);
  assert.deepEqual(codes(readText(with_(inner.replace('Statement/v1', 'Statement/v2')))), ['MALFORMED']);
  assert.deepEqual(codes(readText(with_(`${inner} `))), ['SIGNATURE_INVALID']);
  assert.deepEqual(codes(readText(text.replace('in-toto+json', 'other+json'))), ['MALFORMED']);
  const other = (await envelopeOf(bundle, testKey('m').signer)).signatures;
  assert.deepEqual(codes(readText(JSON.stringify({ ...envelope, signatures: other }))), ['SIGNATURE_INVALID', 'UNKNOWN_KEY']); // prettier-ignore
  assert.deepEqual(codes(readText(JSON.stringify({ ...envelope, signatures: [] }))), ['MALFORMED']);
});
