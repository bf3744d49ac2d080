/** Times as people type them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { openZone } from '../../src/core/day';
import { LedgerError } from '../../src/core/errors';
import { parseDay, parseWhen, parseWindow } from '../../src/core/when';

const nowMs = Date.parse('2026-11-21T09:30:00Z');
const berlin = { nowMs, calendar: { zone: openZone('Europe/Berlin'), dayStartMs: 0 }, flag: '--since' };
const early = { ...berlin, calendar: { ...berlin.calendar, dayStartMs: 4 * 3_600_000 } };
const when = (text: string, options = berlin): string => new Date(parseWhen(text, options)).toISOString();
const isUsage = (error: unknown): boolean => error instanceof LedgerError && error.code === 'USAGE';

test('every form of the contract, in the zone', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.000Z'],
    ['2026-11-21T10:00:00.5+01:00', '2026-11-21T09:00:00.500Z'],
    ['2026-11-21', '2026-11-20T23:00:00.000Z'],
    ['2026-11-21 10:00', '2026-11-21T09:00:00.000Z'],
    ['2026-11-21 10:00:30', '2026-11-21T09:00:30.000Z'],
    ['2026-11-21T10:00', '2026-11-21T09:00:00.000Z'],
    ['today', '2026-11-20T23:00:00.000Z'],
    ['yesterday', '2026-11-19T23:00:00.000Z'],
    ['now', '2026-11-21T09:30:00.000Z'],
    ['-1h', '2026-11-21T08:30:00.000Z'],
    ['-3d', '2026-11-18T09:30:00.000Z'],
    ['-2w', '2026-11-07T09:30:00.000Z'],
    ['@1795255200', '2026-11-21T10:00:00.000Z'],
    ['@1795255200.25', '2026-11-21T10:00:00.250Z'],
    ['@0', '1970-01-01T00:00:00.000Z'],
  ];
  for (const [text, expected] of forms) assert.equal(when(text), expected, text);
});

test('days begin at day_start, clock times do not move with it', () => {
  assert.equal(when('today', early), '2026-11-21T03:00:00.000Z');
  assert.equal(when('2026-11-21', early), '2026-11-21T03:00:00.000Z');
  assert.equal(when('2026-11-21 00:00', early), '2026-11-20T23:00:00.000Z');
  // At 03:00 it is still yesterday's day.
  assert.equal(when('today', { ...early, nowMs: Date.parse('2026-11-21T02:00:00Z') }), '2026-11-20T03:00:00.000Z');
});

test('what no calendar or clock has is refused, with the forms that are taken', () => {
  const nonsense = [
    '',
    'tomorrow',
    '2026-02-30',
    '2026-13-01',
    '2026-11-21 24:00',
    '2026-11-21 10',
    '1h',
    '-1y',
    '@',
    '@1e9',
    '-1h30m',
    '-999999999w',
  ];
  for (const text of nonsense) assert.throws(() => parseWhen(text, berlin), isUsage, text);
});

test('--day takes dates and moments; a day that the zone skipped is refused', () => {
  assert.equal(parseDay('yesterday', berlin).label, '2026-11-20');
  assert.equal(parseDay('-1d', berlin).label, '2026-11-20');
  const apia = { ...berlin, calendar: { zone: openZone('Pacific/Apia'), dayStartMs: 0 } };
  assert.throws(() => parseDay('2011-12-30', apia), isUsage);
});

test('windows: since is inclusive, until exclusive, either may be open, and nothing contradicts itself', () => {
  assert.equal(parseWindow({}, berlin), undefined);
  assert.deepEqual(parseWindow({ until: '@10' }, berlin), { sinceMs: -Infinity, untilMs: 10_000, label: undefined });
  assert.equal(parseWindow({ day: 'today' }, berlin)?.label, '2026-11-21');
  assert.throws(() => parseWindow({ day: 'today', since: '-1h' }, berlin), isUsage);
  assert.throws(() => parseWindow({ since: 'today', until: 'today' }, berlin), isUsage);
});
