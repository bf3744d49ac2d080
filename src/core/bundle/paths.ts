/**
 * Many leaves of one RFC 6962 tree held against its root. Paths of neighbours share most of their nodes: from a node that
 * led to the root before, nothing is computed again, and what is left of the path is compared with what is known.
 *
 * Hashes are text here, in base64 as bundles have them: most are compared alone, and a buffer for each would take longer to
 * make than the hash itself.
 */
import { hash } from 'node:crypto';
import { HASH_BYTES } from '../tree/merkle';

const leaf = Buffer.alloc(1 + HASH_BYTES, 0);
const parent = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** The leaf hash of a row, whose `hash` is given in hex. */
export function leafText(rowHash: string): string {
  leaf.write(rowHash, 1, HASH_BYTES, 'hex');
  return hash('sha256', leaf, 'base64');
}

/** Where the two children of a node stand in what is hashed. */
const [LEFT, RIGHT] = [1, 1 + HASH_BYTES];

/** @returns undefined where the sibling is not 32 bytes in their one spelling */
function parentText(node: string, sibling: string, isRight: boolean): string | undefined {
  const siblingAt = isRight ? LEFT : RIGHT;
  parent.write(sibling, siblingAt, HASH_BYTES, 'base64');
  // Written back by the engine: a regular expression takes five times as long.
  if (parent.toString('base64', siblingAt, siblingAt + HASH_BYTES) !== sibling) return undefined;
  parent.write(node, isRight ? RIGHT : LEFT, HASH_BYTES, 'base64');
  return hash('sha256', parent, 'base64');
}

export class PathsToRoot {
  /** Nodes that are known to be in the tree, and beside the way to its root: by level, and there by index. */
  readonly #known: Map<number, string>[] = [];
  /** The nodes that are new on the way under way; one list for each part of them, as thousands of objects take their time. */
  readonly #way = { levels: [] as number[], indexes: [] as number[], hashes: [] as string[] };

  constructor(
    private readonly size: number,
    private readonly root: string,
  ) {}

  /**
   * Whether the leaf stands in that place.
   * @param index from 0
   * @param leafHash the leaf hash
   * @param path from the leaf's sibling on, as RFC 6962 has it
   */
  leadsToRoot(index: number, leafHash: string, path: readonly string[]): boolean {
    const { levels, indexes, hashes } = this.#way;
    levels.length = indexes.length = hashes.length = 0;
    if (index >= this.size || !this.#climbs(index, leafHash, path)) return false;
    for (let i = 0; i < levels.length; i++) {
      const known = (this.#known[levels[i] as number] ??= new Map());
      known.set(indexes[i] as number, hashes[i] as string);
    }
    return true;
  }

  #climbs(leafIndex: number, leafHash: string, path: readonly string[]): boolean {
    let [index, last, node] = [leafIndex, this.size - 1, leafHash];
    let [taken, isKnown] = [0, false];
    for (let level = 0; last > 0; level++, index = Math.floor(index / 2), last = Math.floor(last / 2)) {
      const isRight = index % 2 === 1;
      // At the right edge a node without a sibling stands for its parent, too.
      if (!isRight && index === last) continue;
      const sibling = path[taken++] ?? '';
      const siblingIndex = isRight ? index - 1 : index + 1;
      isKnown ||= this.#is(level, index, node);
      if (isKnown && !this.#is(level, siblingIndex, sibling)) return false;
      if (isKnown) continue;
      const parentNode = parentText(node, sibling, isRight);
      if (parentNode === undefined) return false;
      this.#note(level, index, node);
      this.#note(level, siblingIndex, sibling);
      node = parentNode;
    }
    return taken === path.length && (isKnown || node === this.root);
  }

  #is(level: number, index: number, node: string): boolean {
    return this.#known[level]?.get(index) === node;
  }

  #note(level: number, index: number, node: string): void {
    this.#way.levels.push(level);
    this.#way.indexes.push(index);
    this.#way.hashes.push(node);
  }
}
