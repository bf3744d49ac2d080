/**
 * Lines that stand far from each other in the live file, in one block: the rows of a run among those of twenty others.
 * Each is read at its place; what lies between is left where it is.
 */
import { readInto } from '../files';
import { LIVE_NAME } from '../index/indexSchema';
import type { ByteRange } from '../index/indexWindow';
import type { LineBlock } from './lineBlocks';

const NEWLINE = 0x0a;
/** About so many bytes are read at once: the last few of many lines need not wait for the others. */
const BLOCK_BYTES = 64 << 10;

/** The ranges in groups that become a block each; one that is larger than a block stands alone. */
export function groupsOf(ranges: readonly ByteRange[]): ByteRange[][] {
  const groups: ByteRange[][] = [];
  let room = 0;
  for (const range of ranges) {
    const bytes = range.to - range.from;
    if (bytes <= room) groups.at(-1)?.push(range);
    else groups.push([range]);
    room = (bytes <= room ? room : BLOCK_BYTES) - bytes;
  }
  return groups;
}

/** The lines of some ranges, in order; undefined where the file does not hold them so: it was cut or changed. */
export function pickLines(fd: number, ranges: readonly ByteRange[]): LineBlock | undefined {
  const bytes = Buffer.allocUnsafe(bytesIn(ranges));
  const starts: number[] = [];
  let end = 0;
  for (const { from, to } of ranges) {
    const start = end;
    starts.push(start);
    end += to - from;
    if (readInto(fd, bytes.subarray(start, end), from) < to - from || bytes[end - 1] !== NEWLINE) return undefined;
  }
  return { segment: LIVE_NAME, offsetOf: offsetsIn(starts, ranges), bytes, overlong: false };
}

export function bytesIn(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** @param starts where in the block each range begins */
function offsetsIn(starts: readonly number[], ranges: readonly ByteRange[]): (at: number) => number {
  return (at) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    return (ranges[low] as ByteRange).from + at - (starts[low] as number);
  };
}
