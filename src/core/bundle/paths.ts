/**
 * Many leaves of one RFC 6962 tree held against its root. Paths of neighbours share most of their nodes: from a node that
 * led to the root before, nothing is computed again, and what is left of the path is compared with what is known.
 */
import { HASH_BYTES, nodeHash } from '../tree/merkle';

interface Node {
  readonly level: number;
  readonly index: number;
  readonly hash: Buffer;
}

export class PathsToRoot {
  /** Nodes that are known to be in the tree, and beside the way to its root: by level, and there by index. */
  readonly #known: Map<number, Buffer>[] = [];

  constructor(
    private readonly size: number,
    private readonly root: Buffer,
  ) {}

  /**
   * Whether the leaf stands in that place.
   * @param index from 0
   * @param leaf the leaf hash
   * @param path from the leaf's sibling on, as RFC 6962 has it
   */
  leadsToRoot(index: number, leaf: Buffer, path: readonly Buffer[]): boolean {
    if (index >= this.size) return false;
    const way = this.#wayToRoot(index, leaf, path);
    for (const { level, index: at, hash } of way ?? []) (this.#known[level] ??= new Map()).set(at, hash);
    return way !== undefined;
  }

  /** The nodes that are new on the way; undefined where it does not lead to the root. */
  #wayToRoot(leafIndex: number, leaf: Buffer, path: readonly Buffer[]): Node[] | undefined {
    const way: Node[] = [];
    let [index, last, hash] = [leafIndex, this.size - 1, leaf];
    let [taken, isKnown] = [0, false];
    for (let level = 0; last > 0; level++, index = Math.floor(index / 2), last = Math.floor(last / 2)) {
      const isRight = index % 2 === 1;
      // At the right edge a node without a sibling stands for its parent, too.
      if (!isRight && index === last) continue;
      const sibling = path[taken++];
      if (sibling?.length !== HASH_BYTES) return undefined;
      const siblingIndex = isRight ? index - 1 : index + 1;
      isKnown ||= this.#is(level, index, hash);
      if (isKnown && !this.#is(level, siblingIndex, sibling)) return undefined;
      if (isKnown) continue;
      way.push({ level, index, hash }, { level, index: siblingIndex, hash: sibling });
      hash = isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    }
    return taken === path.length && (isKnown || hash.equals(this.root)) ? way : undefined;
  }

  #is(level: number, index: number, hash: Buffer): boolean {
    return this.#known[level]?.get(index)?.equals(hash) === true;
  }
}
