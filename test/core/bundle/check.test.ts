/** Bundles as they are made, and every way to change one: each is found, and by its own code. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { signBundle } from '../../../src/core/bundle/build';
import { bundleText } from '../../../src/core/bundle/bundle';
import type { Bundle, BundleContent } from '../../../src/core/bundle/bundle';
import { checkEvidence } from '../../../src/core/bundle/check';
import type { BundleReport } from '../../../src/core/bundle/check';
import type { EvidenceKey } from '../../../src/core/bundle/keys';
import { publicKeyOf, sharedKeyOf } from '../../../src/core/bundle/keys';
import { PathsToRoot } from '../../../src/core/bundle/paths';
import { sha256Hex } from '../../../src/core/digest';
import { pathText } from '../../../src/core/bundle/inclusion';
import type { BundleJson } from '../../../src/core/bundle/read';
import { leafHash, leafText } from '../../../src/core/tree/merkle';
import { verifyInclusion } from '../../../src/core/tree/proof';
import { hmacKeyId, hmacOf } from '../../../src/core/signing/hmacKey';
import { bundleOf, fromJson, jsonOf, noteOf, readText, testKey, treeOf } from '../../support/bundles';
import { chainOf } from '../../support/ledgers';
import type { Chain } from '../../support/ledgers';

const BUNDLE_KEY = testKey('b');
const HEAD_KEY = testKey('h');
const KEYS = [publicKeyOf(BUNDLE_KEY.publicBytes), publicKeyOf(HEAD_KEY.publicBytes)];
const RUN = { kind: 'run', id: 'r1' } as const;

/** Two runs, a decision, and rows between them. */
function story(): Chain {
  const chain = chainOf();
  chain.add({ action: 'run_started', run_id: 'r1', agent: 'coder' });
  chain.add({ action: 'run_started', run_id: 'neighbour-run', agent: 'other', reason: 'a neighbour' });
  chain.add({ action: 'tool_proposed', run_id: 'r1', turn_id: 't1', payload: { tool: 'sh' } });
  chain.add({ action: 'decision.created', decision_id: 'd1', run_id: 'r1', payload: { action: 'pay' } });
  chain.add({ action: 'policy_decision', run_id: 'r1', turn_id: 't1', payload: { verdict: 'allow' } });
  chain.add({ action: 'step.done', agent: 'nobody', reason: 'in no stream' });
  chain.add({ action: 'approval.added', decision_id: 'd1', actor: 'ann', payload: { actor: 'ann' } });
  chain.add({ action: 'tool_executed', run_id: 'r1', payload: { transaction: { to: 'x' }, é: '\u0085 \ud834\udd1e' } });
  chain.add({ action: 'run_completed', run_id: 'r1', outcome: 'success' });
  chain.add({ action: 'run_completed', run_id: 'neighbour-run' });
  return chain;
}

const checkBundle = (bundle: Bundle, keys: readonly EvidenceKey[]): BundleReport =>
  checkEvidence({ bundle, layers: [], findings: [] }, keys);

/** All of it that is signed. */
const contentOf = (bundle: Bundle): BundleContent =>
  Object.fromEntries(Object.entries(bundle).filter(([name]) => !/^(?:contentHash|signature)$/.test(name))) as never;

const codes = (bundle: Bundle): string[] => [...new Set(checkBundle(bundle, KEYS).findings.map(({ code }) => code))];

function bundleIn(text: string): Bundle {
  const reading = readText(text);
  assert.ok(reading.kind === 'evidence', text.slice(0, 80));
  return reading.evidence.bundle;
}

/** Changed, and signed again by the right key: what an insider can do. */
async function resigned(bundle: Bundle, change: (bundle: BundleJson) => object): Promise<Bundle> {
  const json = jsonOf(bundle);
  const content = contentOf(fromJson({ ...json, ...change(json) }));
  return signBundle(content, BUNDLE_KEY.signer);
}

test('a bundle of a run holds, says what is in it, and what it does not prove', async () => {
  const bundle = await bundleOf(story(), [RUN]);
  const report = checkBundle(bundle, KEYS);
  assert.deepEqual(report.findings, []);
  assert.equal(report.verdict, 'valid');
  assert.deepEqual(report.streams, [{ kind: 'run', id: 'r1', rows: 6, state: 'closed' }]);
  assert.deepEqual(
    [bundle.policyVerdicts, bundle.approvals, bundle.proposals, bundle.chainTransactions],
    [[6], [], [4, 5], [9]],
  );
  assert.equal(report.checkpoint?.state, 'valid');
  assert.ok(report.not_proved.includes('that no row of run r1 came after row 10, the last one shown'));
  assert.ok(report.not_proved.includes('that decision d1 is here as a whole: only some rows are'));
});

