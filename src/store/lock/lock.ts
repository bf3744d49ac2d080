/**
 * Who may write: one process at a time. Which lock a ledger uses is said in its first row and obeyed by every writer;
 * the two kinds never meet on one ledger. Waiting has a budget of its own, much longer than the retries of a failed write.
 */
import { errnoOf, LedgerError } from '../../core/errors';
import type { Host } from '../../core/host';
import type { Identity, LockKind } from '../../core/ownRows';
import { readLockNote } from './kernelLock';
import type { KernelLock } from './kernelLock';
import { lostLedger } from '../ledger/missing';
import { statOf } from '../files';
import type { StatePaths } from '../paths';
import { loadPortableLock, tryPortableLock } from './portableLock';

let portable: Awaited<ReturnType<typeof loadPortableLock>> | undefined;

export interface HeldLock {
  /** Whether the lock is still this holder's. Asked immediately before a write. */
  stillOurs(): boolean;
  /**
   * Says in the lock file who holds it, and which ledger it is. Asked once the ledger behind the lock is known to be that one.
   * @returns the id of another ledger that it said until now: a trace that ends here
   */
  leaveNote(identity: Identity, pid: number): string | undefined;
  release(): void;
}

/** How long a writer waits for its turn before its rows are spilled. */
export const LOCK_BUDGET_MS: Readonly<Record<LockKind, number>> = { kernel: 5_000, lockfile: 15_000 };

const EAGER_MS = 50;

/** A ledger that grows is a queue that moves: who waits in it gives up only after so many budgets. */
const MAX_BUDGETS = 6;
const LOOK_EVERY_MS = 500;

/**
 * Takes the lock of a ledger, polling with 1-8 ms jitter until the budget is spent without the ledger having grown.
 * @param kernelLock of the ledger's lock file, for ledgers of that kind
 * @throws LedgerError LOCK_TIMEOUT (another holds it), LOCK_UNAVAILABLE (this process cannot take this kind of lock),
 *   LEDGER_MISSING (its whole folder is gone)
 */
export async function takeLock(
  paths: StatePaths,
  identity: Identity,
  host: Host,
  kernelLock: KernelLock,
  budgetMs = LOCK_BUDGET_MS[identity.lock],
): Promise<HeldLock> {
  const tryOnce = identity.lock === 'kernel' ? () => kernelLock.tryTake() : await portableTry(paths, host);
  let queue: Queue | undefined;
  for (;;) {
    const held = orUnavailable(paths, identity, tryOnce);
    if (held !== undefined) return held;
    queue ??= new Queue(paths.ledger, budgetMs, host.monotonicMs());
    const leftMs = queue.leftMs(host.monotonicMs());
    if (leftMs <= 0) throw timeout(paths, budgetMs);
    await host.sleep(Math.min(leftMs, pauseMs(host, queue.waitedMs)));
  }
}

/** How long to wait on: with fifty writers before us the last turn comes late, and a stopped holder must not keep us for ever. */
class Queue {
  waitedMs = 0;
  #size: number | undefined;
  #movedMs = 0;
  #lookedMs = 0;

  constructor(
    private readonly path: string,
    private readonly budgetMs: number,
    private readonly startMs: number,
  ) {
    this.#size = statOf(path)?.size;
  }

  leftMs(nowMs: number): number {
    this.waitedMs = nowMs - this.startMs;
    if (this.waitedMs - this.#lookedMs >= LOOK_EVERY_MS) this.#look();
    const untilMs = Math.min(this.#movedMs + this.budgetMs, MAX_BUDGETS * this.budgetMs);
    return untilMs - this.waitedMs;
  }

  #look(): void {
    this.#lookedMs = this.waitedMs;
    const size = statOf(this.path)?.size;
    if (size !== this.#size) this.#movedMs = this.waitedMs;
    this.#size = size;
  }
}

/** 1-8 ms; who has waited a while no longer asks so often: many waiters must not slow the holder down. */
function pauseMs(host: Host, waitedMs: number): number {
  const random = host.random(1)[0] as number;
  return waitedMs < EAGER_MS ? 1 + (random & 7) : 5 + (random & 3);
}

async function portableTry(paths: StatePaths, host: Host): Promise<() => HeldLock | undefined> {
  portable ??= await loadPortableLock();
  const library = portable;
  return () => tryPortableLock(library, paths.ledger, () => host.monotonicMs());
}

function orUnavailable(
  paths: StatePaths,
  identity: Identity,
  tryOnce: () => HeldLock | undefined,
): HeldLock | undefined {
  try {
    return tryOnce();
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    // Which ledger it is was read before: its whole folder is gone.
    if (errnoOf(cause) === 'ENOENT') throw lostLedger(paths, 'this process');
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LedgerError('LOCK_UNAVAILABLE', `expected to take this ledger's ${identity.lock} lock, found: ${why}`, {
      place: { segment: paths.lock },
      hint: 'run "ledger doctor"; a ledger says in its first row how it is locked, and every writer must use that lock',
      cause,
    });
  }
}

function timeout(paths: StatePaths, budgetMs: number): LedgerError {
  const pid = readLockNote(paths.lock)?.pid;
  const holder = pid === undefined ? '' : `; its last holder was process ${pid}`;
  return new LedgerError('LOCK_TIMEOUT', `expected the lock within ${budgetMs / 1000} s, found it held${holder}`, {
    place: { segment: paths.lock },
    hint: 'look at that process; rows wait in the spill file and are chained by the next append or "ledger sweep"',
  });
}
