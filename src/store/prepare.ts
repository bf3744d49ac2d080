/**
 * From a ledger at rest to one that rows can be built on, under the lock: pending heal finished, tail read, torn tail
 * healed. Steps 2 and 3 of an append; a sweep begins the same way.
 */
import { errnoOf, LedgerError } from '../core/errors';
import type { CommitTarget } from './commit';
import { closeQuietly } from './files';
import { refuseToReplace } from './genesis';
import { finishTailHeal, healNewline, healTornTail } from './heal';
import type { Healed } from './heal';
import { readHealPlan } from './healPlan';
import { checkFolder, openForAppend } from './ledger';
import type { LedgerFile, ReadyLedger } from './ledger';
import { takeLock } from './lock';
import type { HeldLock } from './lock';
import { finishMiddleHeal, isMiddlePlan } from './healMiddle';
import { readTail } from './tail';
import type { Tail, WholeTail } from './tail';

/** A heal leaves a whole tail, or the disk works against us. */
const MAX_HEALS = 3;

/** Takes the lock, makes the ledger ready, runs `use`, and lets go of both. `onHeal` hears of every heal on the way. */
export async function withReadyLedger<T>(
  file: LedgerFile,
  onHeal: (healed: Healed) => void,
  use: (ready: ReadyLedger) => Promise<T>,
): Promise<T> {
  checkFolder(file.paths.dir);
  const lock = await takeLock(file.paths, file.identity, file.host);
  try {
    await heal(file, lock, onHeal);
    const fd = openLedger(file);
    try {
      const tail = expectWhole(file, readTail(fd));
      file.recent.follow(fd, tail.sizeBytes);
      return await use({ ...file, lock, fd, tail });
    } finally {
      closeQuietly(fd);
    }
  } finally {
    lock.release();
  }
}

function openLedger(file: LedgerFile): number {
  try {
    return openForAppend(file.paths);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    refuseToReplace(file.paths);
    throw error;
  }
}

async function heal(file: LedgerFile, lock: HeldLock, onHeal: (healed: Healed) => void): Promise<void> {
  const { paths, host, durability } = file;
  const target: CommitTarget = { path: paths.ledger, lock, host, durability };
  try {
    const plan = readHealPlan(paths);
    if (plan !== undefined) {
      onHeal(
        isMiddlePlan(plan) ? await finishMiddleHeal(paths, target, plan) : await finishTailHeal(paths, target, plan),
      );
    }
    for (let heals = 0; heals < MAX_HEALS; heals++) {
      const healed = await healOnce(file, target);
      if (healed === undefined) return;
      onHeal(healed);
    }
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw healFailed(file, error);
  }
}

async function healOnce(file: LedgerFile, target: CommitTarget): Promise<Healed | undefined> {
  const fd = openLedger(file);
  try {
    const tail = readTail(fd);
    if (tail.kind === 'unterminated') return await healNewline(target, tail);
    if (tail.kind === 'torn') return await healTornTail(file.paths, target, fd, tail);
    return undefined;
  } finally {
    closeQuietly(fd);
  }
}

function expectWhole(file: LedgerFile, tail: Tail): WholeTail {
  if (tail.kind === 'whole') return tail;
  const segment = file.paths.ledger;
  if (tail.kind === 'wrong') {
    throw new LedgerError('TAIL_TAMPERED', `expected the last row to be whole and linked, found: ${tail.why}`, {
      place: { segment, offset: tail.offset },
      hint: 'run "ledger verify"; nothing is built on that row; "ledger sweep --set-aside" takes it out with a reason',
    });
  }
  if (tail.kind === 'empty') {
    throw new LedgerError('LEDGER_MISSING', `expected rows in ${segment}, found an empty file`, {
      place: { segment },
      hint: 'something emptied it (a log rotation?): bring it back from a backup; if there never was a ledger, remove the empty file',
    });
  }
  throw healFailed(file, new Error(`the tail is ${tail.kind} again after a heal`));
}

function healFailed(file: LedgerFile, cause: unknown): LedgerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError('HEAL_FAILED', `expected to heal the end of ${file.paths.ledger}, found: ${why}`, {
    place: { segment: file.paths.ledger },
    hint: 'check the disk and the permissions ("ledger doctor"); the torn bytes stay where they are until they can be set aside',
    cause,
  });
}
