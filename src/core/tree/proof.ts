/**
 * Checks of proofs about an RFC 6962 tree, after RFC 9162 (2.1.3.2 and 2.1.4.2): what comes from outside is either proved
 * or not, and nothing in it is an error. From a tree without a leaf nothing follows: a proof from size 0 proves nothing.
 */
import { HASH_BYTES, nodeHash } from './merkle';

export interface InclusionProof {
  /** Place of the leaf, from 0. */
  readonly index: bigint;
  readonly size: bigint;
  /** The leaf hash. */
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Whether the leaf stands in that place of the tree with this root. */
export function verifyInclusion({ index, size, leaf, proof, root }: InclusionProof): boolean {
  if (index < 0n || index >= size || !areHashes([leaf, root, ...proof])) return false;
  let [node, last, hash] = [index, size - 1n, leaf];
  for (const sibling of proof) {
    if (last === 0n) return false;
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(node) && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else hash = nodeHash(hash, sibling);
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && isSame(hash, root);
}

export interface ConsistencyProof {
  readonly size1: bigint;
  readonly size2: bigint;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Whether the tree of size2 begins with the tree of size1. */
export function verifyConsistency({ size1, size2, root1, root2, proof }: ConsistencyProof): boolean {
  if (size1 <= 0n || size2 < size1) return false;
  if (size1 === size2) return proof.length === 0 && isSame(root1, root2);
  if (!areHashes([root1, root2, ...proof])) return false;
  const path = isPowerOfTwo(size1) ? [root1, ...proof] : [...proof];
  const first = path.shift();
  if (proof.length === 0 || first === undefined) return false;
  let [node, last] = [size1 - 1n, size2 - 1n];
  while (isOdd(node)) [node, last] = [node >> 1n, last >> 1n];
  let [older, newer] = [first, first];
  for (const sibling of path) {
    if (last === 0n) return false;
    if (isOdd(node) || node === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (!isOdd(node) && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else newer = nodeHash(newer, sibling);
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && isSame(older, root1) && isSame(newer, root2);
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

function isPowerOfTwo(value: bigint): boolean {
  return (value & (value - 1n)) === 0n;
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every(({ length }) => length === HASH_BYTES);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
