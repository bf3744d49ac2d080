/**
 * Lines that match, with so many lines before and after each, as they stand in the ledger. A line that is no row takes
 * its place among them, and is never handed on.
 */
import type { RowFilter } from '../../core/query/rowFilter';
import type { FieldReader } from '../../core/query/field';
import { blocksForward, eachLine } from './lineBlocks';
import type { LineBlock, Lines } from './lineBlocks';
import { countsFrom, matchesIn } from './matchingLines';
import type { BrokenLines, FoundLine, LinePlace } from './matchingLines';

export interface ContextLine extends FoundLine {
  readonly isMatch: boolean;
  /** Whether lines lie between this one and the one shown before it. */
  readonly isApart: boolean;
}

export interface ContextOptions {
  readonly before: number;
  readonly after: number;
  /** Matches before this place do not count. */
  readonly from: LinePlace | undefined;
  readonly broken: BrokenLines;
}

/** In batches that are never empty. */
export async function* linesWithContext(
  lines: Lines,
  filter: RowFilter,
  options: ContextOptions,
): AsyncGenerator<readonly ContextLine[]> {
  const needle = filter.needle();
  const window = new ContextWindow(options, filter.fields);
  const counts = countsFrom(options.from);
  for await (const block of blocksForward(lines)) {
    const matches = matchesIn(block, filter, needle, options.broken).filter(counts);
    const shown = window.take(block, new Set(matches.map(({ offset }) => offset)));
    if (shown.length > 0) yield shown;
  }
}

class ContextWindow {
  /** The last lines that were not shown. */
  #held: FoundLine[] = [];
  #owed = 0;
  #shownAny = false;
  #skipped = false;

  constructor(
    private readonly options: ContextOptions,
    private readonly fields: FieldReader,
  ) {}

  take(block: LineBlock, matches: ReadonlySet<number>): ContextLine[] {
    const shown: ContextLine[] = [];
    const { bytes, segment } = block;
    if (block.overlong) this.#line(shown, { line: bytes, segment, offset: block.offsetOf(0) }, false);
    eachLine(block, (start, end) => {
      const offset = block.offsetOf(start);
      this.#line(shown, { line: bytes.subarray(start, end), segment, offset }, matches.has(offset));
    });
    // The block's bytes are used again.
    this.#held = this.#held.map((one) =>
      one.line.buffer === bytes.buffer ? { ...one, line: Buffer.from(one.line) } : one,
    );
    return shown;
  }

  #line(shown: ContextLine[], line: FoundLine, isMatch: boolean): void {
    if (!isMatch && this.#owed === 0) {
      this.#held.push(line);
      if (this.#held.length > this.options.before) {
        this.#held.shift();
        this.#skipped = true;
      }
      return;
    }
    for (const one of this.#held.splice(0)) this.#show(shown, one, false);
    this.#show(shown, line, isMatch);
    this.#owed = isMatch ? this.options.after : this.#owed - 1;
  }

  #show(shown: ContextLine[], line: FoundLine, isMatch: boolean): void {
    if (!isMatch && !this.fields.read(line.line, 0, line.line.length)) return;
    shown.push({ ...line, isMatch, isApart: this.#skipped && this.#shownAny });
    this.#shownAny = true;
    this.#skipped = false;
  }
}
