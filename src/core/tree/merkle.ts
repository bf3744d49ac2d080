/**
 * The hashes of an RFC 6962 tree. The leaf data of row n is the 32 bytes of its `hash`; leaves and nodes begin with a byte
 * of their own, so that no node can be handed in as a row.
 *
 *   leaf = SHA-256(00 || data)        node = SHA-256(01 || left || right)
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;
/** The root of a tree without a leaf. */
export const EMPTY_ROOT = Buffer.from(hash('sha256', '', 'hex'), 'hex');

const LEAF = 0x00;
const NODE = 0x01;
const leaf = Buffer.from([LEAF, ...Buffer.alloc(HASH_BYTES)]);
const node = Buffer.from([NODE, ...Buffer.alloc(2 * HASH_BYTES)]);
// Windows on what is hashed: to write from the beginning of one takes less than to name a place and a length.
const leafData = leaf.subarray(1);
const [leftChild, rightChild] = [node.subarray(1, 1 + HASH_BYTES), node.subarray(1 + HASH_BYTES)];

export function leafHash(data: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', Buffer.concat([Buffer.of(LEAF), data]), 'hex'), 'hex');
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const parent = Buffer.alloc(HASH_BYTES);
  nodeInto(left, right, parent);
  return parent;
}

/** Text, because a buffer for each result takes three times as long to make as the hash itself. */
type HashText = 'base64' | 'binary';

/** The leaf hash of a row, whose `hash` is given in hex. */
export function leafText(rowHash: string, as: HashText): string {
  leafData.write(rowHash, 'hex');
  return hash('sha256', leaf, as);
}

/** The same, to `into` at `at`. */
export function leafInto(rowHash: string, into: Buffer, at: number): void {
  into.write(leafText(rowHash, 'binary'), at, 'binary');
}

/** The hash of a node whose children are given as such text. */
export function nodeText(left: string, right: string, as: HashText): string {
  leftChild.write(left, as);
  rightChild.write(right, as);
  return hash('sha256', node, as);
}

/** Writes the hash of a node to its parent's place, which is as long as a hash. */
export function nodeInto(left: Uint8Array, right: Uint8Array, parent: Buffer): void {
  leftChild.set(left);
  rightChild.set(right);
  parent.write(hash('sha256', node, 'binary'), 'binary');
}
