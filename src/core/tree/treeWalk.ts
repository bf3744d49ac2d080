/**
 * The tree of the rows that a walk along a ledger passes: it has one leaf a row, so it ends where a row is missing, or where
 * it cannot be told which rows are (`endedAt`). Roots are kept for the sizes that somebody will ask about.
 */
import { HASH_BYTES, leafInto } from './merkle';
import { GrowingTree } from './storedTree';

export interface TreeWalkOptions {
  /** The tree so far; the walk begins behind it. */
  readonly from?: GrowingTree;
  /** Sizes whose roots will be asked for. */
  readonly sizes?: readonly number[];
  /** Takes what is to be stored, in order; each buffer is good until it returns. */
  readonly onStored?: (hashes: Buffer) => void;
}

export class TreeWalk {
  readonly #tree: GrowingTree;
  readonly #wanted: number[];
  readonly #roots = new Map<number, Buffer>();
  readonly #onStored: ((hashes: Buffer) => void) | undefined;
  readonly #leaf = Buffer.alloc(HASH_BYTES);
  #ended = false;

  constructor({ from = new GrowingTree(), sizes = [], onStored }: TreeWalkOptions = {}) {
    this.#tree = from;
    this.#wanted = [...new Set(sizes)].filter((size) => size >= from.size).sort((a, b) => b - a);
    this.#onStored = onStored;
    this.#keepRoot();
  }

  get size(): number {
    return this.#tree.size;
  }

  /** How many rows the tree could be made over; undefined while it goes on. */
  get endedAt(): number | undefined {
    return this.#ended ? this.#tree.size : undefined;
  }

  root(): Buffer {
    return this.#tree.root();
  }

  /** The root over the first rows; undefined where that size was not asked for, or not reached. */
  rootAt(size: number): Buffer | undefined {
    return size === this.#tree.size ? this.root() : this.#roots.get(size);
  }

  /** @param hash of the row, or what a tombstone declares, in hex */
  take(seq: number, hash: string): void {
    leafInto(hash, this.#leaf, 0);
    this.takeMany(seq, this.#leaf);
  }

  /** Leaf hashes of rows that follow each other. */
  takeMany(firstSeq: number, leaves: Buffer): void {
    if (this.#ended || firstSeq !== this.#tree.size + 1) {
      this.end();
      return;
    }
    for (let from = 0; from < leaves.length;) {
      const upTo = this.#wanted.at(-1) ?? Infinity;
      const to = Math.min(leaves.length, from + (upTo - this.#tree.size) * HASH_BYTES);
      const stored = this.#tree.grow(leaves.subarray(from, to));
      this.#onStored?.(stored);
      this.#keepRoot();
      from = to;
    }
  }

  /** From here on it cannot be told which rows there were. */
  end(): void {
    this.#ended = true;
  }

  #keepRoot(): void {
    if (this.#wanted.at(-1) !== this.#tree.size) return;
    this.#roots.set(this.#tree.size, this.#tree.root());
    this.#wanted.pop();
  }
}
