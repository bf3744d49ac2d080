/** `--where`: what an expression says of rows, what it refuses, and that it can only look. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { LedgerError } from '../../../src/core/errors';
import { compileExpression } from '../../../src/core/query/expression';
import { FieldReader } from '../../../src/core/query/field';
import { compilePattern } from '../../../src/core/query/pattern';
import { objectLines, texts, valueTokens } from '../../support/queryValues';

function holds(expression: string, line: string): boolean {
  const fields = new FieldReader();
  const { test: holdsFor } = compileExpression(expression, fields, compilePattern);
  assert(fields.read(Buffer.from(line), 0, Buffer.byteLength(line)));
  return holdsFor();
}

const ROW =
  '{"agent":"coder","cost_usd":0.06,"n":5,"s":"5","zero":0,"empty":"","no":false,"nil":null,"list":["a",1,[2]],"payload":{"exit_status":2,"args":["x","y"],"a b":1},"odd name":7,"big":1e999}';

const TRUE = [
  'agent == "coder"',
  '"coder" === agent',
  'agent in ["coder", "writer"]',
  '!(agent in ["writer"])',
  'cost_usd > 0.05 && cost_usd <= 0.06',
  'n == 5 && s == "5" && n != s',
  's != 5',
  '!(n < s) && !(n >= s)',
  'missing == null && nil == null',
  'row["odd name"] == 7',
  'row.agent == agent',
  'payload.exit_status != 0',
  'payload["a b"] == 1 && payload.args[1] == "y"',
  'agent.x.y == null',
  'list == ["a", 1, [2]]',
  'contains(list, "a") && !contains(list, "b") && contains(agent, "od")',
  'startsWith(agent, "co") && endsWith(agent, "er")',
  'lower("ABC") == "abc" && length(agent) == 5 && length(list) == 3 && length(missing) == 0',
  'has(agent) && !has(missing) && !has(nil)',
  'matches(agent, "^c.d") && !matches(missing, "")',
  'n * 2 + 1 == 11 && n % 3 == 2 && n - 6 == -1 && n / 2 == 2.5',
  'n + s == null',
  '-n == -5 && -s == null',
  '!zero && !empty && !no && !nil && !missing && agent && list',
  '!(zero / zero) && big == big && big >= big && big <= big',
  '!(zero / zero == zero / zero)',
  'constructor == null && __proto__ == null && toString == null && row["constructor"] == null',
];

for (const expression of TRUE)
  test(`${expression}`, () => {
    assert.equal(holds(expression, ROW), true);
    assert.equal(holds(`!(${expression})`, ROW), false);
  });

const REFUSED = [
  '',
  ' ',
  'agent = "x"',
  'agent == ',
  'a b',
  'a; b',
  'a, b',
  '(a, b)',
  'a ? b : c',
  '`a`',
  '/a/',
  'a = b',
  'a += 1',
  'a++',
  'a => b',
  'new a',
  'this',
  '~a',
  '+a',
  'a | b',
  'a ** b',
  'exec("x")',
  'agent.match("x")',
  'constructor(agent)',
  'constructor.constructor("return 1")()',
  'toString()',
  'valueOf()',
  'hasOwnProperty(agent)',
  '__proto__(agent)',
  '__defineGetter__(agent, agent)',
  'length()',
  'length(a, b)',
  'matches(a)',
  'matches(a, b)',
  'matches(a, "(")',
  'matches(a, "b", "c")',
  'a[b]',
  '"x".length',
  `${'('.repeat(4_000)}a${')'.repeat(4_000)}`,
  `${'!'.repeat(9_000)}a`,
  `a${' '.repeat(10_000)}`,
];

for (const expression of REFUSED)
  test(`refused: ${expression.slice(0, 60)}`, () =>
    assert.throws(
      () => compileExpression(expression, new FieldReader(), compilePattern),
      (error) => error instanceof LedgerError && error.code === 'USAGE',
    ));

test('however long a chain of operators, it is refused or it is evaluated', () => {
  for (const operator of ['<', '&&', '||', '==', '-', ' in '])
    for (let count = 100; count < 5_000; count += 350) {
      const expression = Array.from({ length: count }, () => 'a').join(operator);
      try {
        holds(expression, '{"a":1}');
      } catch (error) {
        assert(error instanceof LedgerError && error.code === 'USAGE', `${count} × ${operator}: ${String(error)}`);
      }
    }
});

/** Expressions over whatever is there; most of them make little sense, and none may throw. */
const expressions: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => {
  const any = tie('any');
  const leaf = fc.oneof(
    fc.constantFrom(
      'agent',
      'x',
      'payload.a',
      'payload["__proto__"]',
      'ts',
      'cost_usd',
      'null',
      'true',
      '[]',
      'row["x"]',
    ),
    fc.integer().map((value) => (value < 0 ? `(${value})` : String(value))),
    texts.map((text) => JSON.stringify(text.replace(/[^\x20-\x7e]/g, '?'))),
  );
  const operator = fc.constantFrom('==', '!=', '<', '<=', '>', '>=', '&&', '||', '+', '-', '*', '/', '%');
  return {
    any: fc.oneof(
      { depthSize: 'medium' },
      leaf,
      fc.tuple(any, operator, any).map(([a, sign, b]) => `(${a} ${sign} ${b})`),
      fc.tuple(any, fc.array(any, { maxLength: 3 })).map(([a, items]) => `(${a} in [${items.join(',')}])`),
      fc.tuple(fc.constantFrom('!', '-'), any).map(([sign, a]) => `${sign}(${a})`),
      fc.tuple(fc.constantFrom('contains', 'startsWith', 'endsWith'), any, any).map(([f, a, b]) => `${f}(${a}, ${b})`),
      fc.tuple(fc.constantFrom('lower', 'length', 'has'), any).map(([f, a]) => `${f}(${a})`),
      any.map((a) => `matches(${a}, "[a-z]+")`),
      fc.array(any, { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    ),
  };
}).any;

test('any expression says yes or no of any row, and ! turns it around', () => {
  fc.assert(
    fc.property(expressions, objectLines, (expression, line) => {
      assert.equal(holds(`!(${expression})`, line), !holds(expression, line));
    }),
    { numRuns: 1_000 },
  );
});

test('equality is that of values: of like kind, and the same', () => {
  fc.assert(
    fc.property(valueTokens, valueTokens, (a, b) => {
      const [left, right] = [JSON.parse(a), JSON.parse(b)] as unknown[];
      const same = JSON.stringify(left) === JSON.stringify(right) && typeof left === typeof right;
      const isFinite = !/e999/.test(a + b);
      if (isFinite) assert.equal(holds('x == y', `{"x":${a},"y":${b}}`), same);
      assert.equal(holds('x != y', `{"x":${a},"y":${b}}`), !holds('x == y', `{"x":${a},"y":${b}}`));
    }),
    { numRuns: 1_000 },
  );
});

test('a member that must be a string is told of, and only where it must', () => {
  const equalitiesOf = (expression: string): string =>
    compileExpression(expression, new FieldReader(), compilePattern)
      .equalities.map(({ member, text }) => `${member}=${text}`)
      .join();
  assert.equal(equalitiesOf('run_id == "r1" && (a == "x" || b == "y")'), 'run_id=r1');
  assert.equal(equalitiesOf('"r1" === run_id && agent == "a"'), 'run_id=r1,agent=a');
  for (const expression of [
    'run_id != "r1"',
    '!(run_id == "r1")',
    'a.run_id == "r"',
    'n == 5',
    'a == b',
    'a || b == "x"',
  ])
    assert.equal(equalitiesOf(expression), '', expression);
});
