/**
 * The files that make up a ledger, in order: closed segments, then the live one.
 *
 *   segments/audit.1-50000.jsonl.gz   segments/audit.50001-91234.jsonl.gz   audit.jsonl
 */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { LedgerError } from '../../core/errors';
import { closeQuietly, openFile, readAt, statOf, namesIn } from '../files';
import { MAX_SCANNED_LINE_BYTES } from '../read/lines';
import { emptyLedger, noLedger } from './missing';
import type { StatePaths } from '../paths';

const CLOSED = /^audit\.([1-9][0-9]{0,14})-([1-9][0-9]{0,14})\.jsonl(\.gz)?$/;
const BLOCK_BYTES = 4 << 20;
const PIECE_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export interface Segment {
  /** As findings name it: relative to the state folder. */
  readonly name: string;
  readonly path: string;
  readonly kind: 'live' | 'plain' | 'gzip';
}

/** The segments that exist. The live one is last; a ledger without a live file has lost it or is empty. */
export function listSegments(paths: StatePaths): Segment[] {
  const closed = namesIn(paths.segments)
    .flatMap((name) => {
      const match = CLOSED.exec(name);
      return match === null ? [] : [{ name, first: Number(match[1]), gzip: match[3] !== undefined }];
    })
    .sort((a, b) => a.first - b.first || a.name.length - b.name.length);
  // The same rows plain and compressed, as a crash while compressing leaves them: one of them is enough.
  const once = closed.filter((segment, i) => i === 0 || segment.first !== closed[i - 1]?.first);
  const segments: Segment[] = once.map(({ name, gzip }) => ({
    name: `segments/${name}`,
    path: join(paths.segments, name),
    kind: gzip ? 'gzip' : 'plain',
  }));
  if (statOf(paths.ledger) !== undefined) segments.push({ name: 'audit.jsonl', path: paths.ledger, kind: 'live' });
  return segments;
}

export function hasClosedSegments(paths: StatePaths): boolean {
  return listSegments(paths).some(({ kind }) => kind !== 'live');
}

/**
 * The segments of a ledger that has its live file, and some bytes.
 * @throws LedgerError LEDGER_MISSING where there is none, where only closed segments are left, and where it was emptied
 */
export function presentSegments(paths: StatePaths): Segment[] {
  const segments = listSegments(paths);
  const last = segments.at(-1);
  if (last?.kind !== 'live') throw noLedger(paths);
  if ((statOf(last.path)?.size ?? 0) === 0) throw emptyLedger(paths);
  return segments;
}

/** Whole lines (each with its newline, but perhaps the very last), or the mark of one that is too long to be a row. */
export interface LineBlock {
  readonly bytes: Buffer;
  /** Where it begins in the segment's uncompressed bytes. */
  readonly offset: number;
  readonly overlong: boolean;
}

/**
 * The lines of any segment, in blocks; memory does not grow with the segment.
 * @throws LedgerError READ_FAILED where a compressed segment is damaged
 */
export async function* segmentBlocks(segment: Segment): AsyncGenerator<LineBlock> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let offset = 0;
  let overlong = false;
  for await (const piece of segmentBytes(segment)) {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < BLOCK_BYTES) continue;
    const all = Buffer.concat(held, heldBytes);
    const end = overlong ? all.indexOf(NEWLINE) + 1 : all.lastIndexOf(NEWLINE) + 1;
    if (end === 0 && heldBytes > MAX_SCANNED_LINE_BYTES) overlong = true;
    const cut = end === 0 && overlong ? heldBytes : end;
    if (cut > 0 && !(overlong && end === 0)) yield { bytes: all.subarray(0, cut), offset, overlong };
    if (end > 0) overlong = false;
    offset += cut;
    held = [all.subarray(cut)];
    heldBytes -= cut;
  }
  if (heldBytes > 0 || overlong) yield { bytes: Buffer.concat(held, heldBytes), offset, overlong };
}

/** The uncompressed bytes of any segment, piece by piece. */
export async function* segmentBytes(segment: Segment): AsyncGenerator<Buffer> {
  const fd = openFile(segment.path, 'read');
  try {
    if (segment.kind !== 'gzip') {
      yield* fileBytes(fd);
      return;
    }
    const source = Readable.from(fileBytes(fd), { objectMode: false });
    const unpacked = source.pipe(process.getBuiltinModule('node:zlib').createGunzip({ chunkSize: PIECE_BYTES }));
    source.once('error', (error) => unpacked.destroy(error));
    for await (const piece of unpacked) yield piece as Buffer;
  } catch (error) {
    throw new LedgerError('READ_FAILED', `expected a readable segment ${segment.name}, found it damaged`, {
      place: { segment: segment.name },
      hint: 'bring the segment back from a copy',
      cause: error,
    });
  } finally {
    closeQuietly(fd);
  }
}

function* fileBytes(fd: number): Generator<Buffer> {
  for (let offset = 0; ;) {
    const piece = readAt(fd, offset, PIECE_BYTES);
    if (piece.length === 0) return;
    yield piece;
    offset += piece.length;
  }
}
