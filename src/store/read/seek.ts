/**
 * Finding a row by its seq or its id without an index: both grow along the file, so the place is bisected. Broken lines
 * on the way are stepped over. O(log n) reads whatever the size of the ledger.
 */
import { fstatSync } from 'node:fs';
import { readLine } from '../../core/rowText';
import { readAt } from '../files';
import { scanLines } from './lines';

const PROBE_BYTES = 64 << 10;
const SEQ = /^\{"seq":([0-9]{1,16}),/;
const ID = /^\{"seq":[0-9]{1,16},"ts":"[^"]{24}","id":"([0-9A-Z]{26})"/;
const START_BYTES = 128;

/** What a line says of its place, from its first bytes: whether it lies after what is sought; undefined where it says nothing. */
type IsAfter = (start: string) => boolean | undefined;

interface Probe {
  readonly offset: number;
  readonly isAfter: boolean;
}

/**
 * The offset of a line that begins at or before the first row with a seq greater than `seq`, and close to it.
 * @returns 0 where nothing better is known
 */
export function offsetAfterSeq(fd: number, sizeBytes: number, seq: number): number {
  return bisect(fd, sizeBytes, (start) => {
    const match = SEQ.exec(start);
    return match === null ? undefined : Number(match[1]) > seq;
  });
}

/** The offset of a line that begins at or before the row with this id, and close to it; ids grow as seqs do. */
export function offsetBeforeId(fd: number, sizeBytes: number, id: string): number {
  return bisect(fd, sizeBytes, (start) => {
    const found = ID.exec(start)?.[1];
    return found === undefined ? undefined : found >= id;
  });
}

/** The hash of the row with this seq, or undefined where the file has none that is whole. */
export function hashOfRow(fd: number, seq: number): string | undefined {
  const { size } = fstatSync(fd);
  let hash: string | undefined;
  scanLines(fd, offsetAfterSeq(fd, size, seq - 1), size, ({ block, start, end }) => {
    const reading = readLine(block.subarray(start, end));
    if (reading.kind !== 'row' || reading.row.seq < seq) return true;
    if (reading.row.seq === seq) hash = reading.row.hash;
    return false;
  });
  return hash;
}

function bisect(fd: number, sizeBytes: number, isAfter: IsAfter): number {
  let low = 0;
  let high = sizeBytes;
  while (high - low > PROBE_BYTES) {
    const middle = low + Math.floor((high - low) / 2);
    const probe = firstRowAfter(fd, middle, high, isAfter);
    if (probe === undefined || probe.isAfter) high = middle;
    else if (probe.offset === low) break;
    else low = probe.offset;
  }
  return low;
}

/** The first line that begins after `from` and before `to` and that says where it lies. */
function firstRowAfter(fd: number, from: number, to: number, isAfter: IsAfter): Probe | undefined {
  const newline = nextNewline(fd, from, to);
  if (newline === undefined) return undefined;
  let found: Probe | undefined;
  scanLines(fd, newline + 1, to, ({ block, start, end, offset }) => {
    const after = isAfter(block.toString('latin1', start, Math.min(end, start + START_BYTES)));
    if (after !== undefined) found = { offset, isAfter: after };
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
