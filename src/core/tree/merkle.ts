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

export function leafHash(data: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', Buffer.concat([Buffer.of(LEAF), data]), 'hex'), 'hex');
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const parent = Buffer.alloc(HASH_BYTES);
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  hashInto(node, parent, 0);
  return parent;
}

/** Writes the leaf hash of a row, whose `hash` is given in hex, to `into` at `at`. */
export function leafInto(rowHash: string, into: Buffer, at: number): void {
  leaf.write(rowHash, 1, HASH_BYTES, 'hex');
  hashInto(leaf, into, at);
}

/** Of two hashes that stand in buffers, to a third. */
export function nodeInto(left: Buffer, leftAt: number, right: Buffer, rightAt: number, into: Buffer, at: number): void {
  left.copy(node, 1, leftAt, leftAt + HASH_BYTES);
  right.copy(node, 1 + HASH_BYTES, rightAt, rightAt + HASH_BYTES);
  hashInto(node, into, at);
}

/** Text, because a buffer for each result takes three times as long to make as the hash itself. */
function hashInto(data: Buffer, into: Buffer, at: number): void {
  into.write(hash('sha256', data, 'binary'), at, HASH_BYTES, 'binary');
}
