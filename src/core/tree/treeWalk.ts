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

const NO_TIMES: ReadonlyMap<number, string> = new Map();

export class TreeWalk {
  readonly #tree: GrowingTree;
  readonly #sizes: readonly number[];
  /** Those that are not reached yet, the next one last. */
  readonly #wanted: number[];
  readonly #roots = new Map<number, Buffer>();
  readonly #times = new Map<number, string>();
  readonly #onStored: ((hashes: Buffer) => void) | undefined;
  readonly #leaf = Buffer.alloc(HASH_BYTES);
  #ended = false;

  constructor({ from = new GrowingTree(), sizes = [], onStored }: TreeWalkOptions = {}) {
    this.#tree = from;
    this.#sizes = [...new Set(sizes)].filter((size) => size >= from.size).sort((a, b) => a - b);
    this.#wanted = [...this.#sizes].reverse();
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

  /** The sizes that somebody will ask about, in ascending order. */
  get sizes(): readonly number[] {
    return this.#sizes;
  }

  /** When the last of the first rows was appended; undefined where that size was not asked for, or not reached. */
  timeAt(size: number): string | undefined {
    return this.#times.get(size);
  }

  /** The root over the first rows; undefined where that size was not asked for, or not reached. */
  rootAt(size: number): Buffer | undefined {
    return size === this.#tree.size ? this.root() : this.#roots.get(size);
  }

  /**
   * @param hash of the row, or what a tombstone declares, in hex
   * @param ts when the row was appended; a tombstone does not say
   */
  take(seq: number, hash: string, ts?: string): void {
    leafInto(hash, this.#leaf, 0);
    const isAsked = ts !== undefined && seq === this.#wanted.at(-1);
    this.takeMany(seq, this.#leaf, isAsked ? new Map([[seq, ts]]) : NO_TIMES);
  }

  /**
   * Leaf hashes of rows that follow each other.
   * @param times of rows at sizes that somebody will ask about
   */
  takeMany(firstSeq: number, leaves: Buffer, times: ReadonlyMap<number, string>): void {
    if (this.#ended || firstSeq !== this.#tree.size + 1) {
      this.end();
      return;
    }
    for (const [seq, ts] of times) this.#times.set(seq, ts);
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
