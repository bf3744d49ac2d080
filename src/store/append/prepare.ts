/**
 * From a ledger at rest to one that rows can be built on, under the lock: pending heal finished, tail read, torn tail
 * healed. Steps 2 and 3 of an append; a sweep begins the same way.
 */
import { errnoOf, LedgerError } from '../../core/errors';
import type { CommitTarget } from './commit';
import { emptyLedger, lostLedger, OtherLedger, refuseToReplace } from '../ledger/missing';
import { syncData } from '../files';
import { finishTailHeal, healNewline, healTornTail } from '../heal/heal';
import type { Healed } from '../heal/heal';
import { readHealPlan } from '../heal/healPlan';
import { identityIn } from '../ledger/genesis';
import { checkFolder } from '../ledger/ledger';
import type { LedgerFile, LockedLedger, ReadyLedger } from '../ledger/ledger';
import type { Kept, KeptLedger } from './kept';
import { addLostRows, isNamed } from './lostRows';
import type { LostRows } from './lostRows';
import { forgetLost, lostRowsOf, nameGoneRows, nameLostRows } from './nameLoss';
import { takeLock } from '../lock/lock';
import type { HeldLock } from '../lock/lock';
import type { StatePaths } from '../paths';
import { finishMiddleHeal, isMiddlePlan, owedHeal } from '../heal/healMiddle';
import { readTail, SMALL_TAIL_BYTES, TAIL_BYTES } from '../read/tail';
import type { Tail } from '../read/tail';

/** A heal leaves a whole tail, or the disk works against us. */
const MAX_HEALS = 3;

/** What is found and mended on the way, for the people who watch. */
export interface PrepareEvents {
  onHeal(healed: Healed): void;
  onRowsLost(lost: LostRows): void;
  /** Another ledger was put in the place of the one that was known, by this writer or by the last one here: rows go to that one from here on. */
  onOtherLedger(knownId: string, nowId: string): void;
}

/** Takes the lock, makes the ledger ready, runs `use`, and lets go of both. */
export function withReadyLedger<T>(
  file: LedgerFile,
  events: PrepareEvents,
  use: (ready: ReadyLedger) => Promise<T>,
): Promise<T> {
  return withLockedLedger(file, events, async (locked) => {
    const ready = expectWhole(locked);
    const { fd, tail } = ready;
    const followed = file.recent.isAsLeft(tail) || file.recent.follow(fd, tail.sizeBytes);
    return use(followed ? ready : await nameLostRows(ready, events));
  });
}

/**
 * Where the rows end that nobody takes back any more: under the lock no writer is in the middle of a group. They are on disk
 * then, too, or an index that has taken them in would tell of lost rows after a power cut.
 */
export function committedEnd(file: LedgerFile, events: PrepareEvents): Promise<number> {
  return withReadyLedger(file, events, (ready) => Promise.resolve(syncedEnd(ready)));
}

/**
 * The same for who may make the index anew: what it knows of rows that are gone is named first.
 * @throws LedgerError INDEX_BUSY where it cannot be asked: it must be left
 */
export function namedEnd(file: LedgerFile, events: PrepareEvents): Promise<number> {
  return withReadyLedger(file, events, async (ready) => syncedEnd(await nameGoneRows(ready, events)));
}

function syncedEnd({ fd, tail }: ReadyLedger): number {
  syncData(fd);
  return tail.sizeBytes;
}

export interface PrepareOptions {
  /** Whether a pending heal of the middle may stay pending where a tampered last row keeps it from its row: `owed`. */
  readonly mayOwe?: boolean;
}

/** The same, without a word about the tail once torn bytes are healed: it may be tampered with. */
export async function withLockedLedger<T>(
  file: LedgerFile,
  events: PrepareEvents,
  use: (locked: LockedLedger) => Promise<T>,
  { mayOwe = false }: PrepareOptions = {},
): Promise<T> {
  const { paths, identity, host, kept } = file;
  // Before a lock file is made in it; what is open already was checked, and is checked again under the lock.
  if (!kept.isOpen) checkFolder(paths.dir);
  const lock = await takeLock(paths, identity, host, kept.kernelLock);
  try {
    const { fd, tail, mayWait, owed } = await openHealed(file, lock, mayOwe, events);
    // Each member by its name: this is done for every row, and copying an unknown object takes longer than a look at a file.
    const { durability, recent, index } = file;
    return await use({ paths, identity, host, durability, recent, index, kept, lock, mayWait, fd, tail, owed });
  } catch (error) {
    kept.closeLedger();
    throw error;
  } finally {
    lock.release();
  }
}

/** The ledger at the path, which is still the one whose lock was waited for. Its tail, where it ends as this process left it. */
function openOurs({ paths, identity, kept, recent }: LedgerFile): KeptLedger & { readonly asLeft: Tail | undefined } {
  const { fd, stats } = openLedger(paths, kept);
  const asLeft = recent.tailAsLeft(fd, stats);
  // A file can be copied over: its first row is read again wherever others may have written.
  const now = asLeft === undefined ? identityIn(paths, fd) : identity;
  if (now.ledgerId !== identity.ledgerId || now.lock !== identity.lock) throw new OtherLedger(paths, identity, now);
  return { fd, stats, asLeft };
}

