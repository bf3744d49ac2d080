/** Days, weeks and months in zones: what a cap per day means on the day the clocks change. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DAY_MS, dayAt, dayPeriod, formatLocal, HOUR_MS, instantOf, openZone, periodAt } from '../../src/core/day';
import type { Calendar, PeriodUnit } from '../../src/core/day';
import { LedgerError } from '../../src/core/errors';

const calendar = (zone: string, dayStartMs = 0): Calendar => ({ zone: openZone(zone), dayStartMs });
const at = (text: string): number => Date.parse(text);
const hoursOf = (cal: Calendar, day: string): number => {
  const { startMs, endMs } = dayPeriod(cal, at(`${day}T00:00:00Z`) / DAY_MS);
  return (endMs - startMs) / HOUR_MS;
};

const UNITS: readonly PeriodUnit[] = ['hour', 'day', 'week', 'month'];
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Africa/Casablanca',
  '-03:30',
];

test('the days on which the clocks change have 23 and 25 hours', () => {
  const berlin = calendar('Europe/Berlin');
  assert.equal(hoursOf(berlin, '2026-03-29'), 23);
  assert.equal(hoursOf(berlin, '2026-10-25'), 25);
  assert.equal(hoursOf(berlin, '2026-11-21'), 24);
  const york = calendar('America/New_York');
  assert.equal(hoursOf(york, '2026-03-08'), 23);
  assert.equal(hoursOf(york, '2026-11-01'), 25);
});

test('a day that starts at 04:00 takes the change of the night before its own morning', () => {
  const berlin = calendar('Europe/Berlin', 4 * HOUR_MS);
  // The clocks change at 02:00 and 03:00: before the day begins, so the day before is the odd one.
  assert.equal(hoursOf(berlin, '2026-03-28'), 23);
  assert.equal(hoursOf(berlin, '2026-03-29'), 24);
  assert.equal(hoursOf(berlin, '2026-10-24'), 25);
  assert.equal(periodAt(berlin, 'day', at('2026-11-21T02:59:59.999Z')).label, '2026-11-20');
  assert.equal(periodAt(berlin, 'day', at('2026-11-21T03:00:00Z')).label, '2026-11-21');
});

test('zones with odd offsets', () => {
  assert.equal(formatLocal(openZone('Asia/Kathmandu'), at('2026-11-21T00:00:00Z')), '2026-11-21T05:45:00+05:45');
  const lordHowe = calendar('Australia/Lord_Howe');
  assert.equal(hoursOf(lordHowe, '2026-04-05'), 24.5);
  assert.equal(hoursOf(lordHowe, '2026-10-04'), 23.5);
  assert.equal(formatLocal(openZone('+05:30'), 0), '1970-01-01T05:30:00+05:30');
});

test('a day that a zone skipped has no hours, and its neighbours meet', () => {
  const apia = calendar('Pacific/Apia');
  assert.equal(hoursOf(apia, '2011-12-30'), 0);
  const before = periodAt(apia, 'day', at('2011-12-30T09:59:59.999Z'));
  const after = periodAt(apia, 'day', at('2011-12-30T10:00:00Z'));
  assert.deepEqual([before.label, after.label], ['2011-12-29', '2011-12-31']);
  assert.equal(before.endMs, after.startMs);
});

test('a midnight that the clocks skip is the moment of the skip', () => {
  // Brazil changed at midnight until 2018.
  const saoPaulo = calendar('America/Sao_Paulo');
  const { startMs } = periodAt(saoPaulo, 'day', at('2018-11-04T12:00:00Z'));
  assert.equal(formatLocal(saoPaulo.zone, startMs), '2018-11-04T01:00:00-02:00');
  assert.equal(hoursOf(saoPaulo, '2018-11-04'), 23);
});

test('a time that occurs twice is its first moment', () => {
  const berlin = openZone('Europe/Berlin');
  assert.equal(instantOf(berlin, Date.UTC(2026, 9, 25, 2, 30)), at('2026-10-25T00:30:00Z'));
});

test('weeks are ISO weeks, months calendar months', () => {
  const utc = calendar('UTC');
  const week = (day: string): string => periodAt(utc, 'week', at(`${day}T12:00:00Z`)).label;
  assert.deepEqual(['2026-01-01', '2027-01-03', '2027-01-04', '2024-12-30', '2026-11-22', '2026-11-23'].map(week), [
    '2026-W01',
    '2026-W53',
    '2027-W01',
    '2025-W01',
    '2026-W47',
    '2026-W48',
  ]);
  const month = periodAt(calendar('Europe/Berlin'), 'month', at('2026-10-15T00:00:00Z'));
  assert.deepEqual([month.label, (month.endMs - month.startMs) / HOUR_MS], ['2026-10', 31 * 24 + 1]);
});

test('periods of every unit hold their moment, begin where the one before ends, and leave no gap', () => {
  const units = fc.constantFrom(...UNITS);
  const zones = fc.constantFrom(...ZONES).map((zone) => openZone(zone));
  const moments = fc.integer({ min: at('1971-01-01T00:00:00Z'), max: at('2037-12-31T00:00:00Z') });
  const starts = fc.constantFrom(0, 4 * HOUR_MS, 23.5 * HOUR_MS);
  fc.assert(
    fc.property(units, zones, moments, starts, (unit, zone, ms, dayStartMs) => {
      const cal = { zone, dayStartMs };
      const period = periodAt(cal, unit, ms);
      assert.ok(period.startMs <= ms && ms < period.endMs);
      assert.deepEqual(periodAt(cal, unit, period.startMs), period);
      assert.deepEqual(periodAt(cal, unit, period.endMs - 1), period);
      assert.equal(periodAt(cal, unit, period.endMs).startMs, period.endMs);
      assert.ok(dayPeriod(cal, dayAt(cal, ms)).startMs <= ms);
    }),
    { numRuns: 300 },
  );
});

test('a name that is no zone is a usage error', () => {
  for (const name of ['Europe/Berlinn', '', '+25:00', '../UTC']) {
    assert.throws(
      () => openZone(name),
      (error) => error instanceof LedgerError && error.code === 'USAGE',
    );
  }
});
