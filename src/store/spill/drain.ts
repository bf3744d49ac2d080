/**
 * Chaining what was spilled, exactly once. The spill file is renamed first, so that later records go to a new one; then
 *
 *   1. every record is read; torn or impossible ones are set aside with a row of their own
 *   2. the ledger is read from where the oldest record failed: a record whose id is a row's `id` or `spill_id` there is done
 *   3. the others are chained, in order, in one commit
 *   4. when nothing is left, the file is unlinked and the folder synced
 *
 * A kill anywhere leaves the renamed file; the next drain does the same and finds what is done in step 2.
 */
import { renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { nextUlid, ULID_RANDOM_BYTES } from '../../core/ids';
import type { Row } from '../../core/members';
import { ownRow } from '../../core/ownRows';
import { completeObject } from '../../core/rowText';
import { salvage } from '../../core/salvage';
import { fitsInPayload } from '../../core/spillRecord';
import { commitBytes } from '../append/commit';
import { closeQuietly, openFile, statOf, syncData, syncFolder, withFile } from '../files';
import { tornKind } from '../heal/heal';
import { withFreshTail } from '../ledger/ledger';
import type { ReadyLedger } from '../ledger/ledger';
import { scanLines } from '../read/lines';
import { isSame, Placer } from '../append/placer';
import { setAside } from '../heal/quarantine';
import { offsetAfterSeq } from '../read/seek';
import { impossibleKey, readWaiting } from './waiting';
import type { InSpillFile, Waiting } from './waiting';

/** An append drains at most so many before its own rows; `sweep` comes again until nothing is left. */
export const DRAIN_LIMIT = 1_000;
/** Where no record says how far back to look: a torn record's row is looked for only near the end. */
const NEAR_END_BYTES = 1 << 20;

export interface Drained {
  readonly chained: number;
  readonly setAside: number;
  /** Whether records are left for the next drain. */
  readonly more: boolean;
}

/** Whether anything waits. Two or four stats: every append asks. */
export function somethingSpilled(ledger: ReadyLedger): boolean {
  const { spill, draining, secondSpill, secondDraining } = ledger.paths;
  return [draining, spill, secondDraining, secondSpill].some((path) => statOf(path) !== undefined);
}

/**
 * Chains up to DRAIN_LIMIT waiting rows.
 * @returns what was done, and the ledger with its tail as it stands after that
 */
export async function drainSpill(
  ledger: ReadyLedger,
): Promise<{ readonly drained: Drained; readonly ready: ReadyLedger }> {
  const { paths } = ledger;
  const places = [
    { spill: paths.spill, draining: paths.draining },
    { spill: paths.secondSpill, draining: paths.secondDraining },
  ];
  let sum: Drained = { chained: 0, setAside: 0, more: false };
  let current = ledger;
  for (const place of places) {
    // Newer records may have come while an older drain was left half-done: they are next.
    while (!sum.more && beginDrain(place)) {
      const drained = await drainFile(current, place.draining);
      const chained = sum.chained + drained.chained;
      sum = { chained, setAside: sum.setAside + drained.setAside, more: drained.more || chained >= DRAIN_LIMIT };
      current = withFreshTail(current);
    }
  }
  if (sum.more && !somethingSpilled(current)) sum = { ...sum, more: false };
  return { drained: sum, ready: current };
}

/** Gives the spill file the name under which it is drained. Returns whether there is anything to drain. */
function beginDrain(place: { readonly spill: string; readonly draining: string }): boolean {
  if (statOf(place.draining) !== undefined) return true;
  if (statOf(place.spill) === undefined) return false;
  renameSync(place.spill, place.draining);
  syncFolder(dirname(place.draining));
  return true;
}

async function drainFile(ledger: ReadyLedger, path: string): Promise<Drained> {
  const spillFd = openFile(path, 'read');
  try {
    // A writer that opened the file before the rename may not have synced its record yet.
    syncData(spillFd);
    const waiting = readWaiting(spillFd, ledger.identity.ledgerId);
    const done = findDone(ledger, waiting);
    rewriteUnsynced(ledger, done);
    const left = waiting.filter((one) => !done.has(one.key));
    const batch = left.slice(0, DRAIN_LIMIT);
    const placer = new Placer(ledger);
    for (const one of batch) placeWaiting(ledger, placer, spillFd, one);
    if (!placer.group.isEmpty) {
      const data = placer.group.bytes();
      await commitBytes({ path: ledger.paths.ledger, ...ledger }, ledger.tail.sizeBytes, data);
      placer.remember(data);
    }
    const more = left.length > batch.length;
    if (!more) finishDrain(path);
    const impossible = batch.filter((one) => one.kind === 'impossible').length;
    return { chained: batch.length - impossible, setAside: impossible, more };
  } finally {
    closeQuietly(spillFd);
  }
}

function finishDrain(path: string): void {
  unlinkSync(path);
  syncFolder(dirname(path));
}

interface DonePlace {
  readonly offset: number;
  readonly bytes: number;
  /** Whether the row is the failed attempt itself: then it may be in the file without being on disk. */
  readonly attempt: boolean;
}

/** Which of the waiting ones the ledger has already. */
function findDone(ledger: ReadyLedger, waiting: readonly Waiting[]): Map<string, DonePlace> {
  const { fd, tail } = ledger;
  const wanted = new Set(waiting.map((one) => one.key));
  const afters = waiting.flatMap((one) => (one.kind === 'record' ? [one.record.after.seq] : []));
  const oldest = afters.reduce((least, seq) => Math.min(least, seq), Infinity);
  const near = Math.max(0, tail.head.seq - Math.ceil(NEAR_END_BYTES / 512));
  const from = offsetAfterSeq(fd, tail.sizeBytes, Number.isFinite(oldest) ? oldest : near);
  const done = new Map<string, DonePlace>();
  scanLines(fd, from, tail.sizeBytes, ({ block, start, end, offset, bytes }) => {
    const row = completeObject(block.subarray(start, end)) as Row | undefined;
    if (row === undefined) return;
    for (const key of keysOf(row)) if (wanted.has(key)) done.set(key, { offset, bytes, attempt: key === row.id });
  });
  return done;
}

/** What a row of the ledger says it did of a spill file. */
function keysOf(row: Row): string[] {
  const keys = [row.id];
  if (row.spill_id !== undefined) keys.push(row.spill_id);
  const { source, spill_id: spillId, offset, sha256 } = row.payload ?? {};
  const isOwn = row.action === 'audit.spill-duplicate' || row.action === 'audit.heal-truncation';
  if (isOwn && typeof spillId === 'string') keys.push(spillId);
  if (row.action === 'audit.heal-truncation' && source === 'spill') {
    keys.push(impossibleKey(Number(offset), String(sha256)));
  }
  return keys;
}

/** A failed sync can leave a row in the file that never reaches the disk: written again in place, it does. */
function rewriteUnsynced(ledger: ReadyLedger, done: ReadonlyMap<string, DonePlace>): void {
  if (done.size === 0) return;
  withFile(ledger.paths.ledger, 'update', (fd) => {
    for (const { offset, bytes, attempt } of done.values()) {
      if (!attempt) continue;
      scanLines(ledger.fd, offset, offset + bytes, ({ block, start, end }) => {
        writeSync(fd, block, start, end - start, offset);
      });
    }
    syncData(fd);
  });
}

function placeWaiting(ledger: ReadyLedger, placer: Placer, spillFd: number, one: Waiting): void {
  if (one.kind === 'impossible') {
    placeSetAside(ledger, placer, spillFd, one);
    return;
  }
  const { row, record } = one;
  const use = row.idempotencyKey === undefined ? undefined : placer.keyUse(row.idempotencyKey);
  if (use === undefined) {
    placer.place(row);
    return;
  }
  // Other content under a key that is taken is kept here, so that no acknowledged row is lost.
  const same = isSame(use, row, !record.row.has('occurred_at'));
  if (!same && !fitsInPayload(record.row)) {
    placeSetAside(ledger, placer, spillFd, one, { spill_id: record.id, of: use.landed.seq });
    return;
  }
  const kept = same ? {} : { row: record.row };
  placer.place(ownRow('audit.spill-duplicate', { spill_id: record.id, of: use.landed.seq, ...kept }));
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
