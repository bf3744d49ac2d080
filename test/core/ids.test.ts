/** Ids always grow, whatever the clock does. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { isUlid, nextUlid, ulidAt } from '../../src/core/ids';

const LOW = new Uint8Array(16);
const HIGH = new Uint8Array(16).fill(255);
const NOW = Date.UTC(2026, 3, 25);

test('in one millisecond, and with a clock that goes back, the id is the last one plus one', () => {
  const first = ulidAt(NOW, HIGH);
  const second = nextUlid(NOW, LOW, first);
  const third = nextUlid(NOW - 86_400_000, HIGH, second);
  assert.ok(first < second && second < third);
  assert.ok([first, second, third].every(isUlid));
});

test('a full random part carries into the time', () => {
  const full = ulidAt(NOW, HIGH);
  assert.ok(full.endsWith('Z'.repeat(16)));
  assert.equal(nextUlid(NOW, LOW, full), ulidAt(NOW + 1, LOW));
});

test('a clock that went ahead is followed, and never goes back', () => {
  const ahead = ulidAt(NOW + 86_400_000, LOW);
  assert.equal(nextUlid(NOW + 86_400_000 * 2, LOW, ahead), ulidAt(NOW + 86_400_000 * 2, LOW));
});

test('a clock before 1970 or beyond what an id can name still gives an id', () => {
  assert.equal(ulidAt(-5, LOW), '0'.repeat(26));
  assert.ok(isUlid(ulidAt(2 ** 50, HIGH)));
});

test('what is no id', () => {
  for (const text of [
    '',
    '8'.padEnd(26, '0'),
    '0'.repeat(25),
    '0'.repeat(27),
    '0'.repeat(25) + 'I',
    '0'.repeat(25) + 'a',
  ])
    assert.ok(!isUlid(text), text);
});
