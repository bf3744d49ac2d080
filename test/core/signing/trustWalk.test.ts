/** Rotations of keys: handed on by who had it, in one place of one ledger; a takeover is named, and hands nothing on. */
import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { test } from 'node:test';
import { parseConfig } from '../../../src/core/config';
import type { Row } from '../../../src/core/members';
import { fingerprintOf, newPrivateKey, publicKeyLine } from '../../../src/core/signing/keys';
import type { PrivateKey } from '../../../src/core/signing/keys';
import { readRotation, rotationBytes, rotationPayload } from '../../../src/core/signing/rotation';
import type { EvidenceRole } from '../../../src/core/signing/rotation';
import { KeyTrust } from '../../../src/core/signing/trustWalk';

const LEDGER = '01JTESTTESTTESTTESTTESTTES';
const [A, B, C, MALLORY] = ['a', 'b', 'c', 'mallory'].map(newPrivateKey) as [PrivateKey, PrivateKey, PrivateKey, PrivateKey]; // prettier-ignore
const id = ({ publicKey }: PrivateKey): string => fingerprintOf(publicKey);
const hashOf = (seq: number): string => seq.toString(16).padStart(64, '0');
const timeOf = (seq: number): string => new Date(Date.UTC(2026, 10, 22, 12, 0, seq)).toISOString();

interface Trusted {
  readonly key: PrivateKey;
  readonly roles?: readonly string[];
  readonly until?: string;
}

function trusting(...keys: readonly Trusted[]): KeyTrust {
  const entries = keys.map(({ key, ...more }) => ({ actor: 'ops', roles: ['checkpoint'], ...more, key: publicKeyLine(key.publicKey) })); // prettier-ignore
  return new KeyTrust(parseConfig(JSON.stringify({ keys: entries }), 'config').keys);
}

interface Made {
  readonly roles?: readonly EvidenceRole[];
  readonly ledgerId?: string;
  readonly after?: number;
  readonly oldSigner?: PrivateKey;
  readonly newSigner?: PrivateKey;
}

function payloadAt(seq: number, old: PrivateKey, next: PrivateKey, made: Made = {}): Record<string, unknown> {
  const { roles = ['bundle', 'checkpoint'], ledgerId = LEDGER, after = seq - 1, oldSigner = old, newSigner = next } = made; // prettier-ignore
  const rotation = { old: old.publicKey, new: next.publicKey, roles, after: { seq: after, hash: hashOf(after) } };
  const bytes = rotationBytes(ledgerId, rotation);
  const oldSignature = sign(null, bytes, oldSigner.key);
  const newSignature = sign(null, bytes, newSigner.key);
  return JSON.parse(JSON.stringify(rotationPayload({ ...rotation, oldSignature, newSignature }))) as Record<string, unknown>; // prettier-ignore
}

const rowAt = (seq: number, payload: unknown): Row =>
  ({ seq, ts: timeOf(seq), prev_hash: hashOf(seq - 1), action: 'audit.key-rotation', payload }) as unknown as Row;
const rotated = (seq: number, old: PrivateKey, next: PrivateKey, made?: Made): Row => rowAt(seq, payloadAt(seq, old, next, made)); // prettier-ignore
const codeOf = (trust: KeyTrust, row: Row, ledgerId: string | undefined = LEDGER): string | undefined =>
  trust.take(row, ledgerId)?.code;

test('what is signed is a prefix, the ledger, and the canonical form of all but the signatures', () => {
  const rotation = { old: A.publicKey, new: B.publicKey, roles: ['checkpoint', 'bundle'] as const, after: { seq: 4, hash: hashOf(4) } }; // prettier-ignore
  const named = ({ publicKey }: PrivateKey): string =>
    `{"key":"${publicKeyLine({ ...publicKey, comment: '' })}","key_id":"${fingerprintOf(publicKey)}"}`;
  assert.equal(
    rotationBytes(LEDGER, rotation).toString(),
    `ledger-key-rotation/1\n${LEDGER}\n{"after":{"hash":"${hashOf(4)}","seq":4},"new":${named(B)},"old":${named(A)},"roles":["bundle","checkpoint"]}`,
  );
});

