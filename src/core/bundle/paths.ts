/**
 * Many leaves of one RFC 6962 tree held against its root. Paths of neighbours share most of their nodes: from a node that
 * the one before led over, nothing is computed again, and what is left of the path must be the same.
 *
 * Hashes are text here, in base64 as bundles have them: most are compared alone, and a buffer for each would take longer to
 * make than the hash itself.
 */
import { nodeText } from '../tree/merkle';
import { BETWEEN, FIRST_AT, HASH_CHARS } from './inclusion';

/** A node that is in the tree, its children, and what is left of a path above them: its text from `end` on. */
interface Known {
  readonly level: number;
  readonly index: number;
  readonly left: string;
  readonly right: string;
  readonly path: string;
  readonly end: number;
}

export class PathsToRoot {
  /** The way of the last leaf that led there, by level: where leaves come in order, the next way meets it before any other. */
  readonly #last: Known[] = [];

  constructor(
    private readonly size: number,
    private readonly root: string,
  ) {}

  /**
   * Whether the leaf stands in that place.
   * @param index from 0
   * @param leafHash the leaf hash
   * @param path from the leaf's sibling on, as RFC 6962 has it; as the text of a list of hashes, each in its one spelling
   */
  leadsToRoot(index: number, leafHash: string, path: string): boolean {
    const way: Known[] = [];
    if (index >= this.size || !this.#climbs(index, leafHash, path, way)) return false;
    for (const node of way) this.#last[node.level] = node;
    return true;
  }

  /** @param way takes the nodes that are new on it */
  #climbs(leafIndex: number, leafHash: string, path: string, way: Known[]): boolean {
    let [index, last, node, at] = [leafIndex, this.size - 1, leafHash, FIRST_AT];
    for (let level = 0; last > 0; level++) {
      const isRight = index % 2 === 1;
      // At the right edge a node without a sibling stands for its parent, too.
      const isAlone = !isRight && index === last;
      index = Math.floor(index / 2);
      last = Math.floor(last / 2);
      if (isAlone) continue;
      const end = at + HASH_CHARS;
      const sibling = path.slice(at, end);
      if (sibling.length < HASH_CHARS) return false;
      const left = isRight ? sibling : node;
      const right = isRight ? node : sibling;
      const known = this.#last[level];
      if (known?.index === index) return known.left === left && known.right === right && known.path.slice(known.end) === path.slice(end); // prettier-ignore
      way.push({ level, index, left, right, path, end });
      node = nodeText(left, right, 'base64');
      at = end + BETWEEN;
    }
    // A list of none has no quotes.
    return path.length === (at === FIRST_AT ? at : at - 1) && node === this.root;
  }
}
