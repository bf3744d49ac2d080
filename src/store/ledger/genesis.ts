/**
 * The birth of a ledger, and how a process learns which ledger it stands before.
 *
 * Creation is race-free: row 1 goes to a temporary file, synced, then `link()` to `audit.jsonl`. Who comes second gets
 * EEXIST and obeys the winner. A missing ledger is created only where nothing says that there was one before.
 */
import { linkSync } from 'node:fs';
import { join } from 'node:path';
import { placeRow } from '../../core/chain';
import { ZERO_HASH } from '../../core/digest';
import { errnoOf, LedgerError } from '../../core/errors';
import type { Host } from '../../core/host';
import { ulidAt, ULID_RANDOM_BYTES } from '../../core/ids';
import { genesisRow, identityOf } from '../../core/ownRows';
import type { Identity, LockKind } from '../../core/ownRows';
import { completeObject } from '../../core/rowText';
import { formatTime } from '../../core/time';
import { ensureFolder, namesIn, readAt, removeFile, statOf, syncFolder, withFile } from '../files';
import { leaveNote, readLockNote } from '../lock/kernelLock';
import type { StatePaths } from '../paths';
import { createWhole } from '../wholeFile';
import { refuseToReplace } from './missing';

/** A first line is short: the origin is at most 256 characters. */
const FIRST_LINE_BYTES = 8 << 10;
const TEMPORARY = /^\.audit\.[0-9A-Z]{26}\.tmp$/;

/**
 * The identity of the ledger that is there.
 * @returns undefined where there is no ledger file
 * @throws as `identityIn`
 */
export function readIdentity(paths: StatePaths): Identity | undefined {
  if (statOf(paths.ledger) === undefined) return undefined;
  return withFile(paths.ledger, 'read', (fd) => identityIn(paths, fd));
}

/**
 * What the first row of an open ledger says; where it is broken, what the lock file says.
 * @throws LedgerError TAIL_TAMPERED where neither says which ledger it is
 */
export function identityIn(paths: StatePaths, fd: number): Identity {
  const start = readAt(fd, 0, FIRST_LINE_BYTES);
  const newline = start.indexOf(0x0a);
  const first = completeObject(newline < 0 ? start : start.subarray(0, newline));
  const identity = identityOf(first?.['payload']) ?? identityOf(lockNoteAsPayload(paths));
  if (identity !== undefined) return identity;
  throw new LedgerError(
    'TAIL_TAMPERED',
    `expected a ledger's first row in ${paths.ledger}, found ${describeStart(start)}`,
    {
      place: { segment: paths.ledger, line: 1, offset: 0 },
      hint: 'run "ledger verify"; if there never was a ledger here, move this file away (or bring it in with "ledger import")',
    },
  );
}

function describeStart(start: Buffer): string {
  return start.length === 0 ? 'an empty file' : 'another first line';
}

/** The lock file repeats the identity, in the same names as the genesis payload. */
function lockNoteAsPayload(paths: StatePaths): unknown {
  const note = readLockNote(paths.lock)?.note;
  return note === undefined ? undefined : { format: 'ledger/1', ...note };
}

/**
 * Creates a ledger, or obeys the one that another process created meanwhile.
 * @throws LedgerError LEDGER_MISSING where something says that there was one; the system's error where it cannot be written
 */
export function createLedger(
  paths: StatePaths,
  host: Host,
  choice: { readonly origin?: string; readonly lock: LockKind },
): Identity {
  refuseToReplace(paths);
  ensureFolder(paths.dir);
  const ledgerId = ulidAt(host.nowMs(), host.random(ULID_RANDOM_BYTES));
  const identity: Identity = { ledgerId, origin: choice.origin ?? `local/${ledgerId}`, lock: choice.lock };
  const temporary = join(paths.dir, `.audit.${ledgerId}.tmp`);
  createWhole(temporary, Buffer.from(firstLine(identity, host)));
  const created = linkOnce(temporary, paths.ledger);
  removeFile(temporary);
  syncFolder(paths.dir);
  if (created) {
    leaveNoteQuietly(paths, identity, host);
    return identity;
  }
  const winner = readIdentity(paths);
  if (winner !== undefined) return winner;
  throw new LedgerError(
    'LEDGER_MISSING',
    `expected the ledger ${paths.ledger}, found it gone right after it was created`,
    {
      place: { segment: paths.ledger },
    },
  );
}

/** The ledger is there: what goes wrong with its trace is made good by the first writer that takes the lock. */
function leaveNoteQuietly(paths: StatePaths, identity: Identity, host: Host): void {
  try {
    leaveNote(paths.lock, identity, host.pid);
  } catch {
    // No space, no descriptors: the append that follows meets the same and says so.
  }
}

function firstLine(identity: Identity, host: Host): string {
  const tsMs = host.nowMs();
  const { line } = placeRow(genesisRow(identity), {
    seq: 1,
    ts: formatTime(tsMs),
    id: ulidAt(tsMs, host.random(ULID_RANDOM_BYTES)),
    by: host.by,
    nonce: Buffer.from(host.random(16)).toString('base64url'),
    prevHash: ZERO_HASH,
    run: undefined,
    decision: undefined,
  });
  return `${line}\n`;
}

function linkOnce(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    // ENOENT: the winner's next writer has tidied our temporary name away.
    if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Removes the temporary names that a killed creator left. One that is the ledger's own second name is only that; one
 * that is not holds a row 1 that lost the race or was never linked, so nothing that anybody was promised.
 */
export function removeCreationLeftovers(paths: StatePaths): string[] {
  const leftovers = creationLeftovers(paths);
  for (const name of leftovers) removeFile(join(paths.dir, name));
  return leftovers;
}

/** The temporary names that a killed creator left, or one at work has. */
export function creationLeftovers(paths: StatePaths): string[] {
  return namesIn(paths.dir).filter((name) => TEMPORARY.test(name));
}
