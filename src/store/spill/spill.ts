/**
 * Where a row waits that could not be chained: `audit.spill.jsonl`, else the second place outside the state folder
 * (a full disk takes both the ledger and its neighbour). One O_APPEND write a record, synced; no lock is needed.
 *
 * A drainer renames the file before it reads it. So after the write, descriptor and path must be the same inode, else
 * the record may have come too late to be read, and is written again; a record that is read twice is chained once.
 *
 * A disk can fill up in the middle: rows that are on disk by then are spilled, the rest goes to the second place, and what
 * that does not take either is stored nowhere, in no part: its records are blanked.
 */
import { fstatSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { ZERO_HASH } from '../../core/digest';
import { LedgerError, orNothing } from '../../core/errors';
import type { Host } from '../../core/host';
import { ulidAt, ULID_RANDOM_BYTES } from '../../core/ids';
import type { CheckedRow } from '../../core/row';
import { formatSpillRecord, parseSpillRecord } from '../../core/spillRecord';
import type { SpilledAfter } from '../../core/spillRecord';
import type { Opening } from '../../core/seal';
import { formatTime } from '../../core/time';
import { closeQuietly, ensureFolder, openFile, statOf, syncData, syncFolder, withFile, writeAll } from '../files';
import type { StatePaths } from '../paths';
import { scanLines } from '../read/lines';
import { readTail } from '../read/tail';
import { keepOpenings, storeOpenings, takeBackOpenings } from '../sealed/openings';

const MAX_RENAMES_MET = 100;

export interface SpillReason {
  readonly error: LedgerError;
  readonly ledgerId: string | null;
  /** What the failed attempt had got to: the ledger's last row before it, the ids it gave. Undefined where it had no lock. */
  readonly attempt: { readonly after: SpilledAfter; readonly ids: readonly (string | undefined)[] } | undefined;
  /** Hears of the ids of the records before the first of them is written. */
  readonly onWriting?: ((ids: readonly string[]) => void) | undefined;
}

export interface Spilled {
  /** By row; undefined where neither place took it. */
  readonly ids: readonly (string | undefined)[];
  readonly path: string;
  /** Why rows are stored nowhere; undefined where all are stored. */
  readonly nowhere: LedgerError | undefined;
}

/** Rows that are stored together or not at all. */
interface Unit {
  readonly ids: readonly string[];
  readonly records: readonly Buffer[];
  readonly openings: readonly Opening[];
}

/**
 * Stores rows in a spill file: all in the first place, or what that does not take in the second. Durable when it returns.
 * @param calls how many of the rows belong together, in order, each call stored whole or not at all; default each for itself
 * @throws LedgerError STORED_NOWHERE where neither place takes any
 */
export function spillRows(
  paths: StatePaths,
  host: Host,
  rows: readonly CheckedRow[],
  reason: SpillReason,
  calls: readonly number[] = rows.map(() => 1),
): Spilled {
  const units = unitsOf(paths, host, rows, reason, calls);
  reason.onWriting?.(units.flatMap(({ ids }) => ids));
  const places = [new SpillPlace(paths.spill), new SpillPlace(paths.secondSpill)];
  // Without its openings a row would be chained with fields that nobody can show any more.
  const fault = openingsFault(paths, units);
  const barred = fault === undefined ? [] : units.filter(({ openings }) => openings.length > 0);
  let left = units.filter((unit) => !barred.includes(unit));
  let path = paths.spill;
  for (const place of places) {
    if (left.length === 0) continue;
    const stored = place.store(left);
    if (stored > 0) path = place.path;
    left = left.slice(stored);
  }
  const lost = new Set([...barred, ...left]);
  orNothing(() => keepOpenings(paths, openingsOf(units.filter((unit) => !lost.has(unit)))));
  if (lost.size === 0) return { ids: units.flatMap(({ ids }) => ids), path, nowhere: undefined };
  // What is in a file by half would come into the chain after its caller was told that it did not.
  const unsure = places.filter((place) => !place.takeBack(left)).map((place) => place.path);
  if (unsure.length === 0) takeBackOpenings(paths, openingsOf([...lost]));
  const causes = [
    ...(fault === undefined ? [] : [fault]),
    ...(left.length > 0 ? places.map(({ cause }) => cause) : []),
  ];
  const nowhere = storedNowhere(reason.error, causes, unsure);
  if (lost.size === units.length) throw nowhere;
  return { ids: units.flatMap((unit) => unit.ids.map((id) => (lost.has(unit) ? undefined : id))), path, nowhere };
}

function unitsOf(
  paths: StatePaths,
  host: Host,
  rows: readonly CheckedRow[],
  reason: SpillReason,
  calls: readonly number[],
): Unit[] {
  const nowMs = host.nowMs();
  const after = reason.attempt?.after ?? whereTheLedgerStands(paths);
  const { ledgerId, error } = reason;
  const shared = { ledgerId, spilledAt: formatTime(nowMs), why: error.code, after };
  const ids = rows.map((_, i) => reason.attempt?.ids[i] ?? ulidAt(nowMs, host.random(ULID_RANDOM_BYTES)));
  const records = rows.map((row, i) => Buffer.from(formatSpillRecord({ id: ids[i] as string, ...shared }, row)));
  let next = 0;
  return calls.map((count) => {
    const from = next;
    next += count;
    const openings = rows.slice(from, next).flatMap((row) => row.openings ?? []);
    return { ids: ids.slice(from, next), records: records.slice(from, next), openings };
  });
}

function openingsFault(paths: StatePaths, units: readonly Unit[]): unknown {
  try {
    storeOpenings(paths, openingsOf(units));
    return undefined;
  } catch (cause) {
    return cause;
  }
}

const openingsOf = (units: readonly Unit[]): Opening[] => units.flatMap(({ openings }) => openings);

function storedNowhere(error: LedgerError, causes: readonly unknown[], unsure: readonly string[]): LedgerError {
  const why = causes.map((cause) => (cause instanceof Error ? cause.message : String(cause))).join('; ');
  const rest =
    unsure.length === 0
      ? ''
      : `; it may stand in ${unsure.join(' and ')} all the same: look before it is appended again`;
  return new LedgerError(
    'STORED_NOWHERE',
    `the row could not be chained (${error.message}) nor spilled (${why})${rest}`,
    {
      hint: 'the whole row is printed on stderr: keep it, free some space ("ledger doctor"), and append it again',
      cause: error,
    },
  );
}

/** One spill file, while rows are written to it. */
class SpillPlace {
  cause: unknown;
  /** What was written and is not acknowledged may stand in the file with this inode, from `fromBytes` on. */
  #file: { readonly ino: number; readonly fromBytes: number } | undefined;
  /** What was written to a file that a drain took over may be chained. */
  #renamed = false;

  constructor(readonly path: string) {}

  /** Returns how many of the units, in order, are on disk: the rest was not written, or not whole. */
  store(units: readonly Unit[]): number {
    try {
      ensureFolder(dirname(this.path));
      for (let met = 0; met < MAX_RENAMES_MET; met++) {
        const stored = this.#write(units);
        if (stored !== undefined) return stored;
        this.#renamed = true;
      }
      throw new Error(`${this.path} was renamed ${MAX_RENAMES_MET} times while it was written`);
    } catch (cause) {
      this.cause = cause;
      return 0;
    }
  }

  /** Undefined: the file was renamed meanwhile, perhaps too early for a drain to have read all of it. */
  #write(units: readonly Unit[]): number | undefined {
    const fresh = statOf(this.path) === undefined;
    const fd = openFile(this.path, 'append-or-create');
    try {
      const { ino, size: fromBytes } = fstatSync(fd);
      this.#file = { ino, fromBytes };
      const written = this.#writeUnits(fd, units);
      // The record last: its sync also tells whether the file system stood until here.
      if (fresh) syncFolder(dirname(this.path));
      syncData(fd);
      return statOf(this.path)?.ino === ino ? written : undefined;
    } finally {
      closeQuietly(fd);
    }
  }

  #writeUnits(fd: number, units: readonly Unit[]): number {
    for (const [i, { records }] of units.entries()) {
      try {
        for (const record of records) writeAll(fd, record);
      } catch (cause) {
        this.cause = cause;
        return i;
      }
    }
    return units.length;
  }

  /**
   * Blanks what a failed attempt left of these units: blank lines mean nothing.
   * @returns false where that cannot be told: the disk refuses, or a drain has taken the file over
   */
  takeBack(units: readonly Unit[]): boolean {
    if (this.#file === undefined) return true;
    if (this.#renamed) return false;
    const { ino, fromBytes } = this.#file;
    const ids = new Set(units.flatMap((unit) => unit.ids));
    try {
      return withFile(this.path, 'update', (fd) => {
        if (fstatSync(fd).ino !== ino) return false;
        if (blankRecords(fd, fromBytes, ids) > 0) syncData(fd);
        return statOf(this.path)?.ino === ino;
      });
    } catch {
      return false;
    }
  }
}

/** In place: that takes no room on a full disk. */
function blankRecords(fd: number, fromBytes: number, ids: ReadonlySet<string>): number {
  let blanked = 0;
  scanLines(fd, fromBytes, fstatSync(fd).size, ({ block, start, end, offset, bytes }) => {
    const id = parseSpillRecord(block.subarray(start, end))?.id;
    if (id === undefined || !ids.has(id)) return;
    writeSync(fd, Buffer.alloc(bytes, '\n'), 0, bytes, offset);
    blanked++;
  });
  return blanked;
}

/** The last row. Read without the lock, so it may be older than the truth; a drain then looks a little further back. */
function whereTheLedgerStands(paths: StatePaths): SpilledAfter {
  try {
    const tail = withFile(paths.ledger, 'read', readTail);
    if (tail.kind === 'whole') return { seq: tail.head.seq, hash: tail.head.hash };
  } catch {
    // No ledger, or one that cannot be read: the drain looks at all of it.
  }
  return { seq: 0, hash: ZERO_HASH };
}
