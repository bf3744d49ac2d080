/** The tree against the definition of RFC 6962, written a second time here, for every small size; and the proofs it gives. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { EMPTY_ROOT, HASH_BYTES, leafHash, leafInto } from '../../../src/core/tree/merkle';
import { verifyConsistency, verifyInclusion } from '../../../src/core/tree/proof';
import {
  consistencyPath,
  GrowingTree,
  inclusionPath,
  placeOf,
  provenReader,
  rootAt,
  storedCount,
} from '../../../src/core/tree/storedTree';
import type { ReadHash } from '../../../src/core/tree/storedTree';
import { readerOf } from '../../support/storedTree';

const SIZES = 70;

const sha = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const rowHash = (i: number): Buffer => sha(Buffer.from(`row ${i}`));
const leaves = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => sha(Buffer.from([0]), rowHash(i)));

/** MTH, word by word. */
function defined(of: readonly Buffer[]): Buffer {
  if (of.length < 2) return of[0] ?? sha();
  let k = 1;
  while (2 * k < of.length) k *= 2;
  return sha(Buffer.from([1]), defined(of.slice(0, k)), defined(of.slice(k)));
}

function grown(count: number): { readonly tree: GrowingTree; readonly read: ReadHash } {
  const tree = new GrowingTree();
  const stored = tree.grow(Buffer.concat(leaves(count)));
  assert.equal(stored.length, storedCount(count) * HASH_BYTES);
  return { tree, read: readerOf(stored) };
}

test('a leaf and an empty tree are those of the standard, and a row hash given in hex makes the same leaf', () => {
  assert.deepEqual(EMPTY_ROOT, sha());
  const into = Buffer.alloc(40, 9);
  leafInto(rowHash(1).toString('hex'), into, 4);
  assert.deepEqual(into.subarray(4, 36), leafHash(rowHash(1)));
  assert.deepEqual([into[3], into[36]], [9, 9]);
});

test('every size has the root of the definition, grown at once, leaf by leaf, and read from what is stored', () => {
  const all = leaves(SIZES);
  const { read } = grown(SIZES);
  const slow = new GrowingTree();
  for (let size = 0; size <= SIZES; size++) {
    const want = defined(all.slice(0, size));
    assert.deepEqual(rootAt(size, read), want, `stored, ${size}`);
    assert.deepEqual(slow.root(), want, `leaf by leaf, ${size}`);
    assert.deepEqual(grown(size).tree.root(), want, `at once, ${size}`);
    const resumed = new GrowingTree(size, read);
    assert.deepEqual([resumed.size, resumed.root()], [size, want], `taken up again, ${size}`);
    if (size < SIZES) slow.grow(all[size] as Buffer);
  }
});

test('what is stored for a size is the beginning of what is stored for every later one', () => {
  const whole = new GrowingTree().grow(Buffer.concat(leaves(SIZES)));
  for (const size of [1, 2, 3, 31, 32, 33, 69]) {
    const first = new GrowingTree();
    const stored = Buffer.from(first.grow(Buffer.concat(leaves(size))));
    const rest = first.grow(Buffer.concat(leaves(SIZES).slice(size)));
    assert.deepEqual(Buffer.concat([stored, rest]), whole);
  }
  assert.equal(placeOf(0, 0), 0);
  assert.deepEqual([placeOf(1, 0), placeOf(0, 2), placeOf(2, 0)], [2, 3, 6]);
});

test('every leaf of every size is proved, and by no other proof, place, size or root', () => {
  const all = leaves(SIZES);
  const { read } = grown(SIZES);
  for (let size = 1; size <= 40; size++) {
    const root = defined(all.slice(0, size));
    for (let index = 0; index < size; index++) {
      const proof = inclusionPath(index, size, read);
      const good = { index: BigInt(index), size: BigInt(size), leaf: all[index] as Buffer, proof, root };
      assert.ok(verifyInclusion(good), `${index} of ${size}`);
      assert.ok(proof.length <= Math.ceil(Math.log2(size)) || size === 1);
      assert.ok(!verifyInclusion({ ...good, index: BigInt((index + 1) % size) }) || size === 1);
      assert.ok(!verifyInclusion({ ...good, leaf: sha(all[index] as Buffer) }));
      assert.ok(!verifyInclusion({ ...good, root: all[SIZES - 1] as Buffer }));
      assert.ok(!verifyInclusion({ ...good, proof: [...proof, root] }));
      assert.ok(!verifyInclusion({ ...good, proof: proof.slice(1) }) || proof.length === 0);
      assert.ok(!verifyInclusion({ ...good, index: BigInt(size + index) }));
      assert.ok(!verifyInclusion({ ...good, index: -1n }));
      for (let at = 0; at < proof.length; at++) {
        const flipped = proof.map((hash, i) => (i === at ? flip(hash, index + at) : hash));
        assert.ok(!verifyInclusion({ ...good, proof: flipped }));
      }
    }
  }
});