test('trust goes from key to key with the rows, and each counts for its own part of the ledger', () => {
  const trust = trusting({ key: A });
  assert.equal(codeOf(trust, rotated(10, A, B)), undefined);
  assert.equal(codeOf(trust, rotated(20, B, C)), undefined);
  const standings = [9, 10, 11, 19, 20, 21].map((size) => [A, B, C].map((key) => trust.mayTreeHead(id(key), size)));
  assert.deepEqual(standings, [
    ['trusted', 'untrusted', 'untrusted'],
    ['trusted', 'trusted', 'untrusted'],
    ['untrusted', 'trusted', 'untrusted'],
    ['untrusted', 'trusted', 'untrusted'],
    ['untrusted', 'trusted', 'trusted'],
    ['untrusted', 'untrusted', 'trusted'],
  ]);
  assert.equal(trust.mayTreeHead(C.publicKey.bytes, 21), 'trusted', 'by its bytes');
  assert.equal(trust.mayBundle(id(C), 21), 'trusted');
  assert.equal(trust.mayTreeHead(id(MALLORY), 21), 'unknown');
  assert.ok(trust.publicKeys.get(id(C))?.equals(C.publicKey.bytes));
  // And back again, where the newer one turns out to be the bad one.
  assert.equal(codeOf(trust, rotated(30, C, A)), undefined);
  assert.deepEqual([25, 31].map((size) => trust.mayTreeHead(id(A), size)), ['untrusted', 'trusted']); // prettier-ignore
});

test('a rotation that hides a takeover hands nothing on', () => {
  const takeovers: readonly (readonly [string, Row, string])[] = [
    ['a key nobody knows', rotated(10, MALLORY, B), 'UNKNOWN_KEY'],
    ['the old key did not sign', rotated(10, A, MALLORY, { oldSigner: MALLORY }), 'SIGNATURE_INVALID'],
    ['the new key did not sign', rotated(10, A, B, { newSigner: MALLORY }), 'SIGNATURE_INVALID'],
    ['a person without the role', rotated(10, C, MALLORY), 'UNTRUSTED_KEY'],
    ['of another ledger', rotated(10, A, B, { ledgerId: '01JOTHEROTHEROTHEROTHEROTH' }), 'SIGNATURE_INVALID'],
    ['replayed at a later place', rowAt(10, payloadAt(7, A, B)), 'SIGNATURE_INVALID'],
    [
      'of a fork: the same seq behind another row',
      { ...rotated(10, A, B), prev_hash: hashOf(99) },
      'SIGNATURE_INVALID',
    ],
    ['to itself', rotated(10, A, A), 'SIGNATURE_INVALID'],
  ];
  for (const [what, row, code] of takeovers) {
    const trust = trusting({ key: A }, { key: C, roles: ['sre'] });
    assert.equal(codeOf(trust, row), code, what);
    assert.equal(trust.mayTreeHead(id(A), 11), 'trusted', what);
    assert.notEqual(trust.mayTreeHead(id(MALLORY), 11), 'trusted', what);
    assert.notEqual(trust.mayTreeHead(id(B), 11), 'trusted', what);
  }
});

