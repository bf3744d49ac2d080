/** What the rows of a ledger say of its anchors, gathered row by row; what is kept does not grow with the ledger. */
import type { AnchorRecord } from './anchorRow';

export interface ToldAnchor {
  /** The last heads that are said to have been put there, each by the first row that says so. */
  readonly heads: readonly AnchorRecord[];
  /** The last row that says that one could not be, where none came later. */
  readonly failed: AnchorRecord | undefined;
}

const NOTHING_TOLD: ToldAnchor = { heads: [], failed: undefined };
const KEPT_HEADS = 16;
/** Nobody has more anchors; a ledger that says so is somebody's joke. */
const MAX_NAMES = 1_000;

export class ToldAnchors {
  readonly #byName = new Map<string, { readonly heads: AnchorRecord[]; failed: AnchorRecord | undefined }>();

  /** Records in the order of their rows. */
  add(record: AnchorRecord): void {
    // A row can speak of rows before it alone.
    if (record.size < 1 || record.size >= record.seq) return;
    const known = this.#byName.get(record.to) ?? { heads: [], failed: undefined };
    if (!this.#byName.has(record.to) && this.#byName.size >= MAX_NAMES) return;
    this.#byName.set(record.to, known);
    if (record.outcome === 'failed') known.failed = record;
    else {
      known.failed = undefined;
      const last = known.heads.at(-1);
      if (last?.size === record.size && last.root === record.root) return;
      known.heads.push(record);
      if (known.heads.length > KEPT_HEADS) known.heads.shift();
    }
  }

  of(to: string): ToldAnchor {
    return this.#byName.get(to) ?? NOTHING_TOLD;
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }
}
