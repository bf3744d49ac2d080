/** The rows of one commit: linked to each other, each placed where its streams stand. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ZERO_HASH } from '../../src/core/digest';
import { Group, NEW_STREAM } from '../../src/core/group';
import type { Host } from '../../src/core/host';
import { faultsOfBytes } from '../support/miniVerifier';
import { checked } from '../support/writers';

const NOW = Date.UTC(2026, 3, 25, 20, 9, 24, 604);
const EMPTY = { seq: 0, id: '', hash: ZERO_HASH };

function hostAt(nowMs: number, by = '1000:test@host'): Host {
  let calls = 0;
  return {
    nowMs: () => nowMs,
    monotonicMs: () => 0,
    random: (length) => new Uint8Array(length).fill(calls++ & 255),
    sleep: () => Promise.resolve(),
    by,
    pid: 1,
  };
}

test('a fixed clock and fixed randomness give the same bytes', () => {
  const bytesOf = (): string => {
    const group = new Group(EMPTY, hostAt(NOW));
    group.add(checked({ action: 'a.b', run_id: 'r' }), NEW_STREAM);
    return group.bytes().toString();
  };
  assert.equal(bytesOf(), bytesOf());
  assert.deepEqual(faultsOfBytes(Buffer.from(bytesOf())), []);
});

test('many rows of all sizes, up to the greatest, fit and hold together', () => {
  const group = new Group(EMPTY, hostAt(NOW, '0:ünï"x\u0085@höst'));
  assert.ok(group.isEmpty);
  for (const letters of [0, 1, 20_000, 5, 300_000, 17, 1_040_000])
    group.add(checked({ action: 'a.b', x: 'é'.repeat(letters / 2), y: '\u0085😀' }));
  assert.equal(group.head.seq, 7);
  assert.deepEqual(faultsOfBytes(group.bytes()), []);
});

test('a clock that was set back: the ts tells it, the id still grows', () => {
  const first = new Group(EMPTY, hostAt(NOW));
  first.add(checked({ action: 'a.b' }));
  const second = new Group(first.head, hostAt(NOW - 7_200_000));
  second.add(checked({ action: 'a.b' }));
  second.add(checked({ action: 'a.b' }));
  const bytes = Buffer.concat([first.bytes(), second.bytes()]);
  assert.deepEqual(faultsOfBytes(bytes), []);
  assert.match(second.bytes().toString(), /"ts":"2026-04-25T18:09:24.604Z"/);
});
