/** How fast a cap fills: exact, and silent until there is enough to say. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { paceOf } from '../../src/core/burn';
import type { CapState } from '../../src/core/capState';
import { DAY_MS, HOUR_MS } from '../../src/core/day';
import { formatTime } from '../../src/core/time';

const START = Date.parse('2026-11-21T00:00:00.000Z');
const usd = (amount: number): bigint => BigInt(Math.round(amount * 1e9));
const day: CapState = {
  cap: { nanos: usd(5), per: 'day', scope: new Map() },
  label: '2026-11-21',
  override: undefined,
  period: { unit: 'day', label: '2026-11-21', startMs: START, endMs: START + DAY_MS },
  spentNanos: usd(2),
  costRows: 5,
  reservedNanos: 0n,
  fits: true,
};

function told(state: Partial<CapState>, hours = 8): unknown {
  const pace = paceOf({ ...day, ...state }, START + hours * HOUR_MS);
  if (pace === undefined) return undefined;
  return [
    pace.perHourNanos,
    pace.forecastNanos,
    pace.fullMs === undefined ? null : formatTime(pace.fullMs).slice(11, 19),
  ];
}

test('2.00 in 8 hours: 0.25 an hour, 6.00 by midnight, and 5.00 is full at 20:00', () => {
  assert.deepEqual(told({}), [usd(0.25), usd(6), '20:00:00']);
  assert.deepEqual(told({ reservedNanos: usd(1) }), [usd(0.25), usd(6), '16:00:00'], 'what is reserved will be spent');
  const override = { seq: 9, nanos: usd(5.5), sinceMs: START, untilMs: START + DAY_MS };
  assert.deepEqual(told({ override }), [usd(0.25), usd(6), '22:00:00'], 'what it is raised to');
});

test('a period that ends before the cap is full, and a cap that is full, have no such moment', () => {
  assert.deepEqual(told({ cap: { ...day.cap, nanos: usd(6) } }), [usd(0.25), usd(6), null]);
  assert.deepEqual(told({ spentNanos: usd(5) }), [usd(0.625), usd(15), null]);
  assert.deepEqual(told({ reservedNanos: usd(4) }), [usd(0.25), usd(6), null]);
});

test('silent for a few rows, for the first hour, for refunds alone, for runs and the last 24 hours', () => {
  assert.equal(told({ costRows: 4 }), undefined);
  assert.equal(told({}, 0.99), undefined);
  assert.notEqual(told({}, 1), undefined);
  assert.equal(told({ spentNanos: -1n }), undefined);
  assert.equal(told({ period: undefined }), undefined);
  const hour = { ...day, period: { unit: 'hour' as const, label: '', startMs: START, endMs: START + HOUR_MS } };
  assert.equal(told(hour, 0.24), undefined);
  assert.deepEqual(told(hour, 0.5), [usd(4), usd(4), null]);
});
