/** The short way in: where it answers, it says what the long way says; where the long way refuses, it does not answer. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { LedgerError } from '../../src/core/errors';
import { CALLER_MEMBER_NAMES, LEDGER_MEMBERS } from '../../src/core/members';
import { parseJson } from '../../src/core/parseJson';
import { checkPlainRow } from '../../src/core/plainRow';
import { checkRow, MAX_INPUT_BYTES } from '../../src/core/row';
import type { CheckedRow } from '../../src/core/row';

const NOW = Date.parse('2026-04-25T20:09:24.604Z');

/** The long way's answer, or the code of its refusal. */
function longWay(text: string): CheckedRow | string {
  try {
    return checkRow(parseJson(text), { nowMs: NOW });
  } catch (error) {
    if (error instanceof LedgerError) return error.code;
    throw error;
  }
}

function agree(text: string): boolean {
  const plain = checkPlainRow(text, NOW);
  if (plain !== undefined) assert.deepEqual(plain, longWay(text), text);
  return plain !== undefined;
}

test('the rows that most callers write take it', () => {
  const rows = [
    '{"action":"a"}',
    ' { "action" : "a.b" , "agent" : "coder" } ',
    '{"action": "a.b", "agent": "coder"}',
    '{"action":"a.b","agent":"coder"}',
    '{"ts":"2026-04-25T20:09:24.604Z","run_id":"r-1","agent":"void-pulse","action":"pulse.probe","target":"env","outcome":"success","cost_usd":0.0001,"duration_ms":80,"reason":"status=green n=0","playbook":"pulse-probe","playbook_version":"0.1.0"}',
    '{"agent":"a","action":"tool.used","decision_id":"d","idempotency_key":"k","run_id":"r","cost_usd":12,"as_of":"2030-01-01T00:00:00.000Z"}',
    '{"reason":"schön ÿ","action":"x","provenance":"sample","input_tokens":0,"output_tokens":999999999999999}',
    '{"cost_usd":999999.999999999,"action":"x"}',
    '{"cost_usd":0.000001,"action":"x"}',
    '{"cost_usd":0,"action":"x"}',
  ];
  for (const text of rows) assert.ok(agree(text), text);
});

test('what is not plain, or wrong, does not', () => {
  const rows = [
    '',
    '{}',
    '[]',
    '{"action":"a"',
    '{"action":"a"}}',
    '{"action":"a"} x',
    '{"action":"a",}',
    '{"action":"a" "agent":"b"}',
    '{"action":"a","action":"a"}',
    '{"action":"a","agent":"b","agent":"b"}',
    '{"ts":"2026-04-25T20:09:24.604Z","occurred_at":"2026-04-25T20:09:24.604Z","action":"a"}',
    '{"ts":"2026-04-25T20:14:24.605Z","action":"a"}',
    '{"occurred_at":"2026-02-30T20:09:24.604Z","action":"a"}',
    '{"occurred_at":"2026-04-25T20:09:24Z","action":"a"}',
    '{"action":"audit.genesis"}',
    '{"action":"audit"}',
    '{"action":"a b"}',
    '{"action":""}',
    '{"action":7}',
    '{"action":"a","agent":""}',
    '{"action":"a","agent":"\\u0041"}',
    '{"action":"a","agent":"a\tb"}',
    '{"action":"a","agent":"a\u007fb"}',
    '{"action":"a","agent":"a\u0085b"}',
    '{"action":"a","agent":"\u202e"}',
    '{"action":"a","agent":"\ud800"}',
    '{"action":"a","agent":null}',
    '{"action":"a","agent":{"x":1}}',
    '{"action":"a","payload":{}}',
    '{"action":"a","extra":"x"}',
    '{"action":"a","seq":1}',
    '{"action":"a","__proto__":"x"}',
    '{"action":"a","provenance":"other"}',
    ...[
      '-1',
      '01',
      '1.',
      '.5',
      '1.50',
      '1e3',
      '1.2.3',
      '1000000',
      '0.0000001',
      '0.1234567891',
      '"0.1"',
      'true',
      '',
    ].map((cost) => `{"action":"a","cost_usd":${cost}}`),
    ...['-0', '-1', '01', '1.5', '1e3', '1234567890123456', '"1"', '.', '1.', ''].map(
      (count) => `{"action":"a","duration_ms":${count}}`,
    ),
    `{"action":"a","reason":"${'x'.repeat(MAX_INPUT_BYTES)}"}`,
  ];
  for (const text of rows) assert.equal(checkPlainRow(text, NOW), undefined, text.slice(0, 200));
});

