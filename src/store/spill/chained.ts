/**
 * Which of the records that wait the ledger has already: as a row with the record's id (the failed attempt itself, which
 * stayed in the file), as a row that was drained (`spill_id`), or as a row of the ledger's own that tells of it.
 *
 * Lines are looked through as bytes, and only those that may be meant are read: 60,000 of them in 30 ms.
 */
import { writeSync } from 'node:fs';
import type { Row } from '../../core/members';
import { completeObject } from '../../core/rowText';
import { syncData, withFile } from '../files';
import type { ReadyLedger } from '../ledger/ledger';
import { scanLines } from '../read/lines';
import { offsetAfterSeq } from '../read/seek';
import type { WholeTail } from '../read/tail';
import { impossibleKeyOf } from './waiting';
import type { Listed } from './waiting';

/** A torn record does not say how far back to look: the row that set it aside is looked for near the end. */
const NEAR_END_BYTES = 1 << 20;
const ROW_ID = /^\{"seq":[0-9]{1,16},"ts":"[^"]{24}","id":"([0-9A-Z]{26})"/;
const ROW_START_BYTES = 96;
const SPILL_ID = Buffer.from('"spill_id":"');
const ID_CHARS = 26;
const SET_ASIDE = Buffer.from('"source":"spill"');

export interface DonePlace {
  readonly offset: number;
  readonly bytes: number;
  /** Whether the row is the failed attempt itself: then it may be in the file without being on disk. */
  readonly attempt: boolean;
}

/** From where on the ledger may have rows of these records. */
export function startOfSearch(fd: number, tail: WholeTail, records: readonly Listed[]): number {
  const near = Math.max(0, tail.head.seq - Math.ceil(NEAR_END_BYTES / 512));
  const oldest = records.reduce((least, { afterSeq }) => Math.min(least, afterSeq ?? near), near);
  return offsetAfterSeq(fd, tail.sizeBytes, oldest);
}

/**
 * Adds to `done` what the rows in `[from, to)` have of the wanted records, and whatever they set aside of a spill file.
 * @returns how many rows tell of other records
 */
export function findChained(
  fd: number,
  range: { readonly from: number; readonly to: number },
  wanted: ReadonlySet<string>,
  done: Map<string, DonePlace>,
): { readonly others: number } {
  let others = 0;
  scanLines(fd, range.from, range.to, ({ block, start, end, offset, bytes }) => {
    const line = block.subarray(start, end);
    const meant = mayBeMeant(line, wanted);
    if (meant === 'other') others++;
    if (meant !== 'wanted') return;
    const row = completeObject(line) as Partial<Row> | undefined;
    if (row === undefined) return;
    for (const key of keysOf(row)) {
      if (wanted.has(key) || key.startsWith('impossible:')) done.set(key, { offset, bytes, attempt: key === row.id });
    }
  });
  return { others };
}

/** Whether a line may tell of a wanted record; the text could also stand in a payload, so it is read before it counts. */
function mayBeMeant(line: Buffer, wanted: ReadonlySet<string>): 'wanted' | 'other' | undefined {
  const id = ROW_ID.exec(line.toString('latin1', 0, ROW_START_BYTES))?.[1];
  if (id === undefined || wanted.has(id) || line.includes(SET_ASIDE)) return 'wanted';
  let meant: 'other' | undefined;
  for (let at = line.indexOf(SPILL_ID); at >= 0; at = line.indexOf(SPILL_ID, at + 1)) {
    const from = at + SPILL_ID.length;
    if (wanted.has(line.toString('latin1', from, from + ID_CHARS))) return 'wanted';
    meant = 'other';
  }
  return meant;
}

/** What a row of the ledger says it did of a spill file; a tombstone, which has no id, says nothing. */
function keysOf(row: Partial<Row>): string[] {
  if (row.id === undefined) return [];
  const keys = [row.id];
  if (row.spill_id !== undefined) keys.push(row.spill_id);
  const { source, spill_id: spillId, offset, sha256 } = row.payload ?? {};
  const isOwn = row.action === 'audit.spill-duplicate' || row.action === 'audit.heal-truncation';
  if (isOwn && typeof spillId === 'string') keys.push(spillId);
  if (row.action === 'audit.heal-truncation' && source === 'spill') {
    keys.push(impossibleKeyOf(Number(offset), String(sha256)));
  }
  return keys;
}

/** A failed sync can leave a row in the file that never reaches the disk: written again in place, it does. */
export function rewriteUnsynced(ledger: ReadyLedger, done: ReadonlyMap<string, DonePlace>): void {
  if (done.size === 0) return;
  const attempts = [...done.values()].filter(({ attempt }) => attempt);
  withFile(ledger.paths.ledger, 'update', (fd) => {
    for (const { offset, bytes } of attempts) {
      scanLines(ledger.fd, offset, offset + bytes, ({ block, start, end }) => {
        writeSync(fd, block, start, end - start, offset);
      });
    }
    syncData(fd);
  });
}
