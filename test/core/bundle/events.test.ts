/** The quick way through a bundle's lines takes nothing that the exact way refuses, and nothing hostile stops either. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { readEvents } from '../../../src/core/bundle/events';
import { BundleFindings } from '../../../src/core/bundle/finding';
import { sha256Hex } from '../../../src/core/digest';
import { readPlainLine } from '../../../src/core/lineForm';
import { readSoundRow } from '../../../src/core/soundRow';
import { isStoredTime, storedTimeMs } from '../../../src/core/time';
import { readStoredLine } from '../../../src/core/storedLine';
import { verifyEvidenceBundle } from '../../../src/services/bundleVerify';
import { signBundle } from '../../../src/core/bundle/build';
import { bundleText } from '../../../src/core/bundle/bundle';
import type { Bundle } from '../../../src/core/bundle/bundle';
import { EvidenceError } from '../../../src/core/errors';
import { bundleOf, testKey } from '../../support/bundles';
import { chainOf } from '../../support/ledgers';

const KEY = testKey('b');
const FULL = {
  occurred_at: '2026-04-25T20:09:24.000Z',
  run_id: 'r1',
  decision_id: 'd1',
  agent: 'a "quoted" é',
  action: 'tool.used',
  cost_usd: 0.25,
  duration_ms: 12,
  provenance: 'live',
  payload: { b: [1, { c: 2.5 }], a: 'x', transaction: null },
  mine: 7,
  yours: 'text',
};

function lines(): string[] {
  const chain = chainOf();
  chain.add({ run_id: 'r1', action: 'run_started' });
  chain.add(FULL);
  return chain.lines.slice(1);
}

/** With the hashes that the changed bytes give. */
function rehashed(line: string): string {
  const payload = /"payload":(\{.*\}),"(?:mine|run_seq)"/.exec(line)?.[1];
  const body = line.slice(0, -75);
  const digest = payload === undefined ? undefined : sha256Hex(payload.replace('"b":[1,{"c":2.5}],"a":"x"', '"a":"x","b":[1,{"c":2.5}]')); // prettier-ignore
  const whole = digest === undefined ? body : body.replace(/"content_hash":"[0-9a-f]+"/, `"content_hash":"${digest}"`);
  return `${whole},"hash":"${sha256Hex(`${whole}}`)}"}`;
}

function isSoundExactly(line: string): boolean {
  const stored = readStoredLine(Buffer.from(line), { strict: true });
  return stored.kind === 'row' && stored.faults.length === 0;
}

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const CHANGES: readonly (readonly [string, string])[] = [
  ['"mine":7', '"mine":"\u007f"'],
  ['"mine":7', '"mine":"\u202e"'],
  ['"mine":7', '"mine":"\\u007f"'],
  ['"mine":7', '"mine":-0'],
  ['"mine":7', '"mine":1e400'],
  ['"mine":7', '"mine":null'],
  ['"mine":7', '"yours":7'],
  ['"mine":7', '"spill_id":5'],
  ['"mine":7', '"signature":5'],
  ['"mine":7', '"imported_from":5'],
  ['"mine":7', '"sealed":5'],
  ['"mine":7', '"__proto__":5'],
  ['"mine":7', '"10":5'],
  ['"mine":7', `"mine":${deep(63)}`],
  ['"mine":7', `"mine":${deep(64)}`],
  ['"mine":7', `"mine":${deep(9000)}`],
  ['"mine":7', `"mine":"${'x'.repeat(900_000)}"`],
  ['"mine":7', `"mine":"${'\\"'.repeat(400_000)}"`],
  ['"agent":"a \\"quoted\\" é"', `"agent":"${'\\n'.repeat(400_000)}"`],
  ['"transaction":null', `"transaction":"${'}'.repeat(900_000)}"`],
  ['"occurred_at":"2026-04-25', '"occurred_at":"2026-02-29'],
  ['"occurred_at":"2026-04-25', '"occurred_at":"2024-02-29'],
  ['"occurred_at":"2026-04-25', '"occurred_at":"2026-04-31'],
  ['T20:09:24', 'T24:09:24'],
  ['T20:09:24', 'T20:09:60'],
  ['"mine":7,"yours":"text"', '"yours":"text","mine":7'],
  ['"mine":7', `"mine":"${'x'.repeat(1 << 20)}"`],
  ['"cost_usd":0.25', '"cost_usd":1e-9'],
  ['"cost_usd":0.25', '"cost_usd":0.000000001'],
  ['"cost_usd":0.25', '"cost_usd":-1'],
  ['"cost_usd":0.25', '"cost_usd":1000000'],
  ['"cost_usd":0.25', '"cost_usd":"0.25"'],
  ['"duration_ms":12', '"duration_ms":-12'],
  ['"duration_ms":12', '"duration_ms":1e+21'],
  ['"provenance":"live"', '"provenance":"zzz"'],
  ['"agent":"a \\"quoted\\" é","action":"tool.used"', '"action":"tool.used","agent":"a \\"quoted\\" é"'],
  ['"agent":"a \\"quoted\\" é"', '"agent":""'],
  ['"agent":"a \\"quoted\\" é"', '"agent":{"sealed":"x"}'],
  ['"action":"tool.used"', '"action":"A b"'],
  ['"action":"tool.used"', '"action":"audit.x"'],
  ['"occurred_at":"2026-04-25T20:09:24.000Z"', '"occurred_at":"2026-04-25"'],
  ['"payload":{"b":[1,{"c":2.5}],"a":"x","transaction":null}', '"payload":null'],
  ['"payload":{"b":[1,{"c":2.5}],"a":"x","transaction":null}', '"payload":[1]'],
  ['"a":"x"', '"a":2'],
  ['"seq":3', '"seq":0'],
  ['"seq":3', `"seq":${deep(9000)}`],
  ['"run_id":"r1"', '"run_id":5'],
  ['"run_seq":2', '"run_seq":1.5'],
  ['"decision_seq":1,', ''],
  ['"by":"', '"by":"","x":"'],
  ['"nonce":"', '"nonce":"x'],
  ['"ts":"2', '"ts":"x2'],
  ['"id":"0', '"id":"x'],
];

