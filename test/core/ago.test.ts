import assert from 'node:assert/strict';
import test from 'node:test';
import { agoText } from '../../src/core/ago';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test('how long ago: one unit, never more than six columns, nothing for what lies ahead', () => {
  const cases: readonly (readonly [number, string])[] = [
    [-5_000, ''],
    [NaN, ''],
    [-400, 'now'],
    [999, 'now'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [59.9 * 60_000, '59 min'],
    [HOUR, '1 h'],
    [47.9 * HOUR, '47 h'],
    [48 * HOUR, '2 d'],
    [59.9 * DAY, '59 d'],
    [70 * DAY, '2 mo'],
    [700 * DAY, '22 mo'],
    [800 * DAY, '2 y'],
    [36_525 * DAY, '100 y'],
  ];
  for (const [ms, text] of cases) assert.equal(agoText(ms), text);
});

test('every span up to a century fits its column', () => {
  for (let ms = 500; ms < 3.2e12; ms *= 1.01) assert(agoText(ms).length <= 6 && agoText(ms) !== '', String(ms));
});
