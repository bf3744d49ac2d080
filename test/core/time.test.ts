/** Moments: every calendar date and no other, one stored spelling. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatTime, isStoredTime, parseRfc3339 } from '../../src/core/time';

const stored = (text: string): string | undefined => {
  const ms = parseRfc3339(text);
  return ms === undefined ? undefined : formatTime(ms);
};

test('offsets, digits and letters come out in the one stored form', () => {
  const cases: readonly [string, string][] = [
    ['2026-04-25T20:09:24.604Z', '2026-04-25T20:09:24.604Z'],
    ['2026-04-25t22:09:24.604+02:00', '2026-04-25T20:09:24.604Z'],
    ['2026-04-25 20:09:24z', '2026-04-25T20:09:24.000Z'],
    ['2026-04-25T20:09:24.999999999Z', '2026-04-25T20:09:24.999Z'],
    ['2026-04-25T20:09:24.6Z', '2026-04-25T20:09:24.600Z'],
    ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00.000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['0099-12-31T23:59:59.999Z', '0099-12-31T23:59:59.999Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ];
  for (const [text, want] of cases) assert.equal(stored(text), want, text);
});

test('what no calendar has, and what four digits of a year cannot name, is refused', () => {
  const cases = [
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-04-25T24:00:00Z',
    '2026-04-25T23:60:00Z',
    '2026-04-25T23:59:60Z',
    '2026-04-25T20:09:24',
    '2026-04-25',
    '2026-04-25T20:09:24+24:00',
    '2026-04-25T20:09:24+02:60',
    '2026-04-25T20:09:24.Z',
    '2026-04-25T20:09:24.0000000001Z',
    '2026-04-25T20:09:24.604Z ',
    '2026-04-25T20:09:24.604Z\n',
    '+02026-04-25T20:09:24.604Z',
    '0000-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
  ];
  for (const text of cases) assert.equal(stored(text), undefined, text);
});

test('the stored form is one spelling of a moment that there is', () => {
  assert.ok(isStoredTime('2026-02-28T00:00:00.000Z'));
  const others = [
    '2026-02-30T00:00:00.000Z',
    '2026-02-28T00:00:00Z',
    '2026-02-28t00:00:00.000Z',
    '2026-02-28T00:00:00.00xZ',
  ];
  for (const text of others) assert.ok(!isStoredTime(text), text);
});

test('every day of ten thousand years is where the calendar has it', () => {
  for (
    let ms = Date.parse('0000-01-01T00:00:00.000Z');
    ms <= Date.parse('9999-12-31T00:00:00.000Z');
    ms += 86_400_000
  ) {
    if (parseRfc3339(new Date(ms + 43_200_123).toISOString()) !== ms + 43_200_123) assert.fail(formatTime(ms));
  }
});