test('rows that were left out at the end of a stream are not claimed to be missing nowhere', async () => {
  const chain = story();
  chain.add({ action: 'error', run_id: 'r1' });
  const bundle = await bundleOf(chain, [RUN]);
  assert.equal(bundle.streams[0]?.state, 'late');
  // Whoever signs drops the late row, and the row that closes the run with it: both lie under the tree head.
  for (const [dropped, state, last] of [[1, 'closed', 10], [2, 'open', 9]] as const) {
    const cut = await resigned(bundle, ({ events, inclusion, streams, chainTransactions }) => ({
      events: events.slice(0, -dropped),
      inclusion: inclusion.slice(0, -dropped),
      streams: [{ ...streams[0], rows: events.length - dropped, state }],
      chainTransactions,
    }));
    const report = checkBundle(cut, KEYS);
    assert.deepEqual([report.verdict, report.checkpoint?.size], ['valid', 12]);
    assert.ok(report.not_proved.includes(`that no row of run r1 came after row ${last}, the last one shown`));
    assert.ok(!report.not_proved.some((text) => text.includes('12')), report.not_proved.join('\n'));
  }
}); // prettier-ignore

test('it shows nothing of a neighbour but hashes', async () => {
  const text = bundleText(await bundleOf(story(), [RUN]));
  for (const word of ['neighbour', 'nobody', 'in no stream', 'approval.added', 'audit.genesis'])
    assert.ok(!text.includes(word), word);
});

test('the file is read back as it was, and every layer of it is strict', async () => {
  const bundle = await bundleOf(story(), [RUN]);
  const text = bundleText(bundle);
  assert.deepEqual(bundleIn(text), bundle);
  assert.deepEqual(bundleIn(JSON.stringify(jsonOf(bundle), undefined, 2)), bundle);
  const bad: readonly (readonly [string, string])[] = [
    ['a key twice', text.replace('"version":1,', '"version":1,"version":1,')],
    ['a key twice, inside', text.replace('"index":1,', '"index":1,"index":1,')],
    ['a key twice, spelled otherwise', text.replace('"version":1,', '"version":1,"versi\\u006fn":2,')],
    ['another member', text.replace('"version":1,', '"version":1,"more":1,')],
    ['a member less', text.replace('"approvals":[],', '')],
    ['another version', text.replace('"version":1,', '"version":0,')],
    ['half a character', text.replace('"r1"', '"\\ud800"')],
    ['a number that a double would change', text.replace('"index":1,', '"index":1.00000000000000000001,')],
    ['something behind it', `${text}{}`],
    ['an odd algorithm', text.replace('"alg":"ed25519"', '"alg":"none"')],
    ['no signature', text.replace(/,"signature":\{[^}]*\}/, '')],
    ['a list of events that is none', text.replace(/"events":\[.*?\],"policy/, '"events":{"length":0},"policy')],
    ['not JSON', text.slice(0, -5)],
    ['nothing', ''],
  ];
  for (const [name, changed] of bad) {
    assert.notEqual(changed, text, name);
    const reading = readText(changed);
    const code = name === 'no signature' ? 'SIGNATURE_MISSING' : 'MALFORMED';
    assert.equal(reading.kind === 'none' && reading.finding.code, code, name);
  }
});

test('the proofs are those of the bundle, wherever else such a list stands, and in whatever order members come', async () => {
  const bundle = jsonOf(await bundleOf(story(), [RUN], { workflowId: 'é — \u{1d11e}' }));
  const { inclusion, ...others } = bundle;
  const list = inclusion.slice(0, 1);
  const shown = (value: unknown): object => ({
    seq: 2,
    field: 'reason',
    salt: 'x',
    name: 'reason',
    value,
    digest: 'é',
  });
  const nested = { disclosed: [shown({ a: 1, inclusion: list })] };
  const hidden = { disclosed: [shown({ a: 1, 'inclusion\u00e9': list }), shown({ ',"inclusion":[': list })] };
  for (const json of [
    bundle,
    { ...others, inclusion },
    { inclusion, ...others },
    { ...bundle, ...nested },
    { inclusion: [], ...others, ...nested },
    { inclusion, ...others, ...nested },
    { ...nested, ...bundle },
    { ...bundle, ...hidden },
    { ...bundle, inclusion: [] },
    { ...bundle, disclosed: [shown(bundle)] },
  ])
    for (const text of [JSON.stringify(json), `${JSON.stringify(json)}\n`, JSON.stringify(json, undefined, 1)])
      assert.deepEqual(bundleIn(text), fromJson(json), text.slice(0, 60));
  const spaced = JSON.stringify({ ...others, ...nested }).replace(/\}$/, ', "inclusion":[]}');
  assert.deepEqual(bundleIn(spaced).inclusion, [], 'a list that is spelled otherwise is the one at the top');
});

