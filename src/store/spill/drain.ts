/**
 * Chaining what was spilled, exactly once. The spill file is renamed first, so that later records go to a new one; then,
 * in steps of at most DRAIN_LIMIT rows,
 *
 *   1. the records are listed: all of them, or from the mark of the step before on (drainMark.ts)
 *   2. the ledger is read from where the oldest record failed, or from that mark on: a record whose id is a row's `id` or
 *      `spill_id` there is done
 *   3. the next ones are chained, in order, in one commit; torn or impossible ones are set aside with a row of their own
 *   4. more is left: the mark says how far it got. Nothing is left: the file is unlinked and the folder synced
 *
 * A kill anywhere leaves the renamed file; the next drain does the same and finds what is done in step 2.
 */
import { fstatSync, renameSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { orNothing } from '../../core/errors';
import { digestsInLine } from '../../core/seal';
import { nextUlid, ULID_RANDOM_BYTES } from '../../core/ids';
import { ownRow } from '../../core/ownRows';
import { salvage } from '../../core/salvage';
import { fitsInPayload } from '../../core/spillRecord';
import { commitBytes } from '../append/commit';
import { closeQuietly, openFile, syncData, syncFolder } from '../files';
import { blankOpenings } from '../sealed/openings';
import { tornKind } from '../heal/heal';
import { withFreshTail } from '../ledger/ledger';
import type { StatePaths } from '../paths';
import type { ReadyLedger } from '../ledger/ledger';
import { Placer } from '../append/placer';
import { setAside } from '../heal/quarantine';
import { findChained, rewriteUnsynced, startOfSearch } from './chained';
import type { DonePlace } from './chained';
import { readDrainMark, removeDrainMark, writeDrainMark } from './drainMark';
import { spillFiles } from './spillFiles';
import { listRecords, readWaiting } from './waiting';
import type { InSpillFile, Listed, Waiting } from './waiting';

/** An append drains at most so many before its own rows; `sweep` comes again until nothing is left. */
export const DRAIN_LIMIT = 1_000;

export interface Drained {
  readonly chained: number;
  readonly setAside: number;
  /** Whether records are left for the next drain. */
  readonly more: boolean;
}

/** Whether anything waits. */
export function somethingSpilled(paths: StatePaths): boolean {
  return spillFiles(paths).length > 0;
}

/**
 * Chains up to DRAIN_LIMIT waiting rows.
 * @returns what was done, and the ledger with its tail as it stands after that
 */
export async function drainSpill(
  ledger: ReadyLedger,
): Promise<{ readonly drained: Drained; readonly ready: ReadyLedger }> {
  const { paths } = ledger;
  const places: readonly SpillPlace[] = [
    { spill: paths.spill, draining: paths.draining, mark: paths.drainMark },
    { spill: paths.secondSpill, draining: paths.secondDraining, mark: paths.secondDrainMark },
  ];
  let sum: Drained = { chained: 0, setAside: 0, more: false };
  let current = ledger;
  for (const place of places) {
    // Newer records may have come while an older drain was left half-done: they are next.
    while (!sum.more && beginDrain(paths, place)) {
      const drained = await drainFile(current, place);
      const chained = sum.chained + drained.chained;
      sum = { chained, setAside: sum.setAside + drained.setAside, more: drained.more || chained >= DRAIN_LIMIT };
      current = withFreshTail(current);
    }
  }
  if (sum.more && !somethingSpilled(current.paths)) sum = { ...sum, more: false };
  return { drained: sum, ready: current };
}

interface SpillPlace {
  readonly spill: string;
  readonly draining: string;
  readonly mark: string;
}

/** Gives the spill file the name under which it is drained. Returns whether there is anything to drain. */
function beginDrain(paths: StatePaths, place: SpillPlace): boolean {
  const there = spillFiles(paths);
  if (there.includes(place.draining)) return true;
  if (!there.includes(place.spill)) return false;
  // Nothing is renamed that is not a file of ours.
  closeQuietly(openFile(place.spill, 'read'));
  renameSync(place.spill, place.draining);
  syncFolder(dirname(place.draining));
  return true;
}

async function drainFile(ledger: ReadyLedger, { draining, mark: markPath }: SpillPlace): Promise<Drained> {
  const spillFd = openFile(draining, 'read');
  try {
    // A writer that opened the file before the rename may not have synced its record yet.
    syncData(spillFd);
    const ahead = lookAhead(ledger, spillFd, markPath);
    rewriteUnsynced(ledger, ahead.done);
    const placer = new Placer(ledger);
    const placed = placeBatch(ledger, placer, spillFd, ahead);
    const data = placer.group.bytes();
    if (!placer.group.isEmpty) {
      await commitBytes({ path: ledger.paths.ledger, ...ledger }, ledger.tail.sizeBytes, data);
      placer.remember(data);
    }
    const { next, chained, impossible, dropped } = placed;
    orNothing(() => blankOpenings(ledger.paths, dropped));
    const more = next < ahead.size;
    const ledgerBytes = ledger.tail.sizeBytes + data.length;
    if (!more) finishDrain(draining, markPath);
    else if (mayMark(ahead, next))
      writeDrainMark(markPath, spillFd, ahead.size, { offset: next, ledgerBytes, head: placer.group.head.hash });
    else removeDrainMark(markPath);
    return { chained, setAside: impossible, more };
  } finally {
    closeQuietly(spillFd);
  }
}

function finishDrain(path: string, markPath: string): void {
  removeDrainMark(markPath);
  unlinkSync(path);
  syncFolder(dirname(path));
}

/** What comes next in a spill file, and what of it the ledger has already. */
interface Ahead {
  readonly size: number;
  readonly done: ReadonlyMap<string, DonePlace>;
  /** In order, those that are done among them. */
  readonly records: readonly Listed[];
  /** Behind the last of `records`. */
  readonly end: number;
  /** Whether all that waits was looked at, or only what comes next, as a mark allows. */
  readonly whole: boolean;
  /** Whether nothing is known that may be about records behind `records`. */
  readonly plain: boolean;
}

/** With a mark, the next records and the rows since; without, all that waits and all rows since the oldest of it failed. */
function lookAhead(ledger: ReadyLedger, spillFd: number, markPath: string): Ahead {
  const { fd, tail, identity } = ledger;
  const { size } = fstatSync(spillFd);
  const mark = readDrainMark(markPath, spillFd, fd);
  const done = new Map<string, DonePlace>();
  const wanted = new Set<string>();
  const whole = mark === undefined;
  for (let from = mark?.offset ?? 0; ;) {
    const range = { from, to: size, limit: whole ? Infinity : DRAIN_LIMIT };
    const { records, end, doubled } = listRecords(spillFd, range, identity.ledgerId);
    for (const { key } of records) wanted.add(key);
    const since = mark?.ledgerBytes ?? startOfSearch(fd, tail, records);
    const { others } = findChained(fd, { from: since, to: tail.sizeBytes }, wanted, done);
    const plain = !doubled && (whole || others === 0);
    // After a kill between a commit and its mark, the next ones are all done.
    if (whole || end >= size || end === from || records.some(({ key }) => !done.has(key)))
      return { size, done, records, end, whole, plain };
    from = end;
  }
}

/** Whether a later step may begin at `next`, without a look at anything before it or at the rows that are there by now. */
function mayMark({ whole, plain, records, done }: Ahead, next: number): boolean {
  return plain && !(whole && records.some(({ key, offset }) => offset >= next && done.has(key)));
}

interface PlacedBatch {
  readonly chained: number;
  readonly impossible: number;
  /** What opened fields of rows that were there already, and opens nothing now. */
  readonly dropped: ReadonlySet<string>;
  /** Everything before this offset is in the ledger once the group is. */
  readonly next: number;
}

function placeBatch(ledger: ReadyLedger, placer: Placer, spillFd: number, ahead: Ahead): PlacedBatch {
  let chained = 0;
  let impossible = 0;
  const dropped = new Set<string>();
  for (const listed of ahead.records) {
    if (ahead.done.has(listed.key)) continue;
    if (chained + impossible === DRAIN_LIMIT) return { chained, impossible, dropped, next: listed.offset };
    const one = readWaiting(spillFd, listed, ledger.identity.ledgerId);
    if (ahead.done.has(one.key)) continue;
    for (const digest of placeWaiting(ledger, placer, spillFd, one)) dropped.add(digest);
    if (one.kind === 'record') chained++;
    else impossible++;
  }
  return { chained, impossible, dropped, next: ahead.end };
}

/** @returns the digests of sealed fields that stand in no row after that: the row is there already, with salts of its own */
function placeWaiting(ledger: ReadyLedger, placer: Placer, spillFd: number, one: Waiting): readonly string[] {
  if (one.kind === 'impossible') {
    placeSetAside(ledger, placer, spillFd, one, { why: one.why });
    return [];
  }
  const { row, record } = one;
  const use = row.idempotencyKey === undefined ? undefined : placer.keyUse(row.idempotencyKey);
  if (use === undefined) {
    placer.place(row);
    return [];
  }
  // Other content under a key that is taken is kept here, so that no acknowledged row is lost.
  const same = placer.isSame(use, row, !record.row.has('occurred_at'));
  if (!same && !fitsInPayload(record.row)) {
    placeSetAside(ledger, placer, spillFd, one, { spill_id: record.id, of: use.landed.seq });
    return [];
  }
  const kept = same ? {} : { row: record.row };
  placer.place(ownRow('audit.spill-duplicate', { spill_id: record.id, of: use.landed.seq, ...kept }));
  if (!same) return [];
  const standing = digestsInLine(use.checked?.members ?? JSON.stringify(use.stored));
  return digestsInLine(row.members).filter((digest) => !standing.includes(digest));
}

function placeSetAside(
  { paths, host }: ReadyLedger,
  placer: Placer,
  spillFd: number,
  { offset, bytes: length }: InSpillFile,
  more: object = {},
): void {
  const healId = nextUlid(host.nowMs(), host.random(ULID_RANDOM_BYTES), placer.group.head.id);
  const aside = setAside(paths, healId, spillFd, offset, length);
  const { quarantine, sha256, start } = aside;
  const payload = {
    kind: tornKind(aside),
    source: 'spill',
    offset,
    length,
    sha256,
    quarantine,
    original: salvage(start),
    ...more,
  };
  placer.place(ownRow('audit.heal-truncation', payload), healId);
}