test('what is stripped from the row, put into it or spelt otherwise is not what was signed', () => {
  const whole = payloadAt(10, A, B);
  const without = (name: string): object => Object.fromEntries(Object.entries(whole).filter(([key]) => key !== name));
  const key = publicKeyLine({ ...MALLORY.publicKey, comment: '' });
  const forged: readonly unknown[] = [
    undefined,
    null,
    [],
    ...Object.keys(whole).map(without),
    { ...whole, roles: ['checkpoint'] },
    { ...whole, roles: ['checkpoint', 'checkpoint'] },
    { ...whole, roles: ['bundle', 'checkpoint', 'sre'] },
    { ...whole, roles: [] },
    { ...whole, more: 1 },
    { ...whole, more: '\ud800' },
    { ...whole, after: { ...(whole['after'] as object), seq: 9.5 } },
    { ...whole, new: { ...(whole['new'] as object), key } },
    { ...whole, new: { key, key_id: id(B) } },
    { ...whole, old: { ...(whole['old'] as object), comment: 'x' } },
    { ...whole, old_signature: whole['new_signature'] },
    { ...whole, old_signature: String(whole['old_signature']).replace(/.==$/, '/==') },
    { ...whole, new_signature: `${String(whole['new_signature'])}\n` },
  ];
  for (const payload of forged) {
    const trust = trusting({ key: A });
    assert.equal(codeOf(trust, rowAt(10, payload)), 'SIGNATURE_INVALID', JSON.stringify(payload));
    assert.equal(trust.mayTreeHead(id(B), 11), 'unknown');
  }
  assert.ok(readRotation(whole), 'and the whole one is read');
});

test('a key that was handed on, or ended, hands nothing on any more', () => {
  const trust = trusting({ key: A });
  assert.equal(codeOf(trust, rotated(10, A, B)), undefined);
  assert.equal(codeOf(trust, rotated(20, A, MALLORY)), 'UNTRUSTED_KEY');
  assert.equal(trust.mayTreeHead(id(B), 21), 'trusted');
  const ended = trusting({ key: A, until: timeOf(10) });
  assert.equal(codeOf(ended, rotated(10, A, MALLORY)), 'UNTRUSTED_KEY');
  assert.equal(codeOf(ended, rotated(9, A, B)), undefined, 'before its end it may');
  assert.equal(ended.mayTreeHead(id(A), 8, Date.parse(timeOf(8))), 'trusted');
  assert.equal(ended.mayTreeHead(id(A), 8, Date.parse(timeOf(10))), 'untrusted');
});

test('one role is handed on without the other; a checkpoint key may sign bundles, a bundle key no tree head', () => {
  const trust = trusting({ key: A });
  assert.equal(codeOf(trust, rotated(10, A, B, { roles: ['bundle'] })), undefined);
  assert.deepEqual([A, B].map((key) => trust.mayTreeHead(id(key), 11)), ['trusted', 'untrusted']); // prettier-ignore
  assert.deepEqual([A, B].map((key) => trust.mayBundle(id(key), 11)), ['untrusted', 'trusted']); // prettier-ignore
  const bundles = trusting({ key: A, roles: ['bundle'] });
  assert.equal(codeOf(bundles, rotated(10, A, B)), 'UNTRUSTED_KEY', 'what it does not have it cannot hand on');
  assert.equal(bundles.mayTreeHead(id(A), 5), 'untrusted');
  assert.equal(bundles.mayBundle(id(A), 5), 'trusted');
});

test('where no key is trusted both signatures are checked all the same, and nothing is said of trust', () => {
  const trust = trusting();
  assert.equal(codeOf(trust, rotated(10, A, B)), undefined);
  assert.equal(codeOf(trust, rotated(11, B, C, { newSigner: MALLORY })), 'SIGNATURE_INVALID');
  assert.equal(trust.mayTreeHead(id(B), 12), 'none-trusted');
});

test('who trusts the new key alone hears no alarm of how it came to be; in a ledger without a name nothing is handed on', () => {
  const later = trusting({ key: B });
  assert.equal(codeOf(later, rotated(10, A, B)), undefined);
  assert.equal(later.mayTreeHead(id(A), 5), 'unknown');
  const nameless = trusting({ key: A });
  assert.equal(nameless.take(rotated(10, A, B), undefined), undefined);
  assert.equal(nameless.mayTreeHead(id(B), 11), 'unknown');
});
