/** A person's signature fits one ledger, one moment and one row; a key is what SSH says it is. */
import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { test } from 'node:test';
import { parseConfig } from '../../src/core/config';
import { toJson } from '../../src/core/json';
import type { JsonObject } from '../../src/core/json';
import {
  fingerprintOf,
  newPrivateKey,
  privateKeyText,
  publicKeyLine,
  readPrivateKey,
  readPublicKey,
} from '../../src/core/signing/keys';
import { signatureFault, signatureMember, signedBytes } from '../../src/core/signing/signature';
import { SignatureWalk } from '../../src/core/signing/signatureWalk';

const LEDGER = '01JTESTTESTTESTTESTTESTTES';
const NOW = Date.UTC(2026, 10, 22, 12);
const ALICE = newPrivateKey('alice');
const MALLORY = newPrivateKey('mallory');
const KEYS = trusted({ actor: 'alice', roles: ['release-manager', 'sre'] });

function trusted(more: object): ReturnType<typeof parseConfig>['keys'] {
  const keys = [{ key: publicKeyLine(ALICE.publicKey), ...more }];
  return parseConfig(JSON.stringify({ keys }), 'config').keys;
}

const GIVEN = {
  action: 'approval.added',
  occurred_at: '2026-11-22T11:59:00.000Z',
  decision_id: 'd1',
  cost_usd: 0.0000001,
  idempotency_key: 'k1',
  payload: { actor: 'alice', role: 'sre', intent: 'approve', method: 'ssh', signature_ref: 'é\u0085' },
};

function signed(given: object, key = ALICE, ledgerId = LEDGER): Record<string, unknown> {
  const row = toJson(given) as JsonObject;
  const value = sign(null, signedBytes(ledgerId, row), key.key);
  const signature = Object.fromEntries(signatureMember(fingerprintOf(key.publicKey), value));
  return { ...given, signature };
}

const faultOf = (row: object, keys = KEYS, ledgerId = LEDGER): string | undefined =>
  signatureFault(toJson(row) as JsonObject, { ledgerId, keys, atMs: NOW })?.code;

test('what is signed is the format: a prefix, the ledger, and the members in canonical form, as the line holds them', () => {
  const text =
    'ledger-actor/1\n01JTESTTESTTESTTESTTESTTES\n' +
    '{"action":"approval.added","cost_usd":1e-7,"decision_id":"d1","idempotency_key":"k1","occurred_at":"2026-11-22T11:59:00.000Z",' +
    '"payload":{"actor":"alice","intent":"approve","method":"ssh","role":"sre","signature_ref":"é\u0085"}}';
  // Of a stored row: what the ledger added is not in it.
  const stored = { seq: 7, ts: 'x', id: 'y', by: 'z', ...GIVEN, spill_id: 's', signature: 1, decision_seq: 1, nonce: 'n', hash: 'h' }; // prettier-ignore
  assert.equal(signedBytes(LEDGER, toJson(stored) as JsonObject).toString(), text);
  const value = sign(null, Buffer.from(text), ALICE.key).toString('base64');
  assert.equal(faultOf({ ...stored, signature: { alg: 'ed25519', key_id: fingerprintOf(ALICE.publicKey), value } }), undefined); // prettier-ignore
});

test('a signature fits no other ledger, row or time, whatever is changed, added or left out', () => {
  const row = signed(GIVEN);
  assert.equal(faultOf(row), undefined);
  assert.equal(faultOf(row, KEYS, '01JTESTTESTTESTTESTTESTTE2'), 'SIGNATURE_INVALID');
  const changes: object[] = [
    { decision_id: 'd2' },
    { occurred_at: '2026-11-22T11:59:00.001Z' },
    { idempotency_key: 'k2' },
    { action: 'override.added' },
    { cost_usd: 0.0000002 },
    { payload: { ...GIVEN.payload, intent: 'reject' } },
    { payload: { ...GIVEN.payload, extra: null } },
    { reason: 'added later' },
    { decision_id: undefined },
  ];
  for (const change of changes)
    assert.equal(faultOf({ ...row, ...change }), 'SIGNATURE_INVALID', JSON.stringify(change));
});

test('what is no signature is none', () => {
  const { signature } = signed(GIVEN) as { readonly signature: Record<string, string> };
  const value = signature['value'] ?? '';
  const wrong: unknown[] = [
    null,
    'signed',
    {},
    { ...signature, alg: 'rsa' },
    { ...signature, extra: 1 },
    { ...signature, value: value.slice(0, -4) },
    { ...signature, value: `${value.slice(0, -3)}B==` },
    { ...signature, value: `${value.slice(0, -2)}` },
    { ...signature, key_id: 7 },
    { alg: 'ed25519', value },
  ];
  for (const one of wrong)
    assert.equal(faultOf({ ...GIVEN, signature: one }), 'SIGNATURE_INVALID', JSON.stringify(one));
  for (const name of ['occurred_at', 'idempotency_key'] as const) {
    assert.equal(faultOf(signed({ ...GIVEN, [name]: undefined })), 'SIGNATURE_INVALID', name);
  }
});

