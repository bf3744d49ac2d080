/** Which rows hold a seal, and which lines of rows there are at all that matter to somebody. */
import { digestsInLine, holdsSeal } from '../../core/seal';
import { seqOfLine } from '../../core/rowText';
import { statOpen } from '../files';
import { listSegments, segmentBlocks } from '../ledger/segments';
import type { StatePaths } from '../paths';
import { scanLines } from '../read/lines';
import { countInSpillFiles } from '../spill/spillFiles';

const NEWLINE = 0x0a;

/** Lines of all segments, in order, of blocks that are wanted: those without what is looked for are not split. */
export async function eachLine(
  paths: StatePaths,
  isWanted: (block: Buffer) => boolean,
  take: (line: Buffer) => void,
): Promise<void> {
  for (const segment of listSegments(paths))
    for await (const { bytes, overlong } of segmentBlocks(segment)) {
      if (overlong || !isWanted(bytes)) continue;
      for (let start = 0; start < bytes.length;) {
        const newline = bytes.indexOf(NEWLINE, start);
        const end = newline < 0 ? bytes.length : newline;
        take(bytes.subarray(start, end));
        start = end + 1;
      }
    }
}

/** The rows that hold each of some digests, by their seqs. */
export class Holders {
  readonly #seqs: ReadonlyMap<string, Set<number>>;

  constructor(readonly digests: ReadonlySet<string>) {
    this.#seqs = new Map([...digests].map((digest) => [digest, new Set<number>()]));
  }

  /** Looks through the whole ledger, without the lock. */
  async look(paths: StatePaths): Promise<void> {
    await eachLine(paths, holdsSeal, (line) => this.#take(line));
  }

  /** Looks again at rows that came meanwhile. */
  lookAgain(fd: number, from: number, to: number): void {
    scanLines(fd, from, to, ({ block, start, end }) => this.#take(block.subarray(start, end)));
  }

  seqsOf(digest: string): number[] {
    return [...(this.#seqs.get(digest) ?? [])].filter((seq) => seq > 0).sort((a, b) => a - b);
  }

  /** Those that neither a row holds, nor a record that waits to be one. */
  free(paths: StatePaths): Set<string> {
    const waiting = digestsWaiting(paths);
    return new Set([...this.digests].filter((digest) => !waiting.has(digest) && this.#seqs.get(digest)?.size === 0));
  }

  /** A line that is no row any more holds what it holds. */
  #take(line: Buffer): void {
    if (!holdsSeal(line)) return;
    for (const digest of digestsInLine(line.toString('latin1'))) this.#seqs.get(digest)?.add(seqOfLine(line) ?? 0);
  }
}

/** The digests in records of the spill files. */
export function digestsWaiting(paths: StatePaths): Set<string> {
  const waiting = new Set<string>();
  countInSpillFiles(paths, (fd) => {
    scanLines(fd, 0, statOpen(fd).size, ({ block, start, end }) => {
      const line = block.subarray(start, end);
      if (holdsSeal(line)) for (const digest of digestsInLine(line.toString('latin1'))) waiting.add(digest);
    });
    return 0;
  });
  return waiting;
}
