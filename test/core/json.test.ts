/** Strict JSON in, one exact spelling out: what two readers could read differently is refused. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { LedgerError } from '../../src/core/errors';
import { canonicalJson, MAX_DEPTH, storedJson, toJson } from '../../src/core/json';
import { parseJson } from '../../src/core/parseJson';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof LedgerError) return error.code;
    throw error;
  }
  return 'accepted';
};
const stored = (text: string): string => storedJson(parseJson(text));
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

test('each fault of a text has its code', () => {
  const cases: readonly [string, string][] = [
    ['{"a":1,"a":2}', 'JSON_DUPLICATE_KEY'],
    ['{"a":1,"\\u0061":2}', 'JSON_DUPLICATE_KEY'],
    ['{"__proto__":1,"__proto__":2}', 'JSON_DUPLICATE_KEY'],
    ['"\\ud83d"', 'JSON_SURROGATE'],
    ['"\\ude00\\ud83d"', 'JSON_SURROGATE'],
    ['{"\\udc00":1}', 'JSON_SURROGATE'],
    ['1e400', 'JSON_NUMBER'],
    ['9007199254740993', 'JSON_NUMBER'],
    ['0.1000000000000000055', 'JSON_NUMBER'],
    ['1e-400', 'JSON_NUMBER'],
    [nested(MAX_DEPTH + 1), 'JSON_DEPTH'],
    ['', 'JSON_SYNTAX'],
    ['\ufeff{}', 'JSON_SYNTAX'],
    ['{} {}', 'JSON_SYNTAX'],
    ['{"a":1,}', 'JSON_SYNTAX'],
    ['[1,]', 'JSON_SYNTAX'],
    ["{'a':1}", 'JSON_SYNTAX'],
    ['{a:1}', 'JSON_SYNTAX'],
    ['"\u0000"', 'JSON_SYNTAX'],
    ['"a\nb"', 'JSON_SYNTAX'],
    ['"\\x41"', 'JSON_SYNTAX'],
    ['"\\u12g4"', 'JSON_SYNTAX'],
    ['"open', 'JSON_SYNTAX'],
    ['01', 'JSON_SYNTAX'],
    ['+1', 'JSON_SYNTAX'],
    ['.5', 'JSON_SYNTAX'],
    ['5.', 'JSON_SYNTAX'],
    ['NaN', 'JSON_SYNTAX'],
    ['tru', 'JSON_SYNTAX'],
    ['\u00a01', 'JSON_SYNTAX'],
  ];
  for (const [text, code] of cases)
    assert.equal(
      codeOf(() => parseJson(text)),
      code,
      JSON.stringify(text),
    );
});

test('what means the same number is taken, and written as RFC 8785 writes it', () => {
  const cases: readonly [string, string][] = [
    ['-0', '0'],
    ['0e99999999999999999999', '0'],
    ['1.0', '1'],
    ['1E5', '100000'],
    ['1e21', '1e+21'],
    ['0.0000001', '1e-7'],
    ['5e-324', '5e-324'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
    ['123456789012345680000', '123456789012345680000'],
  ];
  for (const [text, want] of cases) assert.equal(stored(text), want, text);
});

test('a number of a million digits is answered at once', () => {
  const start = performance.now();
  const long = `1.${'0'.repeat(1_000_000)}`;
  assert.equal(stored(long), '1');
  assert.equal(
    codeOf(() => parseJson(`${long}1`)),
    'JSON_NUMBER',
  );
  assert.ok(performance.now() - start < 1000, 'a hostile row must not stop the writer');
});

test('depth counts containers, and can be given', () => {
  assert.equal(stored(nested(MAX_DEPTH)), nested(MAX_DEPTH));
  assert.equal(
    codeOf(() => parseJson(nested(3), 2)),
    'JSON_DEPTH',
  );
  assert.equal(
    codeOf(() => parseJson(nested(3), 3)),
    'accepted',
  );
});

test('objects keep the order and the names given, __proto__ too', () => {
  const text = '{"b":1,"__proto__":{"x":2},"10":3,"9":4,"constructor":5,"":6}';
  assert.equal(stored(text), text);
  assert.equal(canonicalJson(parseJson(text)), '{"":6,"10":3,"9":4,"__proto__":{"x":2},"b":1,"constructor":5}');
});

test('a stored string shows no control and no bidirectional mark raw; the shortest escape is the only one', () => {
  const text = '"\u0000\u001b\u007f\u0085\u009b\u061c\u200e\u202e\u2066\u2028\\b\\f\\n\\r\\t\\"\\\\\\/é😀"'.replace(
    // eslint-disable-next-line no-control-regex -- the raw ones must come in as escapes
    /[\u0000\u001b]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  assert.equal(
    stored(text),
    '"\\u0000\\u001b\\u007f\\u0085\\u009b\\u061c\\u200e\\u202e\\u2066\\u2028\\b\\f\\n\\r\\t\\"\\\\/é😀"',
  );
  assert.equal(canonicalJson(parseJson('"\\u0085\\u202e\\u001b"')), '"\u0085\u202e\\u001b"');
});

test('a program gives what JSON can hold, nothing else', () => {
  assert.equal(
    storedJson(toJson({ a: undefined, b: [null, true, -0], c: new Map([['d', 1]]) })),
    '{"b":[null,true,0],"c":{"d":1}}',
  );
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const cases: readonly [unknown, string][] = [
    [1n, 'MEMBER_TYPE'],
    [() => 1, 'MEMBER_TYPE'],
    [new Date(), 'MEMBER_TYPE'],
    [[undefined], 'MEMBER_TYPE'],
    [new Array(2), 'MEMBER_TYPE'],
    [Symbol('x'), 'MEMBER_TYPE'],
    [new Map([[1, 'a']]), 'MEMBER_TYPE'],
    [Object.create(Object.create(Object.create(null) as object) as object), 'MEMBER_TYPE'],
    [NaN, 'JSON_NUMBER'],
    [Infinity, 'JSON_NUMBER'],
    ['\ud800', 'JSON_SURROGATE'],
    [{ '\udfff': 1 }, 'JSON_SURROGATE'],
    [cyclic, 'JSON_DEPTH'],
  ];
  for (const [value, code] of cases)
    assert.equal(
      codeOf(() => toJson(value)),
      code,
    );
});

test('a fault is named with its place', () => {
  assert.throws(
    () => parseJson('{"a":tru}'),
    (error: LedgerError) => error.place?.offset === 5 && /at character 6/.test(error.message),
  );
});
