/** Figures over rows, held against sums and ranks that are computed another way. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { FieldReader, parseField } from '../../../src/core/query/field';
import { GroupTally } from '../../../src/core/query/groups';
import type { Grouping } from '../../../src/core/query/groups';
import { numberTokens, texts, valueTokens } from '../../support/queryValues';

type Measured = readonly (readonly ['sum' | 'avg' | 'p50' | 'p95', string])[];

function tally(lines: readonly string[], by: readonly string[], measured: Measured): Grouping {
  const fields = new FieldReader();
  const measures = measured.map(([kind, field]) => ({ kind, field: parseField(field) }));
  const groups = new GroupTally(fields, by.map(parseField), measures);
  for (const line of lines) {
    const bytes = Buffer.from(line);
    assert(fields.read(bytes, 0, bytes.length), line);
    groups.add();
  }
  return groups.result();
}

const NINE = 10n ** 9n;

/** A decimal as a fraction: the number that the text says, no double. */
function fraction(text: string): { readonly over: bigint; readonly under: bigint } {
  const [, sign = '', whole = '', places = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(text) ?? [];
  const power = Number(exponent) - places.length;
  const digits = BigInt(`${sign}${whole}${places}`);
  return power >= 0
    ? { over: digits * 10n ** BigInt(power), under: 1n }
    : { over: digits, under: 10n ** BigInt(-power) };
}

/** Halves away from zero. */
function rounded(over: bigint, under: bigint): bigint {
  const size = over < 0n ? -over : over;
  const units = (size * 2n + under) / (under * 2n);
  return over < 0n ? -units : units;
}

const nanosOf = (text: string): bigint => {
  const { over, under } = fraction(text);
  return rounded(over * NINE, under);
};

function plain(nanos: bigint): string {
  const size = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  const text = `${size.slice(0, -9)}.${size.slice(-9)}`.replace(/\.?0+$/, '');
  return nanos < 0n ? `-${text}` : text;
}

/** A number is the decimal that RFC 8785 writes for it, which is what a ledger holds. */
const storedNumbers = numberTokens.map((token) => String(JSON.parse(token)));

test('sums and means are those of the decimals, not of doubles', () => {
  fc.assert(
    fc.property(fc.array(storedNumbers, { maxLength: 30 }), (numbers) => {
      const finite = numbers.filter((text) => Number.isFinite(Number(text)));
      const lines = numbers.map((text) => `{"n":${text.replace('Infinity', '1e999')}}`);
      const { total, missing } = tally(
        lines,
        [],
        [
          ['sum', 'n'],
          ['avg', 'n'],
        ],
      );
      const sum = finite.reduce((all, text) => all + nanosOf(text), 0n);
      const count = BigInt(finite.length);
      assert.deepEqual(total.values, count === 0n ? [null, null] : [plain(sum), plain(rounded(sum, count))]);
      assert.equal(missing[0], numbers.length - finite.length);
      assert.equal(total.rows, numbers.length);
    }),
    { numRuns: 2_000 },
  );
});

test('a large number with places is summed as it is written', () => {
  const line = (text: string): string => `{"duration_ms":${text}}`;
  for (const text of [
    '12345678.1',
    '123456789012345.68',
    '9007199254740993.5',
    '1e+23',
    '12345678901234567000',
    '-10000000.1',
  ])
    assert.equal(
      tally([line(text)], [], [['sum', 'duration_ms']]).total.values[0],
      plain(nanosOf(String(Number(text)))),
    );
});

test('a percentile is the value at its rank: so many per cent of the rows are not above it', () => {
  const numbers = fc.oneof(fc.integer({ min: -1000, max: 100_000 }), fc.double({ min: 0.001, max: 1e9, noNaN: true }));
  fc.assert(
    fc.property(fc.array(numbers, { minLength: 1, maxLength: 300 }), (all) => {
      const { total } = tally(
        all.map((n) => JSON.stringify({ n })),
        [],
        [
          ['p50', 'n'],
          ['p95', 'n'],
        ],
      );
      const sorted = [...all].sort((a, b) => a - b);
      for (const [i, percent] of [50, 95].entries()) {
        const rank = Math.ceil((percent * all.length) / 100);
        assert.equal(Number(total.values[i]), sorted[rank - 1], `p${percent} of ${all.length}`);
      }
    }),
  );
  for (let count = 1; count <= 2_000; count++)
    assert.equal(Math.ceil(0.95 * count), Math.ceil((95 * count) / 100), `the rank of p95 of ${count}`);
});

test('groups stay apart, however hostile their keys, and add up to the total', () => {
  const keys = fc.oneof(
    texts.map((text) => JSON.stringify(text)),
    valueTokens,
    fc.constantFrom('"(none)"', '"total"'),
  );
  const rows = fc.array(fc.tuple(fc.option(keys), fc.option(keys), fc.integer({ min: 0, max: 99 })), { maxLength: 40 });
  const shown = (token: string | null): string | null => {
    if (token === null) return null;
    const value = JSON.parse(token) as unknown;
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  fc.assert(
    fc.property(rows, (given) => {
      const lines = given.map(
        ([a, b, n]) => `{${a === null ? '' : `"a":${a},`}${b === null ? '' : `"b":${b},`}"n":${n}}`,
      );
      for (const by of [['a'], ['a', 'b']]) {
        const expected = new Map<string, { rows: number; sum: number }>();
        for (const [a, b, n] of given) {
          const name = JSON.stringify([shown(a), shown(b)].slice(0, by.length));
          const one = expected.get(name) ?? { rows: 0, sum: 0 };
          expected.set(name, { rows: one.rows + 1, sum: one.sum + n });
        }
        const { groups } = tally(lines, by, [['sum', 'n']]);
        const found = groups.map(({ keys: names, rows: count, values }) => [
          JSON.stringify(names),
          { rows: count, sum: Number(values[0]) },
        ]);
        assert.deepEqual(new Map(found as [string, object][]), expected);
        assert.equal(found.length, expected.size);
      }
    }),
  );
});

test('the group with the most comes first; rows that are not live are told of', () => {
  const rows = [
    { a: 'x', n: 1 },
    { a: 'y', n: 5, provenance: 'sample' },
    { a: 'x', n: 2, provenance: 'fallback' },
    { a: 'z', provenance: 'imported' },
  ];
  const lines = rows.map((row) => JSON.stringify(row));
  assert.deepEqual(
    tally(lines, ['a'], [['sum', 'n']]).groups.map(({ keys }) => keys[0]),
    ['y', 'x', 'z'],
  );
  assert.deepEqual(
    tally(lines, ['a'], []).groups.map(({ keys }) => keys[0]),
    ['x', 'y', 'z'],
  );
  assert.equal(tally(lines, [], []).notLiveRows, 2);
});

test('more groups than memory should hold are refused', () => {
  const lines = Array.from({ length: 100_001 }, (_, i) => `{"a":${i}}`);
  assert.throws(() => tally(lines, ['a'], []), { code: 'TOO_MUCH' });
  assert.equal(tally(lines.slice(1), ['a'], []).groups.length, 100_000);
});
