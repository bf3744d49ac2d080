/** One ledger as a writer knows it: where it lies, what it is, and what the writer remembers of its newest rows. */
import { statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import type { Durability } from '../../core/config';
import { errnoOf, LedgerError } from '../../core/errors';
import type { Host } from '../../core/host';
import type { Identity } from '../../core/ownRows';
import { openFile, statOf } from '../files';
import { removeCreationLeftovers } from './genesis';
import type { HealPlan } from '../heal/healPlan';
import type { IndexKeeper } from '../index/indexKeeper';
import type { HeldLock } from '../lock/lock';
import type { StatePaths } from '../paths';
import type { Kept } from '../append/kept';
import type { Recent } from '../append/recent';
import { readTail } from '../read/tail';
import type { Tail, WholeTail } from '../read/tail';

export interface LedgerFile {
  readonly paths: StatePaths;
  readonly identity: Identity;
  readonly host: Host;
  readonly durability: Durability;
  readonly recent: Recent;
  readonly index: IndexKeeper;
  readonly kept: Kept;
  /** The ledger in whose place this one was put under the writer's eyes: it has told of that. */
  readonly knownBefore?: string | undefined;
}

/** The ledger while this process holds its lock. */
export interface LockedLedger extends LedgerFile {
  readonly lock: HeldLock;
  /** Of `kept`: stays open. */
  readonly fd: number;
  /** Whether a heal may be pending or rows may wait in a spill file: false means that none was when the lock was taken. */
  readonly mayWait: boolean;
  /** Its end, as it was found once torn bytes were healed. */
  readonly tail: Tail;
  /** Of who asked for it: a heal of the middle that lacks its row, which must be committed with whatever comes next. */
  readonly owed?: HealPlan | undefined;
}

/** A locked ledger whose tail was found whole: rows can be built on `tail.head`. */
export interface ReadyLedger extends LockedLedger {
  readonly tail: WholeTail;
}

/** The same ledger after our own write: its tail read again. */
export function withFreshTail(ledger: ReadyLedger): ReadyLedger {
  const tail = readTail(ledger.fd);
  if (tail.kind === 'whole') return { ...ledger, tail };
  throw new LedgerError('TAIL_TAMPERED', `expected a whole tail after our own write, found it ${tail.kind}`, {
    place: { segment: ledger.paths.ledger },
    hint: 'run "ledger verify"',
  });
}

const REFUSED_BY_SYSTEM: ReadonlySet<string | undefined> = new Set(['EROFS', 'EACCES', 'EPERM']);

/** Opens the ledger file afresh for appending: a heal may have replaced it since. */
export function openForAppend(paths: StatePaths): number {
  if ((statOf(paths.ledger)?.nlink ?? 1) > 1) removeCreationLeftovers(paths);
  try {
    return openFile(paths.ledger, 'append');
  } catch (error) {
    if (!REFUSED_BY_SYSTEM.has(errnoOf(error))) throw error;
    throw new LedgerError(
      'NOT_WRITABLE',
      `expected to be allowed to append to ${paths.ledger}, found ${errnoOf(error)}`,
      {
        place: { segment: paths.ledger },
        hint: 'check the permissions and the mount (read-only?) with "ledger doctor"',
        cause: error,
      },
    );
  }
}

/**
 * Refuses to write in a folder that others can change: who may rename files there owns the ledger.
 * @returns what the folder is like; undefined where there is none
 * @throws LedgerError NOT_OWNER, UNSAFE_PATH
 */
export function checkFolder(dir: string): Stats | undefined {
  const stats = statSync(dir, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const euid = process.geteuid?.();
  if (!stats.isDirectory())
    throw new LedgerError('UNSAFE_PATH', `expected ${dir} to be a folder, found a file`, { place: { segment: dir } });
  if (euid !== undefined && stats.uid !== euid) {
    throw new LedgerError('NOT_OWNER', `expected ${dir} to belong to uid ${euid}, found uid ${stats.uid}`, {
      place: { segment: dir },
      hint: `only the owner of the state folder writes; become that user, for instance: sudo -u '#${stats.uid}' ledger …`,
    });
  }
  const sticky = (stats.mode & 0o1000) !== 0;
  if ((stats.mode & 0o022) !== 0 && !sticky) {
    throw new LedgerError(
      'UNSAFE_PATH',
      `expected ${dir} to be writable by its owner alone, found mode ${(stats.mode & 0o777).toString(8)}`,
      {
        place: { segment: dir },
        hint: `chmod go-w '${dir}'`,
      },
    );
  }
  return stats;
}
