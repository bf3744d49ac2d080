/** What a shape took of the rows that were asked for, and what it did not: nothing is left out unsaid. */
import { declaredLinks, hashOfLine } from '../chain';
import { textIn } from './rawMembers';
import type { RawMembers } from './rawMembers';
import type { Shape } from './shape';

export interface ShapeCounts {
  /** Rows by what they say they are; `sample` and `fallback` are no proof. */
  readonly provenance: Readonly<Record<string, number>>;
  /** Rows that were asked for and have no place in this shape, by action. */
  readonly not_in_this_shape: { readonly rows: number; readonly actions: Readonly<Record<string, number>> };
  /**
   * Lines that link to a row which has no line here, and how many rows of their runs or decisions lie between; null where
   * lines have no links.
   */
  readonly links_elsewhere: { readonly lines: number; readonly rows: number } | null;
  /** Rows whose hash is not that of their bytes. Their lines tell what stands there now. */
  readonly altered_rows: number;
}

export class ShapeTally {
  readonly #provenance = new Map<string, number>();
  readonly #actions = new Map<string, number>();
  /** How far the lines of each stream have come. */
  readonly #lastSeq = new Map<string, number>();
  #left = 0;
  #altered = 0;
  readonly #links = { lines: 0, rows: 0 };

  constructor(private readonly stream: Shape['stream']) {}

  took(line: Buffer, row: RawMembers): void {
    count(this.#provenance, row.get('provenance') ?? '"live"');
    this.#look(line);
    if (this.stream === undefined) return;
    const id = row.get(`${this.stream}_id`) ?? '';
    const seq = Number(row.get(`${this.stream}_seq`) ?? 0);
    const between = seq - 1 - (this.#lastSeq.get(id) ?? 0);
    if (between !== 0) this.#links.lines++;
    if (between > 0) this.#links.rows += between;
    this.#lastSeq.set(id, seq);
  }

  left(line: Buffer, row: RawMembers): void {
    this.#look(line);
    this.#left++;
    count(this.#actions, row.get('action') ?? '""');
  }

  #look(line: Buffer): void {
    const links = declaredLinks(line);
    if (links === undefined || links.hash !== hashOfLine(line)) this.#altered++;
  }

  get counts(): ShapeCounts {
    return {
      provenance: byName(this.#provenance),
      not_in_this_shape: { rows: this.#left, actions: byName(this.#actions) },
      links_elsewhere: this.stream === undefined ? null : this.#links,
      altered_rows: this.#altered,
    };
  }
}

function count(counts: Map<string, number>, raw: string): void {
  counts.set(raw, (counts.get(raw) ?? 0) + 1);
}

/** The most frequent first. */
function byName(counts: ReadonlyMap<string, number>): Record<string, number> {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return Object.fromEntries(sorted.map(([raw, times]) => [textIn(raw) ?? raw, times]));
}
