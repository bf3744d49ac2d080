/**
 * Closed segments in the index, in the order of their rows (segments.ts reads them). They are read once, when an index
 * is built; offsets of their rows count uncompressed bytes.
 */
import type { LedgerIndex } from './indexFile';
import { WatermarkMover } from './indexCatchUp';
import { indexFailed } from './indexErrors';
import { projectLine } from './indexRows';
import type { StatePaths } from '../paths';
import { listSegments, segmentBlocks } from '../ledger/segments';
import type { Segment } from '../ledger/segments';

/**
 * Puts the rows of all closed segments into an index that is being built.
 * @throws LedgerError INDEX_FAILED where a segment does not go on from the one before; READ_FAILED
 */
export async function addSegments(paths: StatePaths, index: LedgerIndex, signal?: AbortSignal): Promise<void> {
  const closed = listSegments(paths).filter(({ kind }) => kind !== 'live');
  for (const [i, segment] of closed.entries()) {
    signal?.throwIfAborted();
    await addSegment(paths, index, segment, i + 1);
  }
}

async function addSegment(paths: StatePaths, index: LedgerIndex, segment: Segment, number: number): Promise<void> {
  const { name } = segment;
  const { database } = index;
  const from = index.watermark();
  database.exec('BEGIN');
  // As in a first build: heals are in what is read.
  const mover = new WatermarkMover(index, { ...from, seq: 0 });
  let expected = from.seq + 1;
  let end = 0;
  for await (const { bytes, offset } of segmentBlocks(segment)) {
    let start = 0;
    for (let newline = bytes.indexOf(0x0a); newline >= 0; newline = bytes.indexOf(0x0a, start)) {
      const line = { block: bytes, start, end: newline, offset: offset + start, bytes: newline - start };
      const row = projectLine(line, number);
      if (row?.seq !== expected)
        throw indexFailed(paths.index, `no row ${expected} at offset ${line.offset} of ${name}`);
      mover.add(row, name);
      expected = row.lastSeq + 1;
      start = newline + 1;
    }
    end = offset + start;
  }
  mover.finish(end);
  database.prepare('INSERT INTO segments VALUES (?, ?, ?)').run([number, name, end]);
  database.exec('COMMIT');
}
