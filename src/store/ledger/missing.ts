/**
 * Whether there is a ledger at a place, told the same way by every command: there is none, it is gone though something
 * tells of it, or it was emptied. A ledger always has its first row, so a file without bytes is a loss, never a ledger in
 * which nothing happened.
 */
import { LedgerError, orNothing } from '../../core/errors';
import type { Identity } from '../../core/ownRows';
import { namesIn, readWhole, statOf } from '../files';
import { remembersPlace } from '../checkpoint/remembered';
import { readLockNote } from '../lock/kernelLock';
import type { StatePaths } from '../paths';
import { spillFiles } from '../spill/spillFiles';

/** What says that there was a ledger at this place, or undefined where nothing does. */
export function formerLedger(paths: StatePaths): string | undefined {
  if (readLockNote(paths.lock) !== undefined) return paths.lock;
  if (statOf(paths.healPlan) !== undefined) return paths.healPlan;
  if ((statOf(paths.index)?.size ?? 0) > 0) return paths.index;
  const folder = [paths.segments, paths.checkpoints, paths.quarantine].find((path) => namesIn(path).length > 0);
  return folder ?? spillFiles(paths).find(namesLedger) ?? remembersPlace(paths);
}

/** Whether rows wait in a spill file that came from a ledger which was there. */
function namesLedger(spillPath: string): boolean {
  return readWhole(spillPath)?.includes('"ledger_id":"') === true;
}

/** Throws LEDGER_MISSING where a ledger file is missing though something says that there was one. */
export function refuseToReplace(paths: StatePaths): void {
  const trace = formerLedger(paths);
  // A neighbour may have created it, lock file and all, since we looked.
  if (trace !== undefined && statOf(paths.ledger) === undefined) throw lostLedger(paths, trace);
}

/** The error for a reader that finds no file. */
export function noLedger(paths: StatePaths): LedgerError {
  const trace = formerLedger(paths);
  if (trace !== undefined) return lostLedger(paths, trace);
  return new LedgerError('LEDGER_MISSING', `expected a ledger at ${paths.ledger}, found none`, {
    place: { segment: paths.ledger },
    hint: 'name its folder with --dir or LEDGER_DIR; "ledger init" or a first append creates one',
  });
}

export function lostLedger(paths: StatePaths, trace: string): LedgerError {
  return new LedgerError(
    'LEDGER_MISSING',
    `expected the ledger ${paths.ledger}, found none, though ${trace} says that there was one`,
    {
      place: { segment: paths.ledger },
      hint: 'bring the file back from a backup; to begin anew, choose another folder with --dir, so that the loss stays visible',
    },
  );
}

export function emptyLedger(paths: StatePaths): LedgerError {
  return new LedgerError('LEDGER_MISSING', `expected rows in ${paths.ledger}, found an empty file`, {
    place: { segment: paths.ledger },
    hint: 'something emptied it (a log rotation?): bring it back from a backup; if there never was a ledger, remove the empty file',
  });
}

/** The error where not one row is left: which ledger it was, only the lock file still says. */
export function ruinedLedger(paths: StatePaths, bytes: number): LedgerError {
  return new LedgerError('LEDGER_MISSING', `expected rows in ${paths.ledger}, found ${bytes} bytes that are none`, {
    place: { segment: paths.ledger },
    hint: 'bring it back from a backup; keep what is there now: it may show what happened',
  });
}

/**
 * What the lock file says against a ledger: the last writer here left the name of its own, and another one may have been
 * put in its place since. For people: who can replace the one can replace the other.
 */
export function otherLedgerNoted(paths: StatePaths, ledgerId: string | undefined): string[] {
  const noted = orNothing(() => readLockNote(paths.lock))?.note['ledger_id'];
  if (ledgerId === undefined || typeof noted !== 'string' || noted === ledgerId) return [];
  return [`this is ledger ${ledgerId}, and audit.lock says that the last writer here wrote to ledger ${noted}`];
}

/** Another ledger stands at the path than the one whose lock was waited for: whoever writes begins anew with that one. */
export class OtherLedger extends LedgerError {
  constructor(paths: StatePaths, want: Identity, got: Identity) {
    super(
      'LEDGER_MISSING',
      `expected ledger ${want.ledgerId} (${want.lock} lock) at ${paths.ledger}, found ledger ${got.ledgerId} (${got.lock} lock)`,
      {
        place: { segment: paths.ledger },
        hint: 'it was replaced while this process waited for its turn; run the command again',
      },
    );
  }
}