test('every older size is proved to be the beginning of every later one, and nothing else is', () => {
  const all = leaves(SIZES);
  const { read } = grown(SIZES);
  for (let size2 = 1; size2 <= 33; size2++) {
    const root2 = defined(all.slice(0, size2));
    for (let size1 = 1; size1 <= size2; size1++) {
      const root1 = defined(all.slice(0, size1));
      const proof = consistencyPath(size1, size2, read);
      const good = { size1: BigInt(size1), size2: BigInt(size2), root1, root2, proof };
      assert.ok(verifyConsistency(good), `${size1} to ${size2}`);
      assert.ok(!verifyConsistency({ ...good, root1: flip(root1, 3) }));
      assert.ok(!verifyConsistency({ ...good, root2: flip(root2, 5) }));
      assert.ok(!verifyConsistency({ ...good, proof: [...proof, root1] }));
      assert.ok(!verifyConsistency({ ...good, proof: proof.slice(0, -1) }) || proof.length === 0);
      assert.ok(size1 === size2 || !verifyConsistency({ ...good, root1: root2, root2: root1 }));
      for (let at = 0; at < proof.length; at++) {
        const flipped = proof.map((hash, i) => (i === at ? flip(hash, size1) : hash));
        assert.ok(!verifyConsistency({ ...good, proof: flipped }));
      }
    }
  }
});

test('read as proved, a stored tree gives what leads to the root, and ends where a hash does not', () => {
  const { read } = grown(SIZES);
  const fail = (): Error => new RangeError('not proved');
  for (const size of [1, 2, 3, 7, 8, 21, 32, 33]) {
    const nodes: [number, number][] = [];
    for (let level = 0; 2 ** level <= size; level++)
      for (let index = 0; (index + 1) * 2 ** level <= size; index++) nodes.push([level, index]);
    const isEdge = ([level, index]: readonly number[]): boolean =>
      index === Math.floor(size / 2 ** (level ?? 0)) - 1 && index % 2 === 0;
    const head = { size, root: rootAt(size, read) };
    const sound = provenReader(head, read, fail);
    assert.ok(sound !== undefined);
    for (const [level, index] of nodes) {
      assert.deepEqual(sound(level, index), read(level, index), `${level}/${index} of ${size}`);
      assert.throws(() => sound(level, Math.floor(size / 2 ** level)), /not proved/);
    }
    for (const changed of nodes) {
      const isChanged = (level: number, index: number): boolean => level === changed[0] && index === changed[1];
      let hasChanged = true;
      const changing = (level: number, index: number): Buffer =>
        hasChanged && isChanged(level, index) ? flip(read(level, index), size) : read(level, index);
      const lying = provenReader(head, changing, fail);
      // The root is made of these.
      assert.equal(lying === undefined, isEdge(changed));
      if (lying === undefined) {
        hasChanged = false;
        const changedSince = provenReader(head, changing, fail);
        hasChanged = true;
        assert.deepEqual(changedSince?.(changed[0], changed[1]), read(changed[0], changed[1]));
        continue;
      }
      for (const [level, index] of nodes) {
        const isUnder = level < changed[0] && Math.floor(index / 2 ** (changed[0] - level)) === changed[1];
        const isPair = level === changed[0] && (index ^ 1) === changed[1];
        const isUnderPair = level < changed[0] && (Math.floor(index / 2 ** (changed[0] - level)) ^ 1) === changed[1];
        if (isChanged(level, index) || isUnder || isPair || isUnderPair)
          assert.throws(() => lying(level, index), /not proved/, `${changed.join('/')}: ${level}/${index} of ${size}`);
        else assert.deepEqual(lying(level, index), read(level, index));
      }
    }
  }
});

test('from a tree without a leaf nothing follows', () => {
  const root = defined(leaves(5));
  assert.ok(!verifyConsistency({ size1: 0n, size2: 5n, root1: EMPTY_ROOT, root2: root, proof: [] }));
  assert.ok(!verifyConsistency({ size1: 0n, size2: 0n, root1: EMPTY_ROOT, root2: EMPTY_ROOT, proof: [] }));
  assert.ok(!verifyInclusion({ index: 0n, size: 0n, leaf: root, proof: [], root }));
});

function flip(hash: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(hash);
  const byte = Math.floor(bit / 8) % HASH_BYTES;
  flipped[byte] = (flipped[byte] as number) ^ (1 << (bit % 8));
  return flipped;
}