test('a key counts for its person, in the roles that the settings give, as long as they say', () => {
  const as = (payload: object, more: object = {}): object => signed({ ...GIVEN, ...more, payload: { ...GIVEN.payload, ...payload } }); // prettier-ignore
  assert.equal(faultOf(signed(GIVEN, MALLORY)), 'UNKNOWN_KEY');
  assert.equal(faultOf(as({ actor: 'bob' })), 'UNTRUSTED_KEY');
  assert.equal(faultOf(as({}, { actor: 'bob' })), 'UNTRUSTED_KEY', 'the member and the payload name two people');
  assert.equal(faultOf(as({ approver: 'bob' })), 'UNTRUSTED_KEY');
  assert.equal(faultOf(as({ actor: undefined })), 'UNTRUSTED_KEY', 'nobody is named');
  assert.equal(faultOf(as({ role: 'cfo' })), 'UNTRUSTED_KEY');
  assert.equal(faultOf(as({ role: ['sre'] })), 'UNTRUSTED_KEY');
  assert.equal(faultOf(as({}, { role: 'release-manager' })), undefined);
  assert.equal(faultOf(signed(GIVEN), trusted({ actor: 'alice' })), 'UNTRUSTED_KEY', 'in no role');
  assert.equal(faultOf(as({ role: undefined }), trusted({ actor: 'alice' })), undefined);
  const until = (time: string): ReturnType<typeof trusted> => trusted({ actor: 'alice', roles: ['sre'], until: time });
  assert.equal(faultOf(signed(GIVEN), until('2026-11-22T12:00:00Z')), 'UNTRUSTED_KEY');
  assert.equal(faultOf(signed(GIVEN), until('2026-11-22T12:00:00.001Z')), undefined);
});

test('a walk tells rows that lack a signature, from the time on from which they must have one', () => {
  const { keys, requireSignature: required } = parseConfig(
    JSON.stringify({
      keys: [{ actor: 'alice', key: publicKeyLine(ALICE.publicKey) }],
      require_signature: ['approval.added', { action: 'override.added', since: '2026-11-22T00:00:00Z' }],
    }),
    'config',
  );
  const walk = new SignatureWalk({ keys, required });
  const row = (action: string, ts: string): never => ({ action, ts }) as never;
  assert.equal(walk.take(row('approval.added', '2020-01-01T00:00:00.000Z'), LEDGER)?.code, 'SIGNATURE_MISSING');
  assert.equal(walk.take(row('override.added', '2026-11-21T23:59:59.999Z'), LEDGER), undefined);
  assert.equal(walk.take(row('override.added', '2026-11-22T00:00:00.000Z'), LEDGER)?.code, 'SIGNATURE_MISSING');
  assert.equal(walk.take(row('tool.used', '2026-11-22T00:00:00.000Z'), LEDGER), undefined);
  assert.deepEqual([walk.signed, walk.unchecked, walk.wrong], [0, 0, 2]);
  const nobody = new SignatureWalk({ keys: new Map(), required: new Map() });
  assert.equal(nobody.take({ ...signed(GIVEN), ts: '2026-11-22T12:00:00.000Z' } as never, LEDGER), undefined);
  assert.deepEqual([nobody.signed, nobody.unchecked], [1, 1]);
});

test('a private key is read as it was written, and what is cut short or garbled is none', () => {
  const text = privateKeyText(ALICE, 0x01020304);
  const read = readPrivateKey(text);
  assert.deepEqual(read?.publicKey, ALICE.publicKey);
  assert.ok(read.key?.equals(ALICE.key));
  const lines = text.split('\n');
  const body = lines.slice(1, -2).join('');
  for (let at = 0; at < body.length; at += 3) {
    const cut = readPrivateKey([lines[0], body.slice(0, at), ...lines.slice(-2)].join('\n'));
    assert.ok(cut === undefined || cut.publicKey.bytes.equals(ALICE.publicKey.bytes), `cut at ${at}`);
    assert.ok(cut?.key === undefined || at > body.length - 48, `cut at ${at} lacks its key`);
  }
  const pkcs8 = ALICE.key.export({ format: 'pem', type: 'pkcs8' }).toString();
  assert.deepEqual(readPrivateKey(pkcs8)?.publicKey.bytes, ALICE.publicKey.bytes);
  assert.ok(createPrivateKey(pkcs8).equals(ALICE.key));
  assert.equal(readPrivateKey(''), undefined);
});

test('of the lines of .pub files those of Ed25519 keys are keys', () => {
  const line = publicKeyLine({ ...ALICE.publicKey, comment: 'alice at  work' });
  assert.deepEqual(readPublicKey(`${line}\n`), { bytes: ALICE.publicKey.bytes, comment: 'alice at work' });
  const base64 = line.split(' ')[1] ?? '';
  const wrong = ['', 'ssh-ed25519', `ssh-rsa ${base64}`, `ssh-ed25519 ${base64.slice(4)}`, `ssh-ed25519 ${base64}AAAA`];
  for (const one of wrong) assert.equal(readPublicKey(one), undefined, one);
});

test('the settings name who signs; what they cannot mean is an error that says what can be', () => {
  const refused = (config: object, pattern: RegExp): void =>
    assert.throws(() => parseConfig(JSON.stringify(config), 'config'), pattern);
  const key = publicKeyLine(ALICE.publicKey);
  refused({ keys: {} }, /expected keys to be a list of keys/);
  refused({ keys: [{ actor: 'a', key: 'ssh-rsa AAAA' }] }, /keys\[0\]\.key to be the line of an Ed25519 key/);
  refused({ keys: [{ key }] }, /keys\[0\]\.actor to be a string/);
  refused({ keys: [{ actor: 'a', key, role: 'x' }] }, /known member of keys\[0\], found "role"/);
  refused({ keys: [{ actor: 'a', key }, { actor: 'b', key }] }, /keys\[1\]\.key to be a key that is named once/); // prettier-ignore
  refused({ keys: [{ actor: 'a', key, until: 'soon' }] }, /keys\[0\]\.until to be an RFC 3339 time/);
  refused({ require_signature: 'approval.added' }, /require_signature to be a list of actions/);
  refused({ require_signature: ['audit.genesis'] }, /require_signature\[0\] to be an action/);
  refused({ require_signature: [{ action: 'a.b', from: 1 }] }, /known member of require_signature\[0\], found "from"/);
});
