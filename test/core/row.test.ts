/** What a caller may say in a row, and how it is spelled before it is placed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { sha256Hex } from '../../src/core/digest';
import { LedgerError } from '../../src/core/errors';
import { parseJson } from '../../src/core/parseJson';
import { LEDGER_MEMBERS } from '../../src/core/members';
import { checkRow, MAX_INPUT_BYTES } from '../../src/core/row';

const NOW = Date.UTC(2026, 3, 25, 20);
const members = (text: string): string => checkRow(parseJson(text), { nowMs: NOW }).members;

function refusal(text: string): string {
  try {
    members(text);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return `${error.code} ${error.place?.member ?? ''}`.trim();
  }
  return 'accepted';
}

test('known members stand in the order of the format, extra ones in the order given', () => {
  assert.equal(
    members('{"z":1,"payload":{"b":1,"a":2},"action":"a.b","a":[],"agent":"x","run_id":"r"}'),
    '"run_id":"r","agent":"x","action":"a.b","payload":{"b":1,"a":2},"z":1,"a":[]',
  );
});

test('the content hash is that of the payload in canonical form', () => {
  const { contentHash } = checkRow(parseJson('{"action":"a.b","payload":{"b":1.0,"a":"\\u0041"}}'), { nowMs: NOW });
  assert.equal(contentHash, sha256Hex('{"a":"A","b":1}'));
});

test('ts is taken as occurred_at; both are refused', () => {
  assert.equal(
    members('{"ts":"2026-04-25T21:00:00+02:00","action":"a.b"}'),
    '"occurred_at":"2026-04-25T19:00:00.000Z","action":"a.b"',
  );
  const same = '"2026-04-25T19:00:00.000Z"';
  assert.equal(refusal(`{"ts":${same},"occurred_at":${same},"action":"a.b"}`), 'MEMBER_RESERVED ts');
});

test('five minutes ahead of the clock are allowed, not more', () => {
  assert.equal(refusal('{"action":"a.b","ts":"2026-04-25T20:05:00.000Z"}'), 'accepted');
  assert.equal(refusal('{"action":"a.b","ts":"2026-04-25T20:05:00.001Z"}'), 'CLOCK_AHEAD occurred_at');
});

test('every name that the ledger sets is refused, whatever its value', () => {
  for (const name of LEDGER_MEMBERS) {
    if (name === 'ts') continue;
    assert.equal(refusal(`{"action":"a.b","${name}":null}`), `MEMBER_RESERVED ${name}`);
  }
});

test('names that are dangerous elsewhere are members like any other', () => {
  assert.equal(
    members('{"action":"a.b","__proto__":{"isAdmin":true},"constructor":1,"toString":2,"hasOwnProperty":3}'),
    '"action":"a.b","__proto__":{"isAdmin":true},"constructor":1,"toString":2,"hasOwnProperty":3',
  );
});

test('actions: a dotted or snake_case name of the caller', () => {
  for (const action of ['a', 'a.b', 'pulse_probe', 'A.B-c_d.9', 'auditor.x', 'x'.repeat(128)])
    assert.equal(refusal(`{"action":"${action}"}`), 'accepted', action);
  for (const action of ['', '.a', 'a.', 'a..b', '_a', 'a b', 'a\\n', 'é', 'x'.repeat(129)])
    assert.equal(refusal(`{"action":"${action}"}`), 'MEMBER_VALUE action', action);
  for (const action of ['audit', 'audit.genesis', 'audit.x.y'])
    assert.equal(refusal(`{"action":"${action}"}`), 'MEMBER_RESERVED action', action);
  assert.equal(refusal('{"action":1}'), 'MEMBER_TYPE action');
  assert.equal(refusal('{"agent":"x"}'), 'MEMBER_MISSING action');
});

test('costs: exact decimals of either spelling, stored in plain notation', () => {
  const cases: readonly [string, string][] = [
    ['1e-9', '0.000000001'],
    ['"1e-9"', '0.000000001'],
    ['0.0000001', '0.0000001'],
    ['999999.999999999', '999999.999999999'],
    ['"-0"', '0'],
    ['-0', '0'],
    ['"0.10"', '0.1'],
    ['12', '12'],
  ];
  for (const [given, stored] of cases)
    assert.equal(members(`{"action":"a.b","cost_usd":${given}}`), `"action":"a.b","cost_usd":${stored}`, given);
  for (const given of ['1e-10', '1000000', '"1,5"', '""', 'null', 'true', '[1]', '{"x":1}'])
    assert.match(refusal(`{"action":"a.b","cost_usd":${given}}`), /^MEMBER_(TYPE|VALUE) cost_usd$/, given);
});

test('a negative cost is for refunds and corrections that name the row', () => {
  assert.equal(refusal('{"action":"a.b","cost_usd":-1,"ref":"x"}'), 'MEMBER_VALUE cost_usd');
  assert.equal(refusal('{"action":"cost.refund","cost_usd":-1}'), 'MEMBER_VALUE cost_usd');
  assert.equal(refusal('{"cost_usd":"-0.5","ref":"01J","action":"cost.refund"}'), 'accepted');
  assert.equal(refusal('{"action":"cost.correction","cost_usd":-1e-9,"ref":"01J"}'), 'accepted');
  assert.equal(refusal('{"action":"cost.refund","cost_usd":1}'), 'accepted');
});

test('each kind of member refuses what it cannot hold', () => {
  const cases: readonly [string, string][] = [
    ['"agent":""', 'MEMBER_VALUE agent'],
    ['"agent":1', 'MEMBER_TYPE agent'],
    ['"agent":null', 'MEMBER_TYPE agent'],
    ['"run_id":{}', 'MEMBER_TYPE run_id'],
    ['"duration_ms":-1', 'MEMBER_TYPE duration_ms'],
    ['"duration_ms":"5"', 'MEMBER_VALUE duration_ms'],
    ['"as_of":"yesterday"', 'MEMBER_VALUE as_of'],
    ['"as_of":"9999-12-31T23:59:59-01:00"', 'MEMBER_VALUE as_of'],
    ['"occurred_at":5', 'MEMBER_TYPE occurred_at'],
    ['"provenance":"real"', 'MEMBER_VALUE provenance'],
    ['"payload":[]', 'MEMBER_TYPE payload'],
    ['"payload":"{}"', 'MEMBER_TYPE payload'],
    ['"payload":null', 'MEMBER_TYPE payload'],
  ];
  for (const [member, want] of cases) assert.equal(refusal(`{"action":"a.b",${member}}`), want, member);
  for (const text of ['[]', 'null', '"x"', '1']) assert.equal(refusal(text), 'ROW_NOT_OBJECT', text);
});

test('a row of exactly the greatest length is taken, one byte more is not; bytes count, not letters', () => {
  const around = Buffer.byteLength('"action":"a.b","x":""');
  const rowOf = (text: string): string => `{"action":"a.b","x":"${text}"}`;
  assert.equal(refusal(rowOf('x'.repeat(MAX_INPUT_BYTES - around))), 'accepted');
  assert.equal(refusal(rowOf('x'.repeat(MAX_INPUT_BYTES - around + 1))), 'ROW_TOO_LONG');
  assert.equal(refusal(rowOf('é'.repeat(MAX_INPUT_BYTES / 2))), 'ROW_TOO_LONG');
  // What is short as it comes can be long as it is stored.
  assert.equal(refusal(rowOf('\u0085'.repeat(MAX_INPUT_BYTES / 4))), 'ROW_TOO_LONG');
});
