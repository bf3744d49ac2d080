/**
 * Closed segments in the index: `segments/audit.<first>-<last>.jsonl.gz`, in the order of their rows, unpacked as a
 * stream. They are read once, when an index is built; offsets of their rows count uncompressed bytes.
 */
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { errnoOf } from '../core/errors';
import { closeQuietly, openFile } from './files';
import { LedgerIndex } from './index';
import { WatermarkMover } from './indexCatchUp';
import { indexFailed } from './indexErrors';
import { projectLine } from './indexRows';
import type { StatePaths } from './paths';
import type { Database } from './sqlite';

const SEGMENT = /^audit\.([1-9][0-9]{0,15})-([1-9][0-9]{0,15})\.jsonl\.gz$/;

export interface ClosedSegment {
  readonly name: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** The closed segments by their names, in the order of their rows. */
export function closedSegments(paths: StatePaths): ClosedSegment[] {
  const found: ClosedSegment[] = [];
  for (const name of namesIn(paths.segments)) {
    const match = SEGMENT.exec(name);
    if (match !== null) found.push({ name, firstSeq: Number(match[1]), lastSeq: Number(match[2]) });
  }
  return found.sort((a, b) => a.firstSeq - b.firstSeq);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Puts the rows of all closed segments into an index that is being built.
 * @throws LedgerError INDEX_FAILED where a segment does not go on from the one before
 */
export async function addSegments(paths: StatePaths, database: Database, signal?: AbortSignal): Promise<void> {
  let number = 1;
  for (const segment of closedSegments(paths)) {
    signal?.throwIfAborted();
    await addSegment(paths, database, { ...segment, number });
    number++;
  }
}

async function addSegment(
  paths: StatePaths,
  database: Database,
  segment: ClosedSegment & { readonly number: number },
): Promise<void> {
  const path = join(paths.segments, segment.name);
  const from = new LedgerIndex(database, paths.index, 0).watermark();
  database.exec('BEGIN');
  const mover = new WatermarkMover(database, { ...from, seq: 0 });
  let expected = from.seq + 1;
  let offset = 0;
  for await (const line of unpackedLines(path)) {
    const where = { block: line, start: 0, end: line.length, offset, bytes: line.length };
    const row = projectLine(where, segment.number);
    if (row?.seq !== expected) throw indexFailed(path, `no row ${expected} at offset ${offset}`);
    mover.add(row, segment.name);
    expected = row.lastSeq + 1;
    offset += line.length + 1;
  }
  if (expected !== segment.lastSeq + 1) throw indexFailed(path, `rows up to ${expected - 1}`);
  mover.finish(offset);
  const { number, name } = segment;
  database.prepare('INSERT INTO segments VALUES (?, ?, ?)').run([number, name, offset]);
  database.exec('COMMIT');
}

/** The lines of a packed file without their newlines; memory holds a block and a line. */
async function* unpackedLines(path: string): AsyncGenerator<Buffer> {
  const fd = openFile(path, 'read');
  let rest: Buffer = Buffer.alloc(0);
  try {
    const unpacked = createGunzip();
    const packed = createReadStream(path, { fd, autoClose: false });
    packed.on('error', (error) => unpacked.destroy(error)).pipe(unpacked);
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      let block = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let newline = block.indexOf(0x0a); newline >= 0; newline = block.indexOf(0x0a)) {
        yield block.subarray(0, newline);
        block = block.subarray(newline + 1);
      }
      rest = block;
    }
  } finally {
    closeQuietly(fd);
  }
}
