/**
 * The lines of a ledger that a filter takes, in the order in which they stand or the other way round. Most lines are
 * passed over by a search for bytes (core/query/needle.ts); the others are looked into.
 *
 * A line that is no row is counted, with the first places, and never handed on.
 */
import type { Needle } from '../../core/query/needle';
import type { RowFilter } from '../../core/query/rowFilter';
import { offsetOfLast } from '../read/lastRows';
import { blocksBackward, blocksForward } from './lineBlocks';
import type { LineBlock, Lines } from './lineBlocks';

const NEWLINE = 0x0a;
const KEPT_PLACES = 10;

export interface LinePlace {
  readonly segment: string;
  /** In the segment's uncompressed bytes. */
  readonly offset: number;
}

export interface FoundLine extends LinePlace {
  /** The stored bytes without their newline; valid until the next batch is asked for. */
  readonly line: Buffer;
  /** What they are, where that was wanted and is known. */
  readonly object?: Readonly<Record<string, unknown>> | undefined;
}

export interface BrokenLines {
  count: number;
  /** The first of them. */
  readonly places: LinePlace[];
}

export const newBrokenLines = (): BrokenLines => ({ count: 0, places: [] });

export interface WalkOptions {
  readonly backwards: boolean;
  /** Told of what is no row. */
  readonly broken: BrokenLines;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Lines that match, in batches that are never empty. */
export async function* matchingLines(
  lines: Lines,
  filter: RowFilter,
  { backwards, broken, onBytes }: WalkOptions,
): AsyncGenerator<readonly FoundLine[]> {
  const needle = filter.needle();
  for await (const block of backwards ? blocksBackward(lines) : blocksForward(lines)) {
    const found = matchesIn(block, filter, needle, broken);
    onBytes?.(block.bytes.length);
    if (found.length > 0) yield backwards ? found.toReversed() : found;
  }
}

/** The lines of one block that match. */
export function matchesIn(
  block: LineBlock,
  filter: RowFilter,
  needle: Needle | undefined,
  broken: BrokenLines,
): FoundLine[] {
  const found: FoundLine[] = [];
  const { bytes, segment, judged } = block;
  const onMatch = (start: number, end: number, object?: FoundLine['object']): void =>
    void found.push({ line: bytes.subarray(start, end), segment, offset: block.offsetOf(start), object });
  if (judged === undefined) eachMatch(block, { filter, needle, broken }, onMatch);
  for (const { start, end, verdict, object } of judged ?? []) {
    if (verdict === 'match') onMatch(start, end, object);
    if (verdict === 'no-row') noteBroken(broken, block, start);
  }
  return found;
}

interface Matching {
  readonly filter: RowFilter;
  readonly needle: Needle | undefined;
  readonly broken: BrokenLines;
}

function eachMatch(
  block: LineBlock,
  { filter, needle, broken }: Matching,
  onMatch: (start: number, end: number) => void,
): void {
  const { bytes } = block;
  if (block.overlong) noteBroken(broken, block, 0);
  needle?.begin(bytes);
  for (let start = 0; start < bytes.length;) {
    if (needle !== undefined) {
      const hit = needle.next(start);
      if (hit < 0) break;
      start = Math.max(start, bytes.lastIndexOf(NEWLINE, hit) + 1);
    }
    const end = bytes.indexOf(NEWLINE, start);
    const verdict = filter.judge(bytes, start, end);
    if (verdict === 'match') onMatch(start, end);
    if (verdict === 'no-row') noteBroken(broken, block, start);
    start = end + 1;
  }
}

/** Calls back for each line that matches, while `filter.fields` holds what was read of it: nothing is built for it. */
export async function forEachMatch(
  lines: Lines,
  filter: RowFilter,
  { broken, onBytes }: Omit<WalkOptions, 'backwards'>,
  onMatch: () => void,
): Promise<void> {
  const needle = filter.needle();
  for await (const block of blocksForward(lines)) {
    eachMatch(block, { filter, needle, broken }, onMatch);
    onBytes?.(block.bytes.length);
  }
}

function noteBroken(broken: BrokenLines, { segment, offsetOf }: LineBlock, start: number): void {
  broken.count++;
  if (broken.places.length < KEPT_PLACES) broken.places.push({ segment, offset: offsetOf(start) });
}

/** Where the last `count` lines that match begin; undefined where there are fewer. */
export async function placeOfLast(lines: Lines, filter: RowFilter, count: number): Promise<LinePlace | undefined> {
  let left = count;
  for await (const batch of matchingLines(lines, filter, { backwards: true, broken: newBrokenLines() })) {
    if (batch.length < left) left -= batch.length;
    else return batch[left - 1];
  }
  return undefined;
}

/** Whether a line stands at a place or behind it; to be asked of lines in their order. */
export function countsFrom(from: LinePlace | undefined): (line: LinePlace) => boolean {
  let counts = from === undefined;
  return ({ segment, offset }) => (counts ||= segment === from?.segment && offset >= from.offset);
}

/** The same lines from a place on: exactly, but for what is read already or closed, which is there from the start of its block or segment. */
export function linesFrom(lines: Lines, { segment, offset }: LinePlace): Lines {
  const at = lines.closed.findIndex(({ name }) => name === segment);
  if (at >= 0) return { ...lines, closed: lines.closed.slice(at) };
  const kept = lines.kept.filter(({ bytes, offsetOf }) => offsetOf(bytes.length - 1) > offset);
  const ranges = lines.ranges
    .filter(({ to }) => to > offset)
    .map(({ from, to }) => ({ from: Math.max(from, offset), to }));
  return { ...lines, closed: [], kept, ranges };
}

/** The same lines from a place on, with `count` lines before it, also across segments; perhaps with some more. */
export function withLinesBefore(lines: Lines, from: LinePlace | undefined, count: number): Lines {
  if (from === undefined) return lines;
  const at = lines.closed.findIndex(({ name }) => name === from.segment);
  const offset = at >= 0 ? 0 : offsetOfLast(lines.fd, from.offset, count);
  if (offset > 0 || count === 0) return linesFrom(lines, { ...from, offset });
  // No segment is without a line.
  return { ...lines, closed: lines.closed.slice(Math.max(0, (at >= 0 ? at : lines.closed.length) - count)) };
}