const spaces = fc.constantFrom('', '', '', ' ', '  ', '\t', '\n');
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...CALLER_MEMBER_NAMES, 'ts') },
  fc.constantFrom(...LEDGER_MEMBERS, 'extra', '__proto__', 'Action'),
);
const number = fc.oneof(
  fc.nat().map(String),
  fc.tuple(fc.nat(9_999_999), fc.nat(9_999_999_999)).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc.tuple(fc.nat(12), fc.nat(999)).map(([zeros, rest]) => `0.${'0'.repeat(zeros)}${rest}`),
  fc.double().map(String),
  fc.constantFrom('-0', '007', '1.', '1e-7', '0.10', '9007199254740993'),
);
const moment = fc
  .date({ min: new Date('1990-01-01T00:00:00Z'), max: new Date('2027-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const string = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('live', 'sample', 'a.b', 'audit.x', 'tool.used'),
  moment,
);
const value = fc.oneof(
  { weight: 6, arbitrary: string.map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: string.map((text) => `"${text}"`) },
  { weight: 5, arbitrary: number },
  fc.constantFrom('null', 'true', '{}', '[1]', '{"a":"b"}'),
);
const memberText = fc
  .tuple(spaces, name, spaces, spaces, value, spaces)
  .map(([a, key, b, c, text, d]) => `${a}"${key}"${b}:${c}${text}${d}`);

test('it never says anything else than the long way', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.array(memberText, { maxLength: 6 }), moment, (members, at) => {
      const text = `{"ts":"${at}","action":"a.b"${members.map((one) => `,${one}`).join('')}}`;
      if (agree(text)) taken++;
    }),
    { numRuns: 4000 },
  );
  assert.ok(taken > 400, `${taken} of 4000 rows were plain`);
});

/** Of four values one is anything. */
const mostly = (usual: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: value });

test('nor for rows that differ in their values, or in the white space between them', () => {
  let taken = 0;
  const agent = mostly(fc.constantFrom('"coder"', '"a b"', '"é"'));
  const cost = mostly(fc.constantFrom('0', '12', '0.5', '0.000001'));
  const count = mostly(fc.nat().map(String));
  const space = fc.constantFrom('', '', '', ' ', '\t');
  fc.assert(
    fc.property(agent, cost, count, space, (...[name, usd, ms, gap]) => {
      if (agree(`{"agent":${name},"cost_usd":${usd},${gap}"duration_ms":${ms},"action":"a.b"${gap}}`)) taken++;
    }),
    { numRuns: 4000 },
  );
  assert.ok(taken > 1000, `${taken} of 4000 rows were plain`);
});

test('rows of ever other members, in any order, with any white space, are read all the same', () => {
  const members = fc.shuffledSubarray(['"agent":"a"', '"run_id":"r"', '"cost_usd":1', '"reason":"x"', '"target":"t"']);
  const gap = fc.nat(80).map((n) => ' '.repeat(n));
  fc.assert(
    fc.property(members, gap, (some, space) => {
      assert.ok(agree(`{${['"action":"a.b"', ...some].join(`,${space.slice(0, 40)}`)}}`));
      agree(`{"action":"a.b",${space}"agent":"a"${space}}`);
    }),
    { numRuns: 3000 },
  );
});

test('nor for a row of which one character was changed', () => {
  const row =
    '{"run_id":"r-1","agent":"coder","action":"tool.used","cost_usd":0.0123,"duration_ms":80,"ts":"2026-04-25T20:09:24.604Z"}';
  assert.ok(agree(row));
  for (let at = 0; at < row.length; at++) {
    for (let unit = 0; unit < 0x100; unit++) agree(row.slice(0, at) + String.fromCharCode(unit) + row.slice(at + 1));
    agree(row.slice(0, at) + row.slice(at + 1));
  }
});