test('what the quick way takes is sound the exact way, change by change', () => {
  const [, line = ''] = lines();
  assert.equal(rehashed(line), line);
  assert.ok(readSoundRow(line) !== undefined, 'a row of many members is read the quick way');
  for (const [from, to] of CHANGES) {
    assert.ok(line.includes(from), from);
    const changed = rehashed(line.replace(from, to));
    const findings = new BundleFindings();
    const [row] = readEvents([changed], findings);
    const name = to.slice(0, 60);
    assert.equal(row === undefined, findings.total > 0, name);
    if (!to.includes(deep(9000))) assert.equal(row !== undefined, isSoundExactly(changed), name);
    if (readSoundRow(changed) !== undefined) assert.ok(isSoundExactly(changed), name);
  }
});

test('… and wherever bytes of a line are changed, moved or doubled', () => {
  const [, line = ''] = lines();
  const members = line.slice(1, -1).split(/,(?="[a-z_]+":)/);
  const edits = fc.oneof(
    fc.tuple(fc.nat(line.length - 160), fc.constantFrom('', '1', '0', '"', '\\', ' ', 'e', '.', '{', '\u007f', 'é', ',"x":1')).map(([at, text]) => line.slice(0, at) + text + line.slice(at + 1)), // prettier-ignore
    fc.tuple(fc.nat(members.length - 3), fc.nat(members.length - 3)).map(([one, other]) => `{${members.with(one, members[other] ?? '').with(other, members[one] ?? '').join(',')}}`), // prettier-ignore
    fc.tuple(fc.nat(members.length - 3)).map(([at]) => `{${members.toSpliced(at, 1).join(',')}}`),
  );
  fc.assert(
    fc.property(edits, (edited) => {
      const changed = rehashed(edited);
      if (readSoundRow(changed) !== undefined) assert.ok(isSoundExactly(changed), changed);
    }),
    { numRuns: 2000 },
  );
});

test('it knows the days of every month and year', () => {
  const [line = ''] = lines();
  for (const year of [
    '0000',
    '0001',
    '0004',
    '0100',
    '0400',
    '1900',
    '2000',
    '2023',
    '2024',
    '2096',
    '2100',
    '2400',
    '9999',
  ]) {
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) {
        const date = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        const dated = line.replace('"ts":"2026-04-25', `"ts":"${date}`);
        const time = `${date}T00:00:00.000Z`;
        assert.equal(readPlainLine(dated) !== undefined, !Number.isNaN(storedTimeMs(time)), date);
        assert.equal(isStoredTime(time), !Number.isNaN(storedTimeMs(time)), date);
      }
    }
  }
});

/** Of a bundle by the right key. */
async function signed(change: (bundle: Bundle) => object): Promise<string> {
  const chain = chainOf();
  chain.add(FULL);
  const bundle = await bundleOf(chain, [{ kind: 'run', id: 'r1' }]);
  const content = Object.fromEntries(
    Object.entries(bundle).filter(([name]) => !/^(?:contentHash|signature)$/.test(name)),
  );
  return bundleText(await signBundle({ ...content, ...change(bundle) } as never, KEY.signer));
}

async function codeOf(text: unknown): Promise<string> {
  try {
    await verifyEvidenceBundle(text, KEY.publicBytes);
    return 'none';
  } catch (error) {
    assert.ok(error instanceof EvidenceError, String(error));
    return error.code;
  }
}

test('nested beyond all measure it is malformed, wherever that is, and never an error without a code', async () => {
  const event = (to: string) => ({ events: [line] }: Bundle) => ({ events: [rehashed((line ?? '').replace('"mine":7', to))] }); // prettier-ignore
  assert.equal(await codeOf(await signed(() => ({}))), 'none');
  for (const levels of [62, 75, 500, 9000, 20_000]) {
    const value = JSON.parse(deep(levels)) as unknown;
    assert.equal(await codeOf(await signed(event(`"mine":${deep(levels + 2)}`))), 'MALFORMED', `event ${levels}`);
    const opening = { seq: 2, field: 'x', salt: 's', name: 'x', digest: 'd' };
    const shown = (await signed(() => ({ disclosed: [{ ...opening, value: 'V' }] }))).replace('"V"', deep(levels));
    assert.equal(await codeOf(shown), levels === 62 ? 'CONTENT_ALTERED' : 'MALFORMED', `opening ${levels}`);
    const plain = await signed(() => ({}));
    assert.equal(await codeOf(plain.replace('"version":1', `"version":${deep(levels)}`)), 'MALFORMED');
    assert.equal(await codeOf(deep(levels)), 'MALFORMED');
    assert.equal(await codeOf(value), 'MALFORMED');
    const payload = Buffer.from(`{"_type":${deep(levels)}}`).toString('base64');
    const envelope = {
      payloadType: 'application/vnd.in-toto+json',
      payload,
      signatures: [{ keyid: 'x', sig: 'AAAA' }],
    };
    assert.equal(await codeOf(JSON.stringify(envelope)), 'MALFORMED');
  }
  const nothing = ({ events: [line = ''] }: Bundle): object => ({ events: [rehashed(line.replace(/"payload":\{.*\},"mine"/, '"payload":null,"mine"'))] }); // prettier-ignore
  assert.equal(await codeOf(await signed(nothing)), 'MALFORMED');
});
