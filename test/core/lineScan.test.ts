/**
 * The byte scanner says "complete JSON object" only where JSON.parse agrees, and finds the members where they are: it
 * decides what is torn, so it may neither miss nor invent damage.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { payloadSha256 } from '../../src/core/canonicalBytes';
import { sha256Hex } from '../../src/core/digest';
import { canonicalJson, storedJson, toJson } from '../../src/core/json';
import { parseJson } from '../../src/core/parseJson';
import { ACTION, HASH, newLineFacts, PAYLOAD, PREV_HASH, scanLine, SEQ } from '../../src/core/lineScan';
import { CANONICAL, OTHERWISE, UNSORTED } from '../../src/core/jsonBytes';
import { chainOf } from '../support/ledgers';

const facts = newLineFacts({ stepsOverHashes: false });

function scan(text: string): number {
  return scanLine(Buffer.from(text), 0, facts);
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return (
      typeof value === 'object' && value !== null && !Array.isArray(value) && text.startsWith('{') && text.endsWith('}')
    );
  } catch {
    return false;
  }
}

test('members are found where they are, to the byte', () => {
  const chain = chainOf();
  const line = chain.add({ action: 'a.b', reason: '"hash":"x"', payload: { hash: 'inner', b: [{}], a: 1 } });
  const bytes = Buffer.from(`${line}\n`);
  assert.equal(scanLine(bytes, 0, facts), line.length);
  const value = (member: number): string => bytes.toString('utf8', facts.from[member], facts.to[member]);
  const row = JSON.parse(line) as { hash: string; prev_hash: string };
  assert.deepEqual(
    [value(SEQ), value(ACTION), value(PAYLOAD), value(PREV_HASH), value(HASH)],
    ['2', '"a.b"', '{"hash":"inner","b":[{}],"a":1}', `"${row.prev_hash}"`, `"${row.hash}"`],
  );
});

test('what is no complete JSON object is refused', () => {
  for (const text of [
    '',
    '{',
    '{}x',
    '{}{}',
    '[]',
    '"a"',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '{"a":01}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":+1}',
    '{"a":1e}',
    '{"a":"\u0000"}',
    '{"a":"\t"}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":tru}',
    '{"a":nul}',
    '{"a":[1,]}',
    '{"a":[1 2]}',
    '{"a":"}',
    '{"a":1',
    '{\u0000}',
    '{"a":NaN}',
    "{'a':1}",
    ' {}',
    '{} ',
    '{"a":-}',
    '{"a":{"b":1}',
  ]) {
    assert.equal(scan(text), -1, text);
  }
});

test('spaces, all escapes and deep values are JSON too', () => {
  for (const text of [
    '{}',
    '{ }',
    '{ "a" : [ ] , "b" : { } }',
    '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u12aF"}',
    '{"a":-0.5e+10}',
    '{"":0}',
  ]) {
    assert.equal(scan(text), Buffer.byteLength(text), text);
  }
});

test('property: a scanned line is one that JSON.parse takes, and a stored line is always scanned', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 }),
      (value) => {
        const text = storedJson(toJson(value));
        assert.equal(scan(text), Buffer.byteLength(text));
      },
    ),
    { numRuns: 500 },
  );
});

test('property: a changed byte never makes the scanner accept what JSON.parse refuses, nor the other way round', () => {
  const start = Buffer.from('{"a":[1,-2.5e3,"x\\n\\u00e9y"],"b":{"c":null,"d":true},"e":"ü"}');
  const alphabet = fc.constantFrom(...Buffer.from('{}[]",:\\ntru0195-.eE \t\r'));
  const change = fc.tuple(fc.nat(start.length - 1), alphabet);
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const bytes = Buffer.from(start);
      for (const [at, byte] of changes) bytes[at] = byte;
      const text = bytes.toString('utf8');
      assert.equal(scanLine(bytes, 0, facts) >= 0, isObject(text), text);
    }),
    { numRuns: 5000 },
  );
});

test('a noted member that stands twice, or is spelled with escapes, is told', () => {
  for (const [text, ambiguous] of [
    ['{"seq":1,"seq":2}', true],
    ['{"s\\u0065q":1}', true],
    ['{"seq":1,"agent":"\\u0085"}', false],
    ['{"seq":1,"payload":{"seq":2}}', false],
  ] as const) {
    assert.ok(scan(text) > 0);
    assert.equal(facts.ambiguous, ambiguous, text);
  }
});

test('the form of a payload: canonical, canonical but for order, or to be looked at exactly', () => {
  for (const [payload, form] of [
    ['{"a":1,"b":[0.5,"x\\n"]}', CANONICAL],
    ['{"b":1,"a":2}', UNSORTED],
    ['{"a":{"d":1,"c":2}}', UNSORTED],
    ['{"a":"\\u0085"}', OTHERWISE],
    ['{"a":1e3}', OTHERWISE],
    ['{"a":0.0000001}', OTHERWISE],
    ['{"a":-0}', OTHERWISE],
    ['{"a":12345678901234567890}', OTHERWISE],
    ['{"a": 1}', OTHERWISE],
  ] as const) {
    assert.ok(scan(`{"payload":${payload}}`) > 0);
    assert.equal(facts.form, form, payload);
  }
});

test('property: the SHA-256 from bytes is that of the exact RFC 8785 form', () => {
  const key = fc.oneof(
    fc.string({ maxLength: 4 }),
    fc.constantFrom('a', 'ab', 'a"', 'a\n', 'ü', '\u{1f600}', '\uffff', '!', ' '),
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.string({ unit: 'binary' }),
      fc.boolean(),
      tie('object'),
      fc.array(tie('any'), { maxLength: 3 }),
    ),
    object: fc.dictionary(key, tie('any'), { maxKeys: 5 }),
  })).object;
  fc.assert(
    fc.property(value, (payload) => {
      const stored = storedJson(toJson(payload));
      const bytes = Buffer.from(`{"payload":${stored}}`);
      assert.ok(scanLine(bytes, 0, facts) > 0);
      const from = facts.from[PAYLOAD] as number;
      const got = payloadSha256(bytes, { from, to: facts.to[PAYLOAD] as number, form: facts.form });
      assert.equal(got, sha256Hex(canonicalJson(parseJson(stored))), stored);
    }),
    { numRuns: 3000 },
  );
});
