/**
 * A tree that only grows, as a row of hashes: each leaf, and behind it the nodes that it completes, the lowest first. What
 * is written there never changes; nodes that later leaves complete are not stored yet.
 *
 *   leaves 0 1 2 3   stored: 0 | 1 01 | 2 | 3 23 0123
 */
import { EMPTY_ROOT, HASH_BYTES, nodeHash, nodeInto } from './merkle';

/** Reads the complete node `index` of a level; leaves are level 0. */
export type ReadHash = (level: number, index: number) => Buffer;

/** How many hashes are stored for so many leaves. */
export function storedCount(leaves: number): number {
  let count = 2 * leaves;
  for (let rest = leaves; rest > 0; rest = Math.floor(rest / 2)) count -= rest % 2;
  return count;
}

/** Where that node stands in the row. */
export function placeOf(level: number, index: number): number {
  return storedCount((index + 1) * 2 ** level - 1) + level;
}

/** The root of the tree over the first `size` leaves. */
export function rootAt(size: number, read: ReadHash): Buffer {
  return size === 0 ? EMPTY_ROOT : rangeRoot(0, size, read);
}

/** The path from a leaf to the root of the tree over `size` leaves (RFC 6962, 2.1.1). */
export function inclusionPath(index: number, size: number, read: ReadHash): Buffer[] {
  const path: Buffer[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + largestPowerBelow(end - start);
    if (index < middle) {
      path.push(rangeRoot(middle, end, read));
      end = middle;
    } else {
      path.push(rangeRoot(start, middle, read));
      start = middle;
    }
  }
  return path.reverse();
}

/** The proof that the tree over `size2` leaves begins with the one over `size1` (RFC 6962, 2.1.2). */
export function consistencyPath(size1: number, size2: number, read: ReadHash): Buffer[] {
  if (size1 === 0 || size1 === size2) return [];
  const path: Buffer[] = [];
  let [start, end] = [0, size2];
  while (end !== size1) {
    const middle = start + largestPowerBelow(end - start);
    if (size1 <= middle) {
      path.push(rangeRoot(middle, end, read));
      end = middle;
    } else {
      path.push(rangeRoot(start, middle, read));
      start = middle;
    }
  }
  // Where what is left is the whole older tree, whoever checks has its root.
  if (start > 0) path.push(rangeRoot(start, end, read));
  return path.reverse();
}

/** The root of the leaves from `start` to before `end`, where `start` is a multiple of a power of two that is no less than their number. */
function rangeRoot(start: number, end: number, read: ReadHash): Buffer {
  const count = end - start;
  const half = largestPowerBelow(count);
  if (count === 1) return read(0, start);
  if (2 * half === count) return read(Math.log2(count), start / count);
  return nodeHash(rangeRoot(start, start + half, read), rangeRoot(start + half, end, read));
}

/**
 * Reads of a tree over `size` leaves only what leads to its root: two children are believed as far as they give their parent,
 * and up to 50,000 parents are known from then on. What is read of neighbours costs little more than of one.
 * @param root known to be right
 * @param read may give another hash every time: what was seen to be right is not read again
 * @param fail what it ends with where a hash does not lead there, or lies beyond those leaves
 * @returns undefined where the tree does not lead to that root
 */
export function provenReader(
  { size, root }: { readonly size: number; readonly root: Buffer },
  read: ReadHash,
  fail: (level: number, index: number) => Error,
): ReadHash | undefined {
  const known = new Map<number, Buffer>();
  // The root is made of the complete nodes that have no complete parent: if it is right, so are they.
  const made = rootAt(size, (level, index) => {
    const hash = read(level, index);
    known.set(keyOf(level, index), hash);
    return hash;
  });
  return made.equals(root) ? proven : undefined;

  function proven(level: number, index: number): Buffer {
    const node = known.get(keyOf(level, index));
    if (node !== undefined) return node;
    const complete = Math.floor(size / 2 ** level);
    if (index >= complete) throw fail(level, index);
    const left = index - (index % 2);
    const [one, other] = [read(level, left), read(level, left + 1)];
    if (!nodeHash(one, other).equals(proven(level + 1, left / 2))) throw fail(level, index);
    const children = [believed(level, left, one), believed(level, left + 1, other)] as const;
    return children[index === left ? 0 : 1];
  }

  function believed(level: number, index: number, hash: Buffer): Buffer {
    if (level > 0 && known.size < MAX_KNOWN) known.set(keyOf(level, index), hash);
    return hash;
  }
}

const MAX_KNOWN = 50_000;
const LEVELS = 64;

/** A number for each node. */
export function keyOf(level: number, index: number): number {
  return index * LEVELS + level;
}

/** The largest power of two below a number of 2 or more; 1 for 1. */
function largestPowerBelow(count: number): number {
  let power = 1;
  while (2 * power < count) power *= 2;
  return power;
}

/**
 * Grows such a row in memory, many leaves at a time. It holds the roots of the complete trees at the right edge, and what
 * was added since it was last emptied.
 */
export class GrowingTree {
  /** The roots of the complete trees that the leaves make up, by level. */
  readonly #edge: Buffer[] = [];
  #size = 0;
  /** Of every chunk made anew, this would be garbage faster than it is collected. */
  #room = Buffer.alloc(0);

  constructor(size = 0, read?: ReadHash) {
    let start = 0;
    for (let level = 52; level >= 0; level--) {
      const width = 2 ** level;
      if (Math.floor(size / width) % 2 === 0 || read === undefined) continue;
      this.#edge[level] = Buffer.from(read(level, start / width));
      start += width;
    }
    this.#size = start;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Takes leaf hashes, one behind the other.
   * @returns what is to be stored for them, good until the next ones are taken
   */
  grow(leaves: Buffer): Buffer {
    const added = leaves.length / HASH_BYTES;
    const bytes = (storedCount(this.#size + added) - storedCount(this.#size)) * HASH_BYTES;
    if (this.#room.length < bytes) this.#room = Buffer.allocUnsafe(bytes);
    const stored = this.#room.subarray(0, bytes);
    let at = 0;
    const nextPlace = (): Buffer => stored.subarray(at, (at += HASH_BYTES));
    for (let from = 0; from < leaves.length; from += HASH_BYTES) {
      let hash = nextPlace();
      hash.set(leaves.subarray(from, from + HASH_BYTES));
      let level = 0;
      for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2), level++) {
        const parent = nextPlace();
        nodeInto(this.#edge[level] as Buffer, hash, parent);
        hash = parent;
      }
      this.#edgeAt(level).set(hash);
      this.#size++;
    }
    return stored;
  }

  root(): Buffer {
    let root: Buffer | undefined;
    for (let level = 0, rest = this.#size; rest > 0; level++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 0) continue;
      const edge = this.#edge[level] as Buffer;
      root = root === undefined ? Buffer.from(edge) : nodeHash(edge, root);
    }
    return root ?? EMPTY_ROOT;
  }

  #edgeAt(level: number): Buffer {
    return (this.#edge[level] ??= Buffer.alloc(HASH_BYTES));
  }
}
