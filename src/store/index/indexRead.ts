/**
 * What the index says, held against the file. A place counts only after the line that it names was read, is whole, and
 * is the row that was meant; anything else is an index that is wrong, never an answer.
 */
import { join } from 'node:path';
import { keyOf } from '../../core/indexDigest';
import type { Row } from '../../core/members';
import { readLine } from '../../core/rowText';
import { readAt, readWhole } from '../files';
import type { LedgerIndex, RowPlace, StreamKind, Watermark } from './indexFile';
import { indexFailed } from './indexErrors';
import { hashPrefixOf, projectLine } from './indexRows';
import { LIVE_NAME, LIVE_SEGMENT } from './indexSchema';
import type { StatePaths } from '../paths';
import type { OlderRows } from '../append/places';
import { MAX_SCANNED_LINE_BYTES } from '../read/lines';
import { readTail } from '../read/tail';

/** A line and what it is: a whole row with its right hash, or a tombstone. */
export interface ReadLine {
  readonly line: Buffer;
  readonly seq: number;
  readonly hash: string;
  /** Undefined for a tombstone. */
  readonly row: Row | undefined;
}

/**
 * The line at a place of the live file, checked by its own hash.
 * @returns undefined where no whole row, and no tombstone, of exactly `bytes` bytes stands at `offset`
 */
export function readRowAt(fd: number, offset: number, bytes: number): ReadLine | undefined {
  if (bytes > MAX_SCANNED_LINE_BYTES) return undefined;
  const line = readAt(fd, offset, bytes);
  return line.length === bytes ? lineAs(line) : undefined;
}

function lineAs(line: Buffer): ReadLine | undefined {
  const reading = readLine(line);
  if (reading.kind === 'row') return { line, seq: reading.row.seq, hash: reading.row.hash, row: reading.row };
  return reading.kind === 'tombstone' ? { line, seq: reading.seq, hash: reading.hash, row: undefined } : undefined;
}

/** The line of a place, in the live file or a closed segment; undefined where another line stands there. */
export function readPlace(paths: StatePaths, fd: number, place: RowPlace): ReadLine | undefined {
  const found = place.segment === LIVE_NAME ? readRowAt(fd, place.offset, place.bytes) : readClosed(paths, place);
  const agrees = found?.seq === place.rowSeq && hashPrefixOf(found.hash) === place.hashPrefix;
  return agrees ? found : undefined;
}

/** A closed segment is unpacked whole: rare, and it is gone from memory after it. An append must not load zlib for it. */
function readClosed(paths: StatePaths, place: RowPlace): ReadLine | undefined {
  const stored = readWhole(join(paths.dir, place.segment));
  if (stored === undefined) return undefined;
  const bytes = place.segment.endsWith('.gz') ? process.getBuiltinModule('node:zlib').gunzipSync(stored) : stored;
  return lineAs(Buffer.from(bytes.subarray(place.offset, place.offset + place.bytes)));
}

const STREAM_MEMBERS: Readonly<Record<StreamKind, 'run_id' | 'decision_id'>> = {
  run: 'run_id',
  decision: 'decision_id',
};

/**
 * The last row of a stream up to the index's watermark, or before a row, read from the file.
 * @throws LedgerError INDEX_FAILED where the index names a line that is not that row
 */
export function lastRowOfStream(
  paths: StatePaths,
  fd: number,
  index: LedgerIndex,
  stream: { readonly kind: StreamKind; readonly id: string; readonly beforeSeq?: number },
): Row | undefined {
  const { kind, id } = stream;
  let before = stream.beforeSeq;
  for (let others = 0; others <= MAX_OTHERS; others++) {
    const place = index.stream(kind, id, before);
    if (place === undefined) return undefined;
    const row = readPlace(paths, fd, place)?.row;
    const found = row?.[STREAM_MEMBERS[kind]];
    if (found === id) return row;
    // Another stream may have the same key. A row whose id has another one is not where the index says.
    if (typeof found !== 'string' || keyOf(found) !== keyOf(id)) {
      throw indexFailed(
        index.path,
        `row ${place.rowSeq} at offset ${place.offset} is not of ${kind} ${JSON.stringify(id)}`,
      );
    }
    before = place.rowSeq;
  }
  throw indexFailed(
    index.path,
    `more than ${MAX_OTHERS} rows of other streams under the key of ${kind} ${JSON.stringify(id)}`,
  );
}

/** Two ids share a key by chance or by intent: so many lines of the other are read before the file is searched instead. */
const MAX_OTHERS = 1_000;

