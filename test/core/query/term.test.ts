/** Conditions on fields: what they say of any value that a row may hold, and which lines they let be passed over. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { LedgerError } from '../../../src/core/errors';
import { compilePattern } from '../../../src/core/query/pattern';
import { parseTerm, testOf, wantsExactly } from '../../../src/core/query/term';
import type { Term, ValueTest } from '../../../src/core/query/term';
import { parseRfc3339 } from '../../../src/core/time';
import { texts, typedTexts, valueTokens } from '../../support/queryValues';

const context = {
  parseTime: (text: string) => parseRfc3339(text) ?? assert.fail(`no time: ${text}`),
  parsePattern: compilePattern,
};

const testOfTerm = (term: Term): ValueTest => testOf(term, term.fields[0], context);
const holds = (term: string, value: unknown): boolean => testOfTerm(parseTerm(term))(value);
const values = fc.oneof(
  fc.constant(undefined),
  valueTokens.map((token) => JSON.parse(token) as unknown),
);

const TABLE: readonly (readonly [term: string, value: unknown, holds: boolean])[] = [
  ['agent=coder', 'coder', true],
  ['agent=coder', 'Coder', false],
  ['agent=', undefined, true],
  ['agent=', '', true],
  ['agent=', null, false],
  ['agent!=', 'x', true],
  ['agent!=', undefined, false],
  ['cost_usd=0.10', 0.1, true],
  ['cost_usd=1e-1', 0.1, true],
  ['x=5', '5', true],
  ['x=5.0', '5', false],
  ['x=null', null, true],
  ['x=true', true, true],
  ['x=[1,2]', [1, 2], true],
  ['x=a=b', 'a=b', true],
  ['x=a\nb', 'a\nb', true],
  ['x~^\\d+$', 512, true],
  ['x~b', { a: 'b' }, true],
  ['x~', undefined, false],
  ['x!~a', undefined, true],
  ['cost_usd>=0.1', 0.1, true],
  ['cost_usd>0.1', 0.1, false],
  ['x>=1e999', Infinity, true],
  ['x>5', undefined, false],
  ['x>5', null, false],
  ['x<b', 'a', true],
  ['ts=2026-04-25T20:00:00Z', '2026-04-25T20:00:00.000Z', true],
  ['ts=2026-04-25T22:00:00+02:00', '2026-04-25T20:00:00.000Z', true],
  ['ts<2026-04-25T20:00:00Z', '2026-04-25T19:59:59.999Z', true],
  ['ts<2026-04-25T20:00:00Z', 'never', false],
  ['ts>2026-04-25T20:00:00Z', 'never', false],
];

for (const [term, value, expected] of TABLE)
  test(`${JSON.stringify(term)} ${expected ? 'takes' : 'leaves'} ${JSON.stringify(value) ?? 'nothing'}`, () =>
    assert.equal(holds(term, value), expected));

test('!= is the exact opposite of =, !~ of ~, whatever stands there, and nothing throws', () => {
  const fields = fc.constantFrom('x', 'cost_usd', 'agent', 'payload.a');
  fc.assert(
    fc.property(fields, typedTexts, values, (field, text, value) => {
      assert.equal(holds(`${field}!=${text}`, value), !holds(`${field}=${text}`, value));
      const quoted = text.replace(/[^\p{L}\p{N}]/gu, (unit) => `\\x{${unit.codePointAt(0)?.toString(16) ?? ''}}`);
      assert.equal(holds(`${field}!~${quoted}`, value), !holds(`${field}~${quoted}`, value));
    }),
    { numRuns: 1_000 },
  );
});

test('of two things that can be compared exactly one of < = > holds, and <= is not >', () => {
  const numbers = fc.oneof(fc.double({ noNaN: true }), fc.integer());
  const typed = (value: number): string => (Number.isFinite(value) ? String(value) : value < 0 ? '-1e999' : '1e999');
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const text = typed(b);
      const found = ['<', '=', '>'].filter((operator) => holds(`x${operator}${text}`, a));
      assert.equal(found.length, 1, `${a} ${text} ${found.join()}`);
      assert.equal(holds(`x<=${text}`, a), !holds(`x>${text}`, a));
      assert.equal(holds(`x>=${text}`, a), !holds(`x<${text}`, a));
    }),
  );
  fc.assert(
    fc.property(
      texts,
      typedTexts.filter((text) => text !== ''),
      (a, b) => {
        const found = ['<', '=', '>'].filter((operator) => holds(`x${operator}${b}`, a));
        assert.equal(found.length, 1);
      },
    ),
  );
});

test('what wants exactly a text takes that string and nothing else', () => {
  fc.assert(
    fc.property(fc.constantFrom('x', 'agent', 'run_id', 'cost_usd'), typedTexts, values, (field, text, value) => {
      const term = parseTerm(`${field}=${text}`);
      if (wantsExactly(term)) assert.equal(testOfTerm(term)(value), value === text);
    }),
    { numRuns: 1_000 },
  );
  for (const field of ['ts', 'occurred_at', 'as_of'])
    assert(!wantsExactly(parseTerm(`${field}=2026-04-25T20:00:00Z`)), 'a moment has many spellings');
  assert(wantsExactly(parseTerm('run_id|decision_id=x')), 'one of two members');
  assert(!wantsExactly(parseTerm('run_id|payload.run_id=x')), 'no member alone');
});

test('what is no condition is refused with USAGE', () => {
  for (const term of ['', 'coder', '=x', '>5', 'a b=1', '.a=1', 'a..b=1', 'a!b', '1a=2', 'a.=1', 'cost_usd>x', 'x>'])
    assert.throws(
      () => testOfTerm(parseTerm(term)),
      (error) => error instanceof LedgerError && error.code === 'USAGE',
      term,
    );
});

test('an operator typed twice is told, not taken for a value', () => {
  for (const term of ['agent==coder', 'reason=~timeout']) assert.throws(() => parseTerm(term), { code: 'USAGE' });
});