function openLedger(paths: StatePaths, kept: Kept): KeptLedger {
  try {
    return kept.ledger();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    refuseToReplace(paths);
    throw lostLedger(paths, 'this process');
  }
}

interface Opened {
  readonly fd: number;
  readonly tail: Tail;
}

type Healthy = Opened & Pick<LockedLedger, 'mayWait' | 'owed'>;

/** The ledger with its tail read, once nothing at its end is torn any more. */
async function openHealed(file: LedgerFile, lock: HeldLock, mayOwe: boolean, events: PrepareEvents): Promise<Healthy> {
  const { paths, identity, host, durability, kept } = file;
  const folder = checkFolder(paths.dir);
  const target: CommitTarget = { path: paths.ledger, lock, host, durability };
  try {
    const { asLeft, ...first } = openOurs(file);
    const notedId = lock.leaveNote(identity, host.pid);
    if (notedId !== undefined && notedId !== file.knownBefore) events.onOtherLedger(notedId, identity.ledgerId);
    // The times of a folder on another machine are not ours to judge.
    const mayWait = identity.lock !== 'kernel' || kept.somethingWaits(folder, host.nowMs());
    const owed = mayWait && mayOwe ? owedHeal(paths) : undefined;
    const finished = mayWait && owed === undefined ? await finishPending(file, target, events) : [];
    for (const healed of finished) events.onHeal(healed);
    let opened: Opened =
      finished.length === 0 ? { fd: first.fd, tail: asLeft ?? readTailOf(file, first) } : reopened(file);
    for (let heals = 0; heals < MAX_HEALS; heals++) {
      const healed = await healTail(file, target, opened, events);
      if (healed === undefined) break;
      events.onHeal(healed);
      opened = reopened(file);
    }
    return { ...opened, mayWait, owed };
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw healFailed(file, error);
  }
}

function reopened(file: LedgerFile): Opened {
  const kept = file.kept.ledger();
  return { fd: kept.fd, tail: readTailOf(file, kept) };
}

async function finishPending(file: LedgerFile, target: CommitTarget, events: PrepareEvents): Promise<Healed[]> {
  const { paths } = file;
  const plan = readHealPlan(paths);
  if (plan === undefined) return [];
  const healed = await (isMiddlePlan(plan) ? finishMiddleHeal : finishTailHeal)(paths, target, plan);
  if (plan.lost !== undefined) {
    events.onRowsLost(plan.lost);
    forgetLost(file);
  }
  return healed;
}

/** Where this process has followed the file from its last commit on, a look at the very end is enough. */
function readTailOf({ recent }: LedgerFile, { fd, stats }: KeptLedger): Tail {
  return readTail(fd, recent.isFollowing(stats) ? SMALL_TAIL_BYTES : TAIL_BYTES);
}

/** Heals what is torn; undefined where nothing is. */
async function healTail(
  file: LedgerFile,
  target: CommitTarget,
  { fd, tail }: Opened,
  events: PrepareEvents,
): Promise<Healed | undefined> {
  if (tail.kind !== 'unterminated' && tail.kind !== 'torn') return undefined;
  const lost = tail.head === undefined ? undefined : lostRowsOf(file, fd, tail.head.seq);
  const unnamed = lost === undefined || isNamed(fd, lost) ? undefined : lost;
  const healed =
    tail.kind === 'torn'
      ? await healTornTail(file.paths, target, fd, tail, unnamed)
      : await healNewline(target, tail, (group) => addLostRows(group, unnamed));
  if (unnamed !== undefined) events.onRowsLost(unnamed);
  if (lost !== undefined) forgetLost(file);
  return healed;
}

function expectWhole(locked: LockedLedger): ReadyLedger {
  if (isReady(locked)) return locked;
  const { paths, tail } = locked;
  if (tail.kind === 'wrong') {
    throw new LedgerError('TAIL_TAMPERED', `expected the last row to be whole and linked, found: ${tail.why}`, {
      place: { segment: paths.ledger, offset: tail.offset },
      hint: 'run "ledger verify"; nothing is built on that row; "ledger sweep --set-aside" takes it out with a reason',
    });
  }
  if (tail.kind === 'empty') throw emptyLedger(paths);
  throw healFailed(locked, new Error(`the tail is ${tail.kind} again after a heal`));
}

const isReady = (locked: LockedLedger): locked is ReadyLedger => locked.tail.kind === 'whole';

function healFailed({ paths }: LedgerFile, cause: unknown): LedgerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError('HEAL_FAILED', `expected to heal the end of ${paths.ledger}, found: ${why}`, {
    place: { segment: paths.ledger },
    hint: 'check the disk and the permissions ("ledger doctor"); the torn bytes stay where they are until they can be set aside',
    cause,
  });
}
