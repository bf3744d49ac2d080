/**
 * Adds up the costs in the files themselves, line by line: all of them, or those that an index names. Memory does
 * not grow with the file; no lock is taken.
 *
 * A row in flight is not damage: what is broken or unfinished at the end of the live file is read again, on a fresh
 * descriptor, for up to a second before it is reported. A broken line anywhere is counted, never skipped in silence.
 * Another file that takes its place meanwhile is told apart: its rows stand elsewhere.
 */
import { fstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Calendar } from '../../core/day';
import { CostLineReader, costRowOf } from '../../core/costLine';
import type { CostLineRow } from '../../core/costLine';
import { completeObject, whiteSpaceAround } from '../../core/rowText';
import { membersOf, Tally } from '../../core/tally';
import type { TallyPlan, TallySums } from '../../core/tally';
import { withFile } from '../files';
import type { WindowPlaces } from '../index/indexWindow';
import { monotonicMs } from '../machine/clock';
import { scanLines } from '../read/lines';
import type { LineRange } from '../read/lines';
import type { WantedRows } from './wanted';

const SETTLE_MS = 1000;
const SETTLE_STEP_MS = 50;
/** Places of broken lines that are kept; the rest is only counted. */
export const KEPT_PLACES = 10;

/** A part of one file, from the start of a line. Threads share the descriptor: whatever happens to its name, it is one file. */
export interface FilePart {
  readonly fd: number;
  readonly from: number;
  readonly to: number;
}

export interface CostScan {
  readonly sums: TallySums;
  readonly brokenLines: number;
  /** Byte offsets of the first of them. */
  readonly brokenAt: readonly number[];
  /** Where the last line begins, if that is broken or has no newline yet; it is counted nowhere else. */
  readonly unsettledAt: number | undefined;
}

/** Adds up one part of a file. The last line is left to `settleTail` where it is broken or has no newline. */
export function scanPart(part: FilePart, plan: TallyPlan, calendar: Calendar): CostScan {
  const reader = new CostLineReader(membersOf(plan));
  const tally = new Tally(plan, calendar);
  const brokenAt: number[] = [];
  let brokenLines = 0;
  let lastBroken: number | undefined;
  const onLine = (line: LineRange): void => {
    if (lastBroken !== undefined) note(lastBroken);
    lastBroken = undefined;
    const row = line.terminated && !line.cut ? reader.read(line.block, line.start, line.end) : undefined;
    if (row === undefined) lastBroken = line.offset;
    else tally.add(row);
  };
  const note = (offset: number): void => {
    brokenLines++;
    if (brokenAt.length < KEPT_PLACES) brokenAt.push(offset);
  };
  scanLines(part.fd, part.from, part.to, onLine);
  return { sums: tally.result(), brokenLines, brokenAt, unsettledAt: lastBroken };
}

/**
 * Adds up the rows that an index names, a few mostly.
 * @returns undefined where a line is broken, or they are not as many as it says: then it is not of this file
 */
export function scanPlaces(
  fd: number,
  { ranges, rows, has }: WindowPlaces & Pick<WantedRows, 'has'>,
  plan: TallyPlan,
  calendar: Calendar,
): TallySums | undefined {
  const members = membersOf(plan);
  const reader = new CostLineReader(members);
  const tally = new Tally(plan, calendar);
  let left = rows;
  let whole = true;
  for (const { from, to } of ranges) {
    if (!whole) return undefined;
    scanLines(fd, from, to, (line) => {
      const bytes = line.block.subarray(line.start, line.end);
      const object = line.terminated && whiteSpaceAround(bytes) === undefined ? completeObject(bytes) : undefined;
      const row = object && (costRowOf(object, members) ?? reader.read(line.block, line.start, line.end));
      if (row === undefined) return (whole = false);
      if (has(row)) left--;
      tally.add(row);
      return true;
    });
  }
  return whole && left === 0 ? tally.result() : undefined;
}

/**
 * What became of an unfinished last line: a row, nothing (a heal has cut it off), still broken; or it is not to be seen any
 * more, since the file at the path is another one.
 */
export type Settled =
  { readonly kind: 'row'; readonly row: CostLineRow } | { readonly kind: 'gone' | 'broken' | 'replaced' };

/** The ledger's live file, open. */
export interface LiveFile {
  readonly path: string;
  readonly fd: number;
  readonly ino: number;
}

/** Where a reading of it ended, behind a newline. */
export interface LiveEnd {
  readonly ino: number;
  readonly bytes: number;
}

/** Reads the line at `offset` again, on fresh descriptors, until it is whole or a second has passed. */
export async function settleTail(live: LiveFile, offset: number, plan: TallyPlan): Promise<Settled> {
  const reader = new CostLineReader(membersOf(plan));
  const deadline = monotonicMs() + SETTLE_MS;
  for (;;) {
    const last = monotonicMs() >= deadline;
    const found = lineAt(live, offset, reader, last);
    if (found.kind !== 'broken' || last) return found;
    await sleep(SETTLE_STEP_MS);
  }
}

/** @param bare whether a whole row counts though its newline is missing */
function lineAt({ path, ino }: LiveFile, offset: number, reader: CostLineReader, bare: boolean): Settled {
  return withFile(path, 'read', (fd) => {
    const now = fstatSync(fd);
    if (now.ino !== ino) return { kind: 'replaced' };
    let found: Settled = { kind: 'gone' };
    scanLines(fd, offset, now.size, (line) => {
      const bytes = line.block.subarray(line.start, line.end);
      const row = (line.terminated || bare) && !line.cut ? reader.read(bytes, 0, bytes.length) : undefined;
      found = row === undefined ? { kind: 'broken' } : { kind: 'row', row };
      return false;
    });
    return found;
  });
}
