/** The fingerprint: order does not matter, parts add up, every number matters, and a key is the same from bytes and text. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  accumulate,
  DIGEST_PARTS,
  emptyDigest,
  keyOf,
  keyOfBytes,
  mergeDigests,
  sameSum,
} from '../../src/core/indexDigest';
import type { DigestRow, IndexDigest } from '../../src/core/indexDigest';
import { storedString } from '../../src/core/json';

const key = fc.integer({ min: 0, max: 0xffffffff });
const row: fc.Arbitrary<DigestRow> = fc.record({
  seq: fc.integer({ min: 1, max: 2 ** 40 }),
  offset: fc.integer({ min: 0, max: 2 ** 42 }),
  bytes: fc.integer({ min: 2, max: 2 ** 24 }),
  effectiveMs: fc.integer({ min: -62135596800000, max: 253402300799999 }),
  hashPrefix: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  runKey: key,
  decisionKey: key,
  idempotencyKey: key,
  spillKey: key,
});

function digestOf(rows: readonly DigestRow[]): IndexDigest {
  const digest = emptyDigest();
  for (const each of rows) accumulate(digest, each);
  return digest;
}

const same = (a: IndexDigest, b: IndexDigest) => DIGEST_PARTS.every((part) => sameSum(a[part], b[part]));

test('the order of rows does not matter, and parts add up', () => {
  fc.assert(
    fc.property(fc.array(row), fc.array(row), (left, right) => {
      const whole = digestOf([...left, ...right]);
      assert(same(whole, digestOf([...right, ...left].reverse())));
      assert(same(whole, mergeDigests(digestOf(left), digestOf(right))));
    }),
  );
});

test('one changed number changes the fingerprint', () => {
  fc.assert(
    fc.property(
      row,
      fc.constantFrom('seq', 'offset', 'bytes', 'effectiveMs', 'hashPrefix', 'runKey', 'spillKey'),
      (given, name) => {
        assert(!same(digestOf([given]), digestOf([{ ...given, [name]: given[name] + 1 }])));
      },
    ),
  );
});

test('a key is the same from the stored bytes and from the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (id) => {
      if (!id.isWellFormed()) return;
      const stored = Buffer.from(storedString(id));
      assert.equal(keyOf(id), keyOfBytes(stored, 1, stored.length - 1));
      assert.notEqual(keyOf(id), 0);
    }),
  );
});