test('a changed byte anywhere in the file is found', async () => {
  const text = bundleText(await bundleOf(story(), [RUN]));
  for (let at = 0; at < text.length - 1; at += 7) {
    const unit = text.charCodeAt(at);
    const changed = `${text.slice(0, at)}${String.fromCharCode(unit === 0x31 ? 0x32 : 0x31)}${text.slice(at + 1)}`;
    const reading = readText(changed);
    if (reading.kind === 'evidence')
      assert.notEqual(checkEvidence(reading.evidence, KEYS).verdict, 'valid', `at ${at}`);
  }
});

test('who changes it and cannot sign is found by the digest, who signs with another key by the key', async () => {
  const bundle = await bundleOf(story(), [RUN]);
  const changed = { ...bundle, workflowId: 'r9' };
  assert.deepEqual(codes(changed), ['CONTENT_ALTERED']);
  const mallory = testKey('m');
  const content = contentOf(changed);
  const swapped = await signBundle(content, mallory.signer);
  assert.deepEqual(codes(swapped), ['UNKNOWN_KEY']);
  const disguised = { ...swapped, signature: { ...swapped.signature, keyId: bundle.signature.keyId } };
  assert.deepEqual(codes(disguised), ['SIGNATURE_INVALID']);
  assert.equal(checkBundle(bundle, []).verdict, 'not-checked');
});

test('a public key is no secret: an HMAC by its bytes is not taken', async () => {
  const bundle = await bundleOf(story(), [RUN]);
  const secret = BUNDLE_KEY.publicBytes;
  const sign = (bytes: Uint8Array): Promise<Buffer> => Promise.resolve(hmacOf(secret, bytes));
  const content = contentOf(bundle);
  for (const keyId of [hmacKeyId(secret), bundle.signature.keyId])
    assert.deepEqual(codes(await signBundle(content, { alg: 'hmac-sha256', keyId, sign })), ['UNKNOWN_KEY']);
});

