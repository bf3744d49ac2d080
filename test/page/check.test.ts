/** The check in a bundle's page, outside of a browser: it says what the library says, and shares no code with it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Bundle } from '../../src/core/bundle/bundle';
import { bundleText } from '../../src/core/bundle/bundle';
import { checkEvidence, noBundle } from '../../src/core/bundle/check';
import { publicKeyOf } from '../../src/core/bundle/keys';
import { digestOf } from '../../src/core/seal';
import { toJson } from '../../src/core/json';
import type { StreamKey } from '../../src/core/bundle/streams';
import { noteKeyOf, noteKeyText } from '../../src/core/note/note';
import { publicKeyLine } from '../../src/core/signing/keys';
import { reportOf } from '../../src/page/check';
import type { Report } from '../../src/page/check';
import { checkContent } from '../../src/page/content';
import { canonical, parseStrict } from '../../src/page/json';
import { readKeys } from '../../src/page/keys';
import { signBundle } from '../../src/core/bundle/build';
import { CHANGES } from '../support/bundleChanges';
import { bundleOf, testKey, jsonOf, readText } from '../support/bundles';
import { chainOf } from '../support/ledgers';
import type { Chain } from '../support/ledgers';

const RUN: StreamKey = { kind: 'run', id: 'r1' };
const KEYS = [testKey('b'), testKey('h')];
const lineOf = ({ publicBytes }: (typeof KEYS)[number]): string => publicKeyLine({ bytes: publicBytes, comment: 'it' });
const GIVEN = KEYS.map(lineOf).join('\n');

function eightRows(): Chain {
  const chain = chainOf();
  chain.add({ action: 'run_started', run_id: 'r1', agent: 'coder' });
  chain.add({ action: 'run_started', run_id: 'r2' });
  chain.add({ action: 'tool_proposed', run_id: 'r1', payload: { 2: 'b', 1: 'a', é: '\u0085\u202e', n: 1e-9 } });
  chain.add({ action: 'step.done', run_id: 'r1', decision_id: 'd1', payload: { transaction: {} }, cost_usd: '0.0000001' }); // prettier-ignore
  chain.add({ action: 'proof.revenue', order_id: 'o1' });
  chain.add({ action: 'run_completed', run_id: 'r1', outcome: 'success' });
  chain.add({ action: 'step.done', reason: 'in no stream' });
  return chain;
}

async function checked(file: string, given: string | undefined, ofPage = ''): Promise<Report> {
  const keys = readKeys(given ?? ofPage);
  assert.ok(keys);
  return reportOf(checkContent(file), { keys, areGiven: given !== undefined });
}

const codesIn = (findings: readonly { readonly code: string }[]): string[] => [...new Set(findings.map(({ code }) => code))].sort(); // prettier-ignore

function library(file: string): string[] {
  const reading = readText(file);
  const keys = KEYS.map(({ publicBytes }) => publicKeyOf(publicBytes));
  const report = reading.kind === 'none' ? noBundle(reading.finding) : checkEvidence(reading.evidence, keys);
  return codesIn(report.findings);
}

test('what anybody changes is found, by the code that the library has for it', async () => {
  const bundle = await bundleOf(eightRows(), [RUN]);
  const json = jsonOf(bundle);
  for (const [name, change] of CHANGES) {
    const file = `${JSON.stringify({ ...json, ...change(json) })}\n`;
    const report = await checked(file, GIVEN);
    assert.deepEqual(codesIn(report.findings), library(file), name);
    assert.equal(report.verdict, name === 'nothing' ? 'holds' : name === 'who signed' || name === 'how it is signed' ? report.verdict : 'broken', name); // prettier-ignore
    assert.equal(
      report.findings.every(({ want, got }) => want !== '' && got !== undefined),
      true,
      name,
    );
  }
  const text = bundleText(bundle);
  for (const file of [text.replace('{"version":1,', '{"version":1,"version":1,'), text.slice(0, -2), '', 'null', `${text}x`, text.replace('"run"', '"\\ud800"')]) // prettier-ignore
    assert.deepEqual([(await checked(file, GIVEN)).verdict, library(file)], ['broken', ['MALFORMED']], file.slice(0, 40)); // prettier-ignore
});

test('every character of a small bundle: changed, it does not hold', async () => {
  const chain = chainOf();
  chain.add({ action: 'run_completed', run_id: 'r1' });
  const file = bundleText(await bundleOf(chain, [RUN]));
  for (let at = 0; at < file.length - 1; at += 7) {
    const unit = file[at] === '1' ? '2' : '1';
    const report = await checked(`${file.slice(0, at)}${unit}${file.slice(at + 1)}`, GIVEN);
    assert.notEqual(report.verdict, 'holds', `character ${at}: ${file.slice(at - 20, at + 20)}`);
  }
});

test('a key that came with the page leaves open who made it; one that the reader gave settles it', async () => {
  const bundle = await bundleOf(eightRows(), [RUN], { headKey: testKey('b') });
  const file = bundleText(bundle);
  const [own, other] = [lineOf(testKey('b')), lineOf(testKey('m'))];
  const ofPage = await checked(file, undefined, own);
  assert.deepEqual([ofPage.verdict, codesIn(ofPage.findings)], ['whole', []]);
  assert.match(ofPage.parts.find(({ name }) => name === 'signature')?.text ?? '', /SHA256:.*compare it with the one you were given/); // prettier-ignore
  assert.equal((await checked(file, own)).verdict, 'holds');
  assert.deepEqual(codesIn((await checked(file, other)).findings), ['UNKNOWN_KEY']);
  assert.equal((await checked(file, other)).verdict, 'unknown');
  assert.equal((await checked(file, undefined, other)).verdict, 'whole', 'the page names another key');
  assert.match((await checked(file, undefined)).parts.at(-2)?.text ?? '', /not checked/);
  // Signed anew by somebody else, with their key in the page: the page alone cannot tell, the key can.
  const forged = bundleText(await signBundle(bundle, testKey('m').signer)); // prettier-ignore
  assert.equal((await checked(forged, undefined, other)).verdict, 'whole');
  assert.equal((await checked(forged, own)).verdict, 'unknown');
});

test('keys as they are written', () => {
  const { publicBytes } = testKey('b');
  const pem = publicKeyPem(publicBytes);
  const note = noteKeyText(noteKeyOf('example.org/x', publicBytes));
  for (const text of [lineOf(testKey('b')), pem, note, `${lineOf(testKey('b'))}\n\n${pem}\n${note}\n`])
    assert.ok(
      readKeys(text)?.every((one) => one.fingerprint === testKey('b').signer.keyId),
      text,
    );
  for (const text of ['x', 'ssh-rsa AAAA', 'ssh-ed25519 AAAA', `${lineOf(testKey('b'))}\nx`, note.slice(0, -4)])
    assert.equal(readKeys(text), undefined, text);
  assert.deepEqual(readKeys(' \n'), []);
  // Not every browser refuses a point of small order, under which anybody can sign.
  const eighth = Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex');
  const secondSpelling = Buffer.from(`ee${'ff'.repeat(30)}7f`, 'hex');
  for (const bytes of [Buffer.alloc(32), Buffer.alloc(32).fill(1, 0, 1), eighth, secondSpelling])
    assert.equal(readKeys(publicKeyPem(bytes)), undefined, bytes.toString('hex'));
});

function publicKeyPem(bytes: Buffer): string {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes]).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----`;
}

test('a decision, an order, a stream without an end, trees of every small size', async () => {
  const chain = eightRows();
  for (const key of [
    { kind: 'decision', id: 'd1' },
    { kind: 'order', id: 'o1' },
    { kind: 'run', id: 'r2' },
  ] as const) {
    const report = await checked(bundleText(await bundleOf(chain, [RUN, key])), GIVEN);
    assert.deepEqual([report.verdict, report.findings], ['holds', []], key.id);
    assert.equal(/Open, so that other rows may follow: run r2\./.test(report.said), key.id === 'r2', report.said);
    assert.equal(/Open, so that .*: decision d1\./.test(report.said), key.id === 'd1', report.said);
  }
  chain.add({ action: 'tool.used', run_id: 'r1' });
  assert.match((await checked(bundleText(await bundleOf(chain, [RUN])), GIVEN)).said, /^It holds: .* Late rows, behind the one that closes it: run r1\.$/); // prettier-ignore
  for (let rows = 1; rows < 20; rows++) {
    const grown = chainOf();
    for (let i = 0; i < rows; i++) grown.add({ action: 'a.b', run_id: 'r1', payload: { i } });
    assert.equal((await checked(bundleText(await bundleOf(grown, [RUN])), GIVEN)).verdict, 'holds', `${rows} rows`);
  }
});

test('openings of sealed fields', async () => {
  const salt = 'c2FsdHNhbHRzYWx0c2FsdA';
  const fields = [['reason', 'card'], ['payload.a.b', 1], ['payload.steps[1].note', { b: 1, a: 'é' }]] as const; // prettier-ignore
  const disclosed = fields.map(([field, value]) => ({ seq: 2, field, salt, name: field, value, digest: digestOf({ salt, name: field, value: toJson(value) }) })); // prettier-ignore
  const [reason, dotted, note] = disclosed.map(({ digest }) => ({ sealed: digest }));
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r1', reason, payload: { 'a.b': dotted, steps: [1, { note }] } });
  const content = await bundleOf(chain, [RUN]);
  const signed = async (shown: Bundle['disclosed']): Promise<string> =>
    bundleText(await signBundle({ ...content, ...(shown && { disclosed: shown }) }, testKey('b').signer));
  assert.deepEqual((await checked(await signed(disclosed), GIVEN)).findings, []);
  for (const more of [{ value: 'other' }, { seq: 1 }, { field: 'payload', name: 'payload' }, { salt: 'x' }]) {
    const file = await signed([{ ...disclosed[0]!, ...more }]);
    assert.deepEqual(codesIn((await checked(file, GIVEN)).findings), library(file), JSON.stringify(more));
    assert.notDeepEqual(library(file), []);
  }
});

test('JSON is read strictly and written canonically', () => {
  assert.equal(canonical(parseStrict(' {"b" : [1.0,-0,1e21,true,null,"\\u00e9"],"2":1,"10":{}, "a":"\\/"} ')), '{"10":{},"2":1,"a":"/","b":[1,0,1e+21,true,null,"é"]}'); // prettier-ignore
  for (const text of [
    '',
    '{',
    '[1,]',
    '{"a":1,}',
    '{"a":1 "b":2}',
    '01',
    '+1',
    '"\n"',
    '"\\x"',
    '[1]]',
    'nul',
    '{1:2}',
    ',',
    '[',
    '"',
    '\ufeff1',
    '"\\udc00"',
    '[['.repeat(60),
  ])
    // prettier-ignore
    assert.throws(() => parseStrict(text), { code: 'MALFORMED' }, text);
});
