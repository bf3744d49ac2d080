/** Exact money: every decimal that a cost can be has one spelling, and no other is taken. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatNanos, parseCostNanos, roundedToNanos } from '../../src/core/money';

test('decimals are read exactly', () => {
  const cases: readonly [string, number | undefined][] = [
    ['0', 0],
    ['-0', 0],
    ['-0.000', 0],
    ['0e9999', 0],
    ['1e-9', 1],
    ['0.000000001', 1],
    ['10e-10', 1],
    ['1e-10', undefined],
    ['0.0000000001', undefined],
    ['0.10', 100_000_000],
    ['999999.999999999', 999_999_999_999_999],
    ['-999999.999999999', -999_999_999_999_999],
    ['999999.9999999990', 999_999_999_999_999],
    ['1000000', undefined],
    ['1e6', undefined],
    ['0.0000001e12', 100_000_000_000_000],
    ['1e99999', undefined],
    ['', undefined],
    ['.5', undefined],
    ['5.', undefined],
    ['+1', undefined],
    [' 1', undefined],
    ['1 ', undefined],
    ['1,5', undefined],
    ['0x10', undefined],
    ['Infinity', undefined],
    ['١', undefined],
  ];
  for (const [text, nanos] of cases) assert.equal(parseCostNanos(text), nanos, text);
});

test('the spelling is plain, without trailing zeros, and -0 is 0', () => {
  const cases: readonly [number | bigint, string][] = [
    [0, '0'],
    [-0, '0'],
    [1, '0.000000001'],
    [-1, '-0.000000001'],
    [12_500_000_000, '12.5'],
    [999_999_999_999_999, '999999.999999999'],
    [10n ** 30n, '1000000000000000000000'],
  ];
  for (const [nanos, text] of cases) assert.equal(formatNanos(nanos), text);
});

test('more than nine places are rounded exactly, halves away from zero', () => {
  const cases: readonly [string, string | undefined][] = [
    ['0.0000000005', '0.000000001'],
    ['0.00000000049999999999', '0'],
    ['0.0000000025', '0.000000003'],
    ['-0.0000000015', '-0.000000002'],
    ['0.1234567895', '0.12345679'],
    ['1.0000000005', '1.000000001'],
    ['0.30000000000000004', '0.3'],
    ['5e-10', '0.000000001'],
    ['1e-4000', '0'],
    ['12345678901234567890.99999999999', '12345678901234567891'],
    ['0.1', undefined],
    ['1e-9', undefined],
    ['x', undefined],
  ];
  for (const [text, rounded] of cases) assert.equal(roundedToNanos(text), rounded, text);
});

test('a cost of a million digits is answered at once', () => {
  const start = performance.now();
  assert.equal(roundedToNanos(`1.${'1'.repeat(1_000_000)}`), undefined);
  assert.equal(parseCostNanos(`1.${'0'.repeat(1_000_000)}1`), undefined);
  assert.equal(parseCostNanos(`1.${'0'.repeat(1_000_000)}`), 1_000_000_000);
  assert.ok(performance.now() - start < 1000);
});