/** The first row with this idempotency key up to the watermark, read from the file. Throws as `lastRowOfStream` does. */
export function rowOfKey(paths: StatePaths, fd: number, index: LedgerIndex, key: string): Row | undefined {
  for (const place of index.idempotencyKey(key)) {
    const row = readPlace(paths, fd, place)?.row;
    if (row === undefined) throw indexFailed(index.path, `row ${place.rowSeq} is not at offset ${place.offset}`);
    if (row.idempotency_key === key) return row;
  }
  return undefined;
}

/** The index as the answer for rows before the tail (places.ts). It must be caught up to `beforeOffset`. */
export function indexAsOlderRows(paths: StatePaths, fd: number, index: LedgerIndex): OlderRows {
  return {
    find(kind, value) {
      if (kind === 'idempotency_key') return rowOfKey(paths, fd, index, value);
      return lastRowOfStream(paths, fd, index, { kind: kind === 'run_id' ? 'run' : 'decision', id: value });
    },
  };
}

/** How an index stands to the file. */
export type Standing =
  | { readonly kind: 'agrees'; readonly watermark: Watermark }
  /** The file ends, with row `lastSeq`, before the index does: rows were lost. Which ones, indexLoss.ts tells. */
  | { readonly kind: 'ahead'; readonly lastSeq: number; readonly toSeq: number; readonly head: string }
  /** It is of another ledger, or the file was changed since: it answers nothing, and may be the only evidence of that. */
  | { readonly kind: 'disagrees'; readonly why: string; readonly otherLedger: boolean };

const FIRST_LINE_BYTES = 8 << 10;

/** Holds the watermark against the live file: a few reads, whatever the size. */
export function standingOf(index: LedgerIndex, fd: number): Standing {
  const watermark = index.watermark();
  const other = otherLedger(fd, watermark);
  if (other !== undefined) return { kind: 'disagrees', why: other, otherLedger: true };
  if (watermark.seq === 0 || watermark.segment !== LIVE_NAME) return { kind: 'agrees', watermark };
  if (agreesAt(index, fd, watermark.rowSeq, watermark.hash)) return { kind: 'agrees', watermark };
  const tail = readTail(fd);
  const lastSeq = 'head' in tail ? (tail.head?.seq ?? 0) : tail.kind === 'empty' ? 0 : undefined;
  if (lastSeq === undefined || lastSeq >= watermark.seq) {
    const why = `row ${watermark.seq} is not what it was (the file has ${tail.sizeBytes} bytes)`;
    return { kind: 'disagrees', why, otherLedger: false };
  }
  return { kind: 'ahead', lastSeq, toSeq: watermark.seq, head: watermark.hash };
}

/** Compares what the first line says. A broken first line says nothing: only `sweep` repairs it. */
function otherLedger(fd: number, watermark: Watermark): string | undefined {
  const start = readAt(fd, 0, FIRST_LINE_BYTES);
  const newline = start.indexOf(0x0a);
  if (newline < 0 || watermark.seq === 0) return undefined;
  const line = { block: start, start: 0, end: newline, offset: 0, bytes: newline };
  const first = projectLine(line, LIVE_SEGMENT);
  if (first === undefined) return undefined;
  if (watermark.ledgerId !== undefined && first.ledgerId !== undefined && watermark.ledgerId !== first.ledgerId)
    return `it is of ledger ${watermark.ledgerId}, and this is ${first.ledgerId}`;
  if (watermark.liveFirstSeq !== undefined && watermark.liveFirstSeq !== first.seq)
    return `the live file begins with row ${first.seq}, and began with ${watermark.liveFirstSeq}`;
  return undefined;
}

function agreesAt(index: LedgerIndex, fd: number, seq: number, hash?: string): boolean {
  const place = index.row(seq);
  if (place === undefined || place.segment !== LIVE_NAME) return false;
  const found = readRowAt(fd, place.offset, place.bytes);
  if (found === undefined || found.seq !== place.rowSeq) return false;
  return hash === undefined ? hashPrefixOf(found.hash) === place.hashPrefix : found.hash === hash;
}

/** The last row that the index and the file have alike. Bisects: rows are lost from the end. */
export function lastCommonSeq(index: LedgerIndex, fd: number, watermark: Watermark): number {
  let low = (watermark.liveFirstSeq ?? 1) - 1;
  let high = watermark.seq;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (agreesAt(index, fd, middle)) low = middle;
    else high = middle;
  }
  return low;
}
