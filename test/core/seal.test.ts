/** What a seal is, and what it gives away: nothing without its opening, all of it with. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { LedgerError } from '../../src/core/errors';
import { parseConfig } from '../../src/core/config';
import type { Json, JsonObject } from '../../src/core/json';
import { CALLER_MEMBER_NAMES, LEDGER_MEMBERS } from '../../src/core/members';
import { parseJson } from '../../src/core/parseJson';
import { checkRow } from '../../src/core/row';
import * as seal from '../../src/core/seal';
import { unsealable, unsealableIn } from '../../src/core/sealable';
import { SealPlan } from '../../src/core/sealPlan';

const SALT = 'AAECAwQFBgcICQoLDA0ODw';
const object = (text: string): JsonObject => parseJson(text) as JsonObject;
const refused = (code: string) => (error: unknown) => error instanceof LedgerError && error.code === code;

test('the digest is the SHA-256 of what stands on one line of JSON', () => {
  const text = `["${SALT}","payload.who",{"a":1,"b":"ü\\n"}]`;
  const expected = createHash('sha256').update(text).digest('hex');
  const opening = seal.openingOf('payload.who', object('{"b":"ü\\n","a":1}'), SALT);
  assert.equal(opening.digest, expected);
  assert.ok(seal.holds(opening));
  assert.equal(seal.saltText(Uint8Array.from({ length: 16 }, (_, i) => i)), SALT);
  const again = seal.readOpening(parseJson(seal.openingText(opening)));
  assert.deepEqual(again, opening);
  for (const other of [
    { ...opening, name: 'payload.whom' },
    { ...opening, salt: 'BAECAwQFBgcICQoLDA0ODw' },
    { ...opening, value: 'ü' },
  ])
    assert.ok(!seal.holds(other), 'of another field, salt or value');
});

test('a guess without the salt finds nothing, though there are but ten values; with the salt it does', () => {
  const values = Array.from({ length: 10 }, (_, i) => `customer ${i}`);
  const { digest } = seal.openingOf('reason', 'customer 7', SALT);
  const guesses = (salt: string): string[] =>
    values.filter((value) => seal.digestOf({ salt, name: 'reason', value }) === digest);
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  assert.deepEqual(
    values.filter((value) => [value, `"${value}"`, `["","reason","${value}"]`].some((text) => sha256(text) === digest)),
    [],
  );
  assert.deepEqual(guesses(''), []);
  assert.deepEqual(guesses(SALT), ['customer 7']);
});

test('fields are sealed where they stand, the outer one of two; what is not named is as it was', () => {
  const row = object(
    '{"action":"a.b","reason":"r","payload":{"l":[{"x":1},{"x":null}],"e":{"f":2}},"own":{"a.b":true}}',
  );
  const names = ['reason', 'payload.l[1].x', 'payload.e', 'payload.e.f', 'own.a.b', 'nope'];
  const open = (field: string, value: Json): seal.Opening | undefined =>
    names.includes(field) ? seal.openingOf(field, value, SALT) : undefined;
  const { row: sealed, openings } = seal.sealRow(row, open);
  assert.deepEqual(openings.map(({ name }) => name), ['reason', 'payload.l[1].x', 'payload.e', 'own.a.b']); // prettier-ignore
  assert.deepEqual(
    seal.sealedFields(sealed),
    openings.map(({ name: field, digest }) => ({ field, digest })),
  );
  const { members, contentHash } = checkRow(sealed, { nowMs: 0 });
  assert.ok(members.includes(`"reason":{"sealed":"${openings[0]?.digest}"}`));
  assert.deepEqual(seal.digestsInLine(members).sort(), openings.map(({ digest }) => digest).sort());
  assert.notEqual(contentHash, checkRow(row, { nowMs: 0 }).contentHash, 'of the payload as it is stored');
  assert.deepEqual(
    seal.openRow(sealed, (digest) => openings.find((one) => one.digest === digest)),
    row,
  );
  assert.deepEqual(
    seal.openRow(sealed, () => openings[0]),
    new Map([...sealed, ['reason', 'r']]),
    'an opening opens its own field',
  );
});

test('a seal is exactly that; in a text its quotes are escaped', () => {
  const digest = 'a'.repeat(64);
  assert.equal(seal.sealIn({ sealed: digest }), digest);
  for (const other of [
    digest,
    { sealed: digest.toUpperCase() },
    { sealed: 'ab' },
    { sealed: digest, more: 1 },
    [digest],
    null,
    { sealed: null },
  ])
    // prettier-ignore
    assert.equal(seal.sealIn(other), undefined);
  const line = checkRow(object(`{"action":"a.b","reason":"{\\"sealed\\":\\"${digest}\\"}"}`), { nowMs: 0 }).members;
  assert.deepEqual(seal.digestsInLine(line), []);
  assert.ok(!seal.holdsSeal(Buffer.from(line)));
});

test('what the ledger goes by cannot be sealed', () => {
  const can = CALLER_MEMBER_NAMES.filter((name) => unsealable(name) === undefined);
  assert.deepEqual(can, ['agent_version', 'customer_id', 'target', 'reason', 'playbook', 'playbook_version', 'data_ref', 'model', 'provider', 'policy_version', 'traceparent', 'payload']); // prettier-ignore
  for (const name of [...LEDGER_MEMBERS, 'ts', '', '.', 'payload.', 'a..b', 'reason.x', 'signature.value'])
    assert.notEqual(unsealable(name), undefined, name);
  for (const name of ['own', 'own.deep[0].x', 'payload.email']) assert.equal(unsealable(name), undefined);
  assert.notEqual(unsealableIn('payload.result', 'policy.gate'), undefined);
  assert.notEqual(unsealableIn('payload', 'policy.gate'), undefined);
  assert.equal(unsealableIn('payload.result', 'a.b'), undefined);
  assert.equal(unsealableIn('payload.email', 'policy.gate'), undefined);
  for (const name of ['action', 'cost_usd', 'run_id', 'occurred_at', 'agent'])
    assert.throws(
      () => checkRow(new Map<string, Json>([['action', 'a.b'], [name, seal.sealFor('a'.repeat(64))]]), { nowMs: 0 }),
      LedgerError,
      name,
    ); // prettier-ignore
});

test('the setting names fields that can be sealed, and that no cap goes by', () => {
  assert.deepEqual(parseConfig('{"seal":["reason","payload.email"]}', 'c').seal, ['reason', 'payload.email']);
  for (const text of [
    '{"seal":"reason"}',
    '{"seal":["action"]}',
    '{"seal":[""]}',
    '{"seal":["customer_id"],"caps":[{"usd":"1","per":"day","customer_id":"c"}]}',
  ])
    assert.throws(() => parseConfig(text, 'c'), refused('CONFIG_INVALID'), text);
});

test('a plan seals what is asked for and what holds secrets, and refuses what rows are judged by', () => {
  const plan = new SealPlan(['payload.a'], 'policy.gate');
  assert.ok(plan.covers({ at: ['payload', 'a', 'b', 0], inName: false }));
  assert.ok(!plan.covers({ at: ['payload', 'a'], inName: true }), 'the name of the field stands in the row');
  assert.ok(!plan.covers({ at: ['payload', 'b'], inName: false }));
  assert.ok(plan.add({ at: ['payload', 'l', 2], inName: false }));
  assert.ok(!plan.add({ at: ['action'], inName: false }));
  assert.ok(!plan.add({ at: ['token'], inName: true }), 'there is nothing around it');
  assert.ok(!plan.add({ at: ['payload', 'result'], inName: false }));
  const open = (field: string, value: Json): seal.Opening => seal.openingOf(field, value, SALT);
  const row = object('{"action":"policy.gate","payload":{"a":1,"l":[0,1,2]}}');
  const sealed = plan.sealed(row, open, () => undefined);
  assert.deepEqual(sealed.openings.map(({ name }) => name), ['payload.a', 'payload.l[2]']); // prettier-ignore
  assert.throws(() => plan.sealed(row, open, () => 'a cap'), refused('MEMBER_RESERVED'));
  assert.deepEqual(plan.sealed(sealed.row, open, () => undefined).openings, [], 'a seal is not sealed again');
});
