/**
 * Finding a row by its seq without an index: seq grows along the file, so the place is bisected. Broken lines on the
 * way are stepped over. O(log n) reads whatever the size of the ledger.
 */
import { readAt } from './files';
import { scanLines } from './lines';

const PROBE_BYTES = 64 << 10;
const SEQ = /^\{"seq":([0-9]{1,16}),/;

interface Probe {
  readonly offset: number;
  readonly seq: number;
}

/**
 * The offset of a line that begins at or before the first row with a seq greater than `seq`, and close to it.
 * @returns 0 where nothing better is known
 */
export function offsetAfterSeq(fd: number, sizeBytes: number, seq: number): number {
  let low: Probe = { offset: 0, seq: 0 };
  let high = sizeBytes;
  while (high - low.offset > PROBE_BYTES) {
    const middle = low.offset + Math.floor((high - low.offset) / 2);
    const probe = firstRowAfter(fd, middle, high);
    if (probe === undefined || probe.seq > seq) high = middle;
    else if (probe.offset === low.offset) break;
    else low = probe;
  }
  return low.offset;
}

/** The first line that begins after `from` and before `to` and that says its seq. */
function firstRowAfter(fd: number, from: number, to: number): Probe | undefined {
  const newline = nextNewline(fd, from, to);
  if (newline === undefined) return undefined;
  let found: Probe | undefined;
  scanLines(fd, newline + 1, to, ({ block, start, end, offset }) => {
    const match = SEQ.exec(block.toString('latin1', start, Math.min(end, start + 32)));
    if (match !== null) found = { offset, seq: Number(match[1]) };
    return found === undefined;
  });
  return found;
}

function nextNewline(fd: number, from: number, to: number): number | undefined {
  for (let offset = from; offset < to; offset += PROBE_BYTES) {
    const block = readAt(fd, offset, Math.min(PROBE_BYTES, to - offset));
    const at = block.indexOf(0x0a);
    if (at >= 0) return offset + at;
  }
  return undefined;
}