test('a shared secret signs and checks; another one does not', async () => {
  const [secret, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const sign = (bytes: Uint8Array): Promise<Buffer> => Promise.resolve(hmacOf(secret, bytes));
  const signer = { alg: 'hmac-sha256', keyId: hmacKeyId(secret), sign } as const;
  const bundle = await bundleOf(story(), [RUN], { bundleKey: { signer } });
  assert.equal(checkBundle(bundle, [sharedKeyOf(secret)]).verdict, 'valid');
  assert.equal(checkBundle(bundle, [sharedKeyOf(other)]).findings[0]?.code, 'UNKNOWN_KEY');
  const forged = { ...bundle, signature: { ...bundle.signature, keyId: hmacKeyId(other) } };
  assert.equal(checkBundle(forged, [sharedKeyOf(other)]).findings[0]?.code, 'SIGNATURE_INVALID');
});

/** What somebody can do who has the key and not the ledger's, and what it is called. */
const INSIDE: readonly (readonly [name: string, codes: readonly string[], change: (bundle: BundleJson) => object])[] = [
  [
    'an event is changed',
    ['CONTENT_ALTERED', 'INCOMPLETE_STREAM'],
    ({ events }) => ({ events: edited(events, 2, 'sh', 'ls') }),
  ],
  ['a row is left out', ['INCOMPLETE_STREAM'], (bundle) => without(bundle, 2)],
  ['the last row is left out', ['INCOMPLETE_STREAM'], (bundle) => without(bundle, 5)],
  ['the last rows are left out, and the count says so', ['INCOMPLETE_STREAM'], (bundle) => ({ ...without(bundle, 5), streams: [{ ...RUN, rows: 5, state: 'closed' }] })], // prettier-ignore
  ['a row stands there twice', ['REPLAY', 'STREAM_BROKEN', 'INCOMPLETE_STREAM'], (bundle) => twice(bundle, 2)],
  ['rows change places', ['MALFORMED', 'INCOMPLETE_STREAM', 'STREAM_BROKEN'], (bundle) => swapped(bundle, 1, 2)],
  ['it is said to be of another run', ['FOREIGN', 'INCOMPLETE_STREAM'], () => ({ streams: [{ kind: 'run', id: 'r9', rows: 6, state: 'closed' }] })], // prettier-ignore
  ['it is said to be open', ['INCOMPLETE_STREAM'], () => ({ streams: [{ ...RUN, rows: 6, state: 'open' }] })],
  ['no stream is named', ['MALFORMED', 'FOREIGN'], () => ({ streams: [] })],
  ['a hash of a proof is changed', ['CHECKPOINT_INVALID'], ({ inclusion }) => ({ inclusion: inclusion.with(3, { ...inclusion[3]!, hashes: (inclusion[3]?.hashes ?? []).with(-1, Buffer.alloc(32).toString('base64')) }) })], // prettier-ignore
  ['a proof is too long', ['CHECKPOINT_INVALID'], ({ inclusion }) => ({ inclusion: inclusion.with(0, { ...inclusion[0]!, hashes: [...(inclusion[0]?.hashes ?? []), Buffer.alloc(32).toString('base64')] }) })], // prettier-ignore
  ['a proof is of another place', ['CHECKPOINT_INVALID'], ({ inclusion }) => ({ inclusion: inclusion.with(0, { ...inclusion[0]!, index: 2 }) })], // prettier-ignore
  ['a proof is missing', ['CHECKPOINT_INVALID'], ({ inclusion }) => ({ inclusion: inclusion.slice(0, -1) })],
  ['the tree head is another', ['CHECKPOINT_INVALID'], ({ checkpoint }) => ({ checkpoint: checkpoint.replace('\n11\n', '\n12\n') })], // prettier-ignore
  ['the tree head is no note', ['CHECKPOINT_INVALID'], () => ({ checkpoint: 'trust me\n' })],
  ['it is of another ledger', ['FOREIGN'], () => ({ ledger: { ledger_id: 'x', origin: 'elsewhere' } })],
  ['a verdict is hidden', ['CONTENT_ALTERED'], () => ({ policyVerdicts: [] })],
  ['an opening of nothing', ['FOREIGN'], () => ({ disclosed: [{ seq: 2, field: 'reason', salt: 'x', name: 'reason', value: 'y', digest: 'z' }] })], // prettier-ignore
];

function edited(events: readonly string[], at: number, from: string, to: string): string[] {
  assert.ok(events[at]?.includes(from));
  return events.with(at, (events[at] ?? '').replace(from, to));
}

const without = ({ events, inclusion }: BundleJson, at: number): Partial<BundleJson> => ({
  events: events.toSpliced(at, 1),
  inclusion: inclusion.toSpliced(at, 1),
});
const twice = ({ events, inclusion }: BundleJson, at: number): Partial<BundleJson> => ({
  events: events.toSpliced(at, 0, events[at] ?? ''),
  inclusion: inclusion.toSpliced(at, 0, inclusion[at]!),
});
const swapped = ({ events, inclusion }: BundleJson, a: number, b: number): Partial<BundleJson> => ({
  events: events.with(a, events[b] ?? '').with(b, events[a] ?? ''),
  inclusion: inclusion.with(a, inclusion[b]!).with(b, inclusion[a]!),
});

for (const [name, wanted, change] of INSIDE)
  test(`signed again by the right key: ${name}`, async () => {
    const found = codes(await resigned(await bundleOf(story(), [RUN]), change));
    for (const code of wanted) assert.ok(found.includes(code), `${code} in ${found.join(' ')}`);
    assert.equal(found[0], wanted[0]);
  });

test('a row of another run is none of it, even where it stands in the same tree', async () => {
  const chain = story();
  const both = await bundleOf(chain, [RUN, { kind: 'run', id: 'neighbour-run' }]);
  assert.deepEqual(codes(both), []);
  const found = codes(await resigned(both, () => ({ streams: [{ ...RUN, rows: 6, state: 'closed' }] })));
  assert.equal(found[0], 'FOREIGN');
});

test('a tree head that the ledger did not sign is told apart from one that is signed wrongly', async () => {
  const bundle = await bundleOf(story(), [RUN]);
  const own = checkBundle(bundle, [publicKeyOf(BUNDLE_KEY.publicBytes)]);
  assert.deepEqual([own.verdict, own.checkpoint?.state], ['valid', 'not-checked']);
  assert.match(own.not_proved[0] ?? '', /^that the ledger signed its tree head/);
  const tree = treeOf(story().lines);
  const forged = noteOf(bundle.ledger.origin, { ...tree, size: 11 }, HEAD_KEY).replace(/.{6}\n$/, 'AAAA==\n');
  const found = checkBundle(await resigned(bundle, () => ({ checkpoint: forged })), KEYS);
  assert.deepEqual([found.verdict, found.checkpoint?.state], ['broken', 'broken']);
});

test('open streams and late rows are said, and are no fault', async () => {
  const chain = chainOf();
  chain.add({ action: 'run_started', run_id: 'r1' });
  const open = checkBundle(await bundleOf(chain, [RUN]), KEYS);
  assert.deepEqual([open.verdict, open.streams[0]?.state, open.notes[0]?.code], ['valid', 'open', 'INCOMPLETE_STREAM']);
  chain.add({ action: 'run_completed', run_id: 'r1' });
  chain.add({ action: 'tool.used', run_id: 'r1' });
  const late = checkBundle(await bundleOf(chain, [RUN]), KEYS);
  assert.deepEqual([late.verdict, late.streams[0]?.state, late.notes[0]?.code], ['valid', 'late', 'ROW_AFTER_CLOSE']);
});

test('every leaf of every small tree is proved, by the cached way and by the plain one; no changed path is', () => {
  for (let size = 1; size <= 33; size++) {
    const lines = Array.from({ length: size }, (_, i) => `${i}`.padStart(64, '0')).map((hash) => `${hash}"}`);
    const { root, pathOf } = treeOf(lines);
    const paths = new PathsToRoot(size, root.toString('base64'));
    const leads = (index: number, leaf: string, path: readonly string[]): boolean => paths.leadsToRoot(index, leaf, pathText(path)); // prettier-ignore
    for (let i = 0; i < size; i++) {
      const rowHash = `${i}`.padStart(64, '0');
      const [leaf, text] = [leafHash(Buffer.from(rowHash, 'hex')), leafText(rowHash, 'base64')];
      assert.equal(text, leaf.toString('base64'));
      const proof = pathOf(i).map((hash) => hash.toString('base64'));
      assert.ok(leads(i, text, proof), `${i} of ${size}`);
      assert.ok(leads(i, text, proof), `${i} of ${size}, again`);
      assert.ok(verifyInclusion({ index: BigInt(i), size: BigInt(size), leaf, proof: pathOf(i), root }));
      for (const [at, hash] of proof.entries())
        for (const bad of [
          Buffer.from(hash, 'base64').fill(at, 3, 4).reverse().toString('base64'),
          hash.slice(0, -1),
          `${hash}A`,
          '',
        ])
          assert.ok(!leads(i, text, proof.with(at, bad)), `${i} of ${size}, hash ${at}`);
      assert.ok(proof.length === 0 || !leads(i, text, proof.slice(0, -1)));
      assert.ok(!leads(i, text, [...proof, text]));
      assert.ok(!leads(i + size, text, proof));
      assert.ok(size === 1 || !leads((i + 1) % size, text, proof));
      assert.ok(!leads(i, leafText('f'.repeat(64), 'base64'), proof));
    }
  }
});

test('a line that the engine reads is the row that the exact way reads, and the same faults are found', async () => {
  const odd = chainOf();
  odd.add({
    action: 'a.b',
    run_id: 'r1',
    payload: { '10': 1, '9': { b: 1, a: [{ d: 1, c: 2 }] } },
    cost_usd: '0.000001',
  });
  odd.add({
    action: 'a.b',
    run_id: 'r1',
    payload: { z: 1, é: '\u0085', a: { y: [], x: {} } },
    reason: '\u202e "\\ \n',
  });
  odd.add({ action: 'a.b', run_id: 'r1', payload: { __proto__: null, n: 1e21, m: -0 } });
  odd.add({ action: 'run_completed', run_id: 'r1', mine: { b: [1, 2.5], a: null } });
  const bundle = await bundleOf(odd, [RUN]);
  assert.deepEqual(codes(bundle), []);
  for (const [from, to] of [
    ['"mine":{', '"mine":{"b":1,'],
    ['"a":null', '"a": null'],
    ['2.5', '2.50'],
    ['"run_seq":4,', ''],
    ['"z":1', '"z":2'],
    ['"m":0', '"m":-0'],
  ] as const) {
    assert.ok(
      bundle.events.some((line) => line.includes(from)),
      from,
    );
    const rehashed = bundle.events.map((line) => (line.includes(from) ? withHash(line.replace(from, to)) : line));
    assert.notDeepEqual(codes(await resigned(bundle, () => ({ events: rehashed }))), ['CHECKPOINT_INVALID'], to);
  }
});

/** With the hash of what it says now. */
function withHash(line: string): string {
  const preimage = `${line.slice(0, -75)}}`;
  return `${preimage.slice(0, -1)},"hash":"${sha256Hex(preimage)}"}`;
}
