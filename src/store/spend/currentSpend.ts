/**
 * What has been spent, up to the last row: the stored sums where they can be believed and the rows since, else the rows
 * of every period that a cap is counted in. Each row that is read must be whole, unaltered and linked to the one before:
 * over broken rows no gate is answered. What was added up before is not read again.
 */
import { fstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { unitsOf } from '../../core/caps';
import { periodAt } from '../../core/day';
import type { Calendar } from '../../core/day';
import { ZERO_HASH } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import { ulidAt, ULID_RANDOM_BYTES } from '../../core/ids';
import type { Reservation } from '../../core/reservation';
import { readLine } from '../../core/rowText';
import { neededSince } from '../../core/spendSince';
import { Spend } from '../../core/spend';
import type { Moved, PeriodOf } from '../../core/spend';
import { closeQuietly, openFile, statOf } from '../files';
import { listSegments, presentSegments, segmentBlocks } from '../ledger/segments';
import type { Segment } from '../ledger/segments';
import { monotonicMs } from '../machine/clock';
import type { StatePaths } from '../paths';
import { scanLines } from '../read/lines';
import { offsetBeforeId } from '../read/seek';
import { readTail, SMALL_TAIL_BYTES } from '../read/tail';
import { overridesBefore } from './overrideRows';
import { readSpend, standsIn } from './spendFile';
import type { SpendPlan } from './spendFile';

const NEWLINE = 0x0a;
const SETTLE_MS = 1000;
const SETTLE_STEP_MS = 50;
const VERIFY = 'run "ledger verify"';

/** What a sum is made for; the calendar is made only where a period has to be looked up. */
export interface SpendRequest {
  readonly paths: StatePaths;
  readonly plan: SpendPlan;
  readonly calendar: () => Calendar;
  readonly nowMs: number;
}

/** Sums up to the end of the file. */
export interface CurrentSpend {
  readonly spend: Spend;
  /** Up to where the stored ones go that these began with; undefined where they were made anew, or are of other periods by now. */
  readonly storedBytes: number | undefined;
}

/**
 * The sums of a ledger that others may be writing to, as a start: the lock is held for what has come since, and no longer.
 * Undefined where its end, or anything in it, is not whole just now.
 */
export async function spendSoFar(request: SpendRequest): Promise<CurrentSpend | undefined> {
  if (statOf(request.paths.ledger) === undefined) return undefined;
  const fd = openFile(request.paths.ledger, 'read');
  try {
    const tail = readTail(fd, SMALL_TAIL_BYTES);
    if (tail.kind !== 'whole') return undefined;
    const spend = readSpend(request.paths, request.plan);
    const stored = spend && { spend, storedBytes: spend.through.bytes };
    return await bringUp(request, fd, tail.sizeBytes, stored);
  } catch (error) {
    // Whoever holds the lock meets it again, where nobody is at work on it.
    if (error instanceof LedgerError && error.code === 'LEDGER_BROKEN') return undefined;
    throw error;
  } finally {
    closeQuietly(fd);
  }
}

/**
 * The sums as they are now, for who only looks: no lock is taken, and a row in flight is not there yet.
 * @throws LedgerError LEDGER_BROKEN, LEDGER_MISSING
 */
export async function spendNow(request: SpendRequest): Promise<Spend> {
  presentSegments(request.paths);
  const deadline = monotonicMs() + SETTLE_MS;
  for (;;) {
    const last = monotonicMs() >= deadline;
    const found = last ? await readNow(request) : await spendSoFar(request);
    if (found !== undefined) return found.spend;
    await sleep(SETTLE_STEP_MS);
  }
}

/**
 * The reservations that are open now. Where no sums are stored, the rows of the last day and an hour tell: none is older.
 * @throws LedgerError as `spendNow` does
 */
export async function openReservations(request: SpendRequest): Promise<Reservation[]> {
  const { paths, plan, nowMs } = request;
  const needed = readSpend(paths, plan) === undefined ? { ...plan, caps: [] } : plan;
  return (await spendNow({ ...request, plan: needed })).openAt(nowMs);
}

/** Whatever is wrong is told. */
async function readNow(request: SpendRequest): Promise<CurrentSpend> {
  const fd = openFile(request.paths.ledger, 'read');
  try {
    return await fromRows(request, fd, fstatSync(fd).size);
  } finally {
    closeQuietly(fd);
  }
}

/**
 * Goes on with sums that were read before, where they still stand in this file and its periods; else makes them anew.
 * @param fd the live file, whose last line ends at `sizeBytes`
 * @throws LedgerError LEDGER_BROKEN
 */
export async function bringUp(
  request: SpendRequest,
  fd: number,
  sizeBytes: number,
  known: CurrentSpend | undefined,
): Promise<CurrentSpend> {
  const moved = known === undefined ? 'lost' : goneOn(request, fd, sizeBytes, known.spend);
  if (known === undefined || moved === 'lost') return fromRows(request, fd, sizeBytes);
  const { spend, storedBytes } = known;
  addLines(new RowAdder(request.paths.ledger, spend, spend.through.hash), fd, spend.through.bytes, sizeBytes);
  return { spend, storedBytes: moved === 'same' ? storedBytes : undefined };
}

/** Whether sums can be gone on with: they stand in this file, and tell of the periods of now. */
function goneOn(request: SpendRequest, fd: number, sizeBytes: number, spend: Spend): Moved {
  const stands = spend.through.bytes <= sizeBytes && standsIn(fd, spend.through);
  return stands ? spend.moveTo(request.nowMs, periodsOf(request)) : 'lost';
}

/** Reads every row that may count: ids grow with time, and none is older than its row's `ts`. */
async function fromRows(request: SpendRequest, fd: number, sizeBytes: number): Promise<CurrentSpend> {
  const { paths, plan, nowMs } = request;
  const periods = unitsOf(plan.caps).map((unit) => periodsOf(request)(unit, nowMs));
  const sinceMs = neededSince(plan.caps, nowMs, periods);
  const from = offsetBeforeId(fd, sizeBytes, ulidAt(sinceMs, new Uint8Array(ULID_RANDOM_BYTES)));
  const spend = Spend.empty(plan.caps, { seq: 0, hash: ZERO_HASH, bytes: from }, sinceMs, periods);
  const adder = new RowAdder(paths.ledger, spend, undefined);
  const older = await overridesBefore(paths, fd, { sinceMs, toBytes: from, sizeBytes });
  if (older.odd !== undefined)
    throw adder.broken(older.odd.offset, 'an override that is altered or not linked', VERIFY);
  for (const row of older.rows) spend.addOlder(row);
  // What is asked for may reach back before the live file.
  if (from === 0) for (const segment of closedSegments(paths)) await addSegment(adder, segment);
  addLines(adder, fd, from, sizeBytes);
  return { spend, storedBytes: undefined };
}

/** Adds lines one after the other, and looks that each is whole and linked to the one before. */
class RowAdder {
  #before: string | undefined;

  /** @param lastHash of the row before the first; undefined where that is not known */
  constructor(
    private readonly segment: string,
    private readonly spend: Spend,
    lastHash: string | undefined,
  ) {
    this.#before = lastHash;
  }

  /** @param nextBytes where the line behind it begins in the live file */
  add(line: Buffer, offset: number, nextBytes: number): void {
    const reading = readLine(line);
    if (reading.kind === 'torn') throw this.broken(offset, 'a torn line', 'run "ledger sweep"');
    if (reading.kind === 'wrong') throw this.broken(offset, reading.why, VERIFY);
    const { prevHash, hash } =
      reading.kind === 'row' ? { prevHash: reading.row.prev_hash, hash: reading.row.hash } : reading;
    if (this.#before !== undefined && prevHash !== this.#before) {
      const found = `a line that links to ${prevHash} behind one with hash ${this.#before}`;
      throw this.broken(offset, found, VERIFY);
    }
    this.#before = hash;
    if (reading.kind === 'row') this.spend.add(reading.row, nextBytes);
    else this.spend.pass({ seq: reading.lastSeq, hash, bytes: nextBytes });
  }

  broken(offset: number, found: string, hint: string): LedgerError {
    return new LedgerError('LEDGER_BROKEN', `expected whole rows to add up, found ${found} (byte ${offset})`, {
      place: { segment: this.segment, offset },
      hint: `${hint}: until then nobody can tell what was spent, and nothing more is allowed`,
    });
  }
}

function addLines(adder: RowAdder, fd: number, from: number, to: number): void {
  scanLines(fd, from, to, ({ block, start, end, offset, bytes }) => {
    adder.add(block.subarray(start, end), offset, offset + bytes + 1);
  });
}

async function addSegment(adder: RowAdder, segment: Segment): Promise<void> {
  for await (const { bytes, offset } of segmentBlocks(segment)) {
    for (let start = 0; start < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      adder.add(bytes.subarray(start, end), offset + start, 0);
      start = end + 1;
    }
  }
}

function closedSegments(paths: StatePaths): Segment[] {
  return listSegments(paths).filter(({ kind }) => kind !== 'live');
}

function periodsOf({ calendar }: SpendRequest): PeriodOf {
  return (unit, ms) => periodAt(calendar(), unit, ms);
}
