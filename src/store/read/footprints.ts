/**
 * Which rows a reader has had, as seq and hash of the newest: enough to find its place again in a file that was replaced
 * or cut, and to see which of its rows are gone.
 */
import { declaredLinks } from '../../core/chain';
import { readLine } from '../../core/rowText';
import { scanLines } from './lines';
import { offsetAfterSeq } from './seek';

/** A loss of more rows than this is told by its number of rows all the same; only where it began is then not known. */
const MAX_KEPT = 1_024;

interface Footprint {
  readonly seq: number;
  readonly hash: string;
}

export interface FoundPlace {
  /** The start of the first line that the reader has not had. */
  readonly offset: number;
  readonly lost: { readonly fromSeq: number; readonly toSeq: number } | undefined;
}

export class Footprints {
  #kept: Footprint[] = [];
  #lastSeq = 0;

  get last(): Footprint | undefined {
    return this.#kept.at(-1);
  }

  /** Rows up to this one count as had. */
  startAfter(seq: number): void {
    this.#lastSeq = seq;
    this.#kept = [];
  }

  offsetToReadFrom(fd: number, sizeBytes: number): number {
    return offsetAfterSeq(fd, sizeBytes, this.#lastSeq);
  }

  /** Notes a row; false where the reader has had it, or a later one, before. */
  leave(seq: number, hash: string): boolean {
    if (seq <= this.#lastSeq) return false;
    this.#lastSeq = seq;
    this.#kept.push({ seq, hash });
    if (this.#kept.length > 2 * MAX_KEPT) this.#kept = this.#kept.slice(-MAX_KEPT);
    return true;
  }

  /** Finds the place in a file as it is now. */
  find(fd: number, sizeBytes: number): FoundPlace {
    const [oldest] = this.#kept;
    if (oldest === undefined) return { offset: this.offsetToReadFrom(fd, sizeBytes), lost: undefined };
    const known = new Map(this.#kept.map(({ seq, hash }) => [seq, hash]));
    let agreed = { seq: 0, end: 0 };
    let first: number | undefined;
    scanLines(fd, offsetAfterSeq(fd, sizeBytes, oldest.seq - 1), sizeBytes, (range) => {
      const line = range.block.subarray(range.start, range.end);
      const reading = readLine(line);
      if (!range.terminated || (reading.kind !== 'row' && reading.kind !== 'tombstone')) return true;
      const seq = reading.kind === 'row' ? reading.row.seq : reading.lastSeq;
      const hash = declaredLinks(line)?.hash;
      first ??= seq;
      // A row that the reader had under another hash: from here on the file is another one.
      if (known.has(seq) && known.get(seq) !== hash) return false;
      const isBehind = seq < oldest.seq;
      if (known.has(seq) || isBehind) agreed = { seq, end: range.offset + range.bytes + 1 };
      return seq < this.#lastSeq;
    });
    return this.#goOnFrom(agreed, first);
  }

  #goOnFrom(agreed: { readonly seq: number; readonly end: number }, first: number | undefined): FoundPlace {
    const lastSeq = this.#lastSeq;
    // A new segment begins where the old one ended.
    if (first !== undefined && first > lastSeq) return { offset: 0, lost: undefined };
    if (agreed.seq === lastSeq) return { offset: agreed.end, lost: undefined };
    this.#kept = this.#kept.filter(({ seq }) => seq <= agreed.seq);
    this.#lastSeq = agreed.seq;
    return { offset: agreed.end, lost: { fromSeq: agreed.seq + 1, toSeq: lastSeq } };
  }
}
