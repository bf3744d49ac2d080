/**
 * What a spill file holds, read for a drain: every record once, in order, its row checked again as it will be chained.
 * A drained row carries `spill_id`, and `occurred_at` = `spilled_at` where it had none; the clock check was done before.
 *
 * A file of many records is listed by the ids at their beginnings; a record is read in full when its turn comes.
 */
import { fstatSync } from 'node:fs';
import { sha256Hex } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import { isUlid } from '../../core/ids';
import type { Json } from '../../core/json';
import { checkRow, MAX_INPUT_BYTES } from '../../core/row';
import type { CheckedRow } from '../../core/row';
import { completeObject } from '../../core/rowText';
import { parseSpillRecord } from '../../core/spillRecord';
import type { SpillRecord } from '../../core/spillRecord';
import { readAt } from '../files';
import { scanLines } from '../read/lines';
import type { StatePaths } from '../paths';
import { countInSpillFiles } from './spillFiles';

/** Room for the `spill_id` and the `occurred_at` that a spilled row gets: one of the greatest length must fit, too. */
const SPILL_MEMBERS_BYTES = 128;
/** How a record begins and ends that was written whole. */
const RECORD_START =
  /^\{"spill":1,"id":"([0-9A-Z]{26})","ledger_id":(?:null|"[0-9A-Z]{26}"),"spilled_at":"[^"\\]{24}","why":"[A-Z_]{1,40}","after":\{"seq":([0-9]{1,16}),/;
const RECORD_END = /^,"sum":"[0-9a-f]{64}"\}$/;
const START_BYTES = 256;
const END_BYTES = 74;

export interface InSpillFile {
  readonly key: string;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Why a record is set aside: cut short by a crash; written whole, so that its row may have been acknowledged, and changed
 * since; no row of this ledger.
 */
export type Impossible = 'torn' | 'altered' | 'foreign';

export type Waiting = InSpillFile &
  (
    | { readonly kind: 'record'; readonly record: SpillRecord; readonly row: CheckedRow }
    | { readonly kind: 'impossible'; readonly why: Impossible }
  );

/** A record by its place and its key; whether its row can be chained shows when it is read. */
export interface Listed extends InSpillFile {
  /** Where the ledger stood when the row failed; undefined where the bytes do not say. */
  readonly afterSeq: number | undefined;
}

export interface Listing {
  readonly records: readonly Listed[];
  /** Behind the last line that was looked at. */
  readonly end: number;
  /** Whether a key came twice; the first one is listed. */
  readonly doubled: boolean;
}

/** Lists the records of `[from, to)`, each once, in order: at most `limit`. */
export function listRecords(
  fd: number,
  range: { readonly from: number; readonly to: number; readonly limit: number },
  ledgerId: string,
): Listing {
  const listing = listBy(fd, range, listedAt);
  // Of two copies one may be damaged: which of them counts takes a full look.
  return listing.doubled ? listBy(fd, range, (line, at) => listedExactly(line, at, ledgerId)) : listing;
}

type Place = Omit<InSpillFile, 'key'>;

function listBy(
  fd: number,
  { from, to, limit }: { readonly from: number; readonly to: number; readonly limit: number },
  list: (line: Buffer, at: Place) => Listed,
): Listing {
  const byKey = new Map<string, Listed>();
  let doubled = false;
  let listedTo = from;
  scanLines(fd, from, to, ({ block, start, end, offset, bytes }) => {
    listedTo = Math.min(offset + bytes + 1, to);
    if (bytes === 0) return true;
    const listed = list(block.subarray(start, end), { offset, bytes });
    if (byKey.has(listed.key)) doubled = true;
    else byKey.set(listed.key, listed);
    return byKey.size < limit;
  });
  return { records: [...byKey.values()], end: listedTo, doubled };
}

function listedAt(line: Buffer, at: Place): Listed {
  const start = RECORD_START.exec(line.toString('latin1', 0, START_BYTES));
  const [id, afterSeq] = [start?.[1], start?.[2]];
  const isWhole = id !== undefined && isUlid(id) && hasRecordEnd(line);
  if (isWhole) return { ...at, key: id, afterSeq: Number(afterSeq) };
  const record = parseSpillRecord(line);
  return { ...at, key: record?.id ?? impossibleKey(at.offset, line), afterSeq: record?.after.seq };
}

function hasRecordEnd(line: Buffer): boolean {
  return RECORD_END.test(line.toString('latin1', Math.max(0, line.length - END_BYTES)));
}

function listedExactly(line: Buffer, at: Place, ledgerId: string): Listed {
  const waiting = waitingIn(line, at, ledgerId);
  return { ...at, key: waiting.key, afterSeq: waiting.kind === 'record' ? waiting.record.after.seq : undefined };
}

/** Reads a listed record in full. */
export function readWaiting(fd: number, { offset, bytes }: InSpillFile, ledgerId: string): Waiting {
  return waitingIn(readAt(fd, offset, bytes), { offset, bytes }, ledgerId);
}

function waitingIn(line: Buffer, at: Place, ledgerId: string): Waiting {
  const record = parseSpillRecord(line);
  const row = record === undefined ? undefined : checkSpilled(record, ledgerId);
  if (record === undefined || row === undefined) {
    const why = record !== undefined ? 'foreign' : wasWhole(line) ? 'altered' : 'torn';
    return { ...at, kind: 'impossible', why, key: impossibleKey(at.offset, line) };
  }
  return { ...at, kind: 'record', key: record.id, record, row };
}

/** A crash leaves no end, or zeros, in a record. */
function wasWhole(line: Buffer): boolean {
  if (line.includes(0)) return false;
  return hasRecordEnd(line) || completeObject(line) !== undefined;
}

/** How many waiting records are torn, or can be no row of this ledger: a drain will set them aside. Takes no lock. */
export function countImpossible(paths: StatePaths, ledgerId: string): number {
  return countInSpillFiles(paths, (fd) => countImpossibleIn(fd, ledgerId));
}

function countImpossibleIn(fd: number, ledgerId: string): number {
  const { records } = listRecords(fd, { from: 0, to: fstatSync(fd).size, limit: Infinity }, ledgerId);
  return records.filter((one) => readWaiting(fd, one, ledgerId).kind === 'impossible').length;
}

const impossibleKey = (offset: number, line: Buffer): string => impossibleKeyOf(offset, sha256Hex(line));

/** What names bytes that are no record, in the row that sets them aside. */
export const impossibleKeyOf = (offset: number, sha256: string): string => `impossible:${offset}:${sha256}`;

/** The row of a record as it will be chained, or undefined where it cannot be a row of this ledger. */
function checkSpilled(record: SpillRecord, ledgerId: string): CheckedRow | undefined {
  if (record.ledgerId !== null && record.ledgerId !== ledgerId) return undefined;
  const row = new Map<string, Json>(record.row);
  if (!row.has('occurred_at')) row.set('occurred_at', record.spilledAt);
  const own = new Map<string, Json>();
  // What an import kept of a foreign row was checked when it was imported, a signature when it was given.
  for (const name of ['imported_from', 'signature']) {
    const value = row.get(name);
    if (value !== undefined && row.delete(name)) own.set(name, value);
  }
  own.set('spill_id', record.id);
  try {
    return checkRow(row, { nowMs: undefined, own, maxBytes: MAX_INPUT_BYTES + SPILL_MEMBERS_BYTES });
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}
