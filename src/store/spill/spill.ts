/**
 * Where a row waits that could not be chained: `audit.spill.jsonl`, else the second place outside the state folder
 * (a full disk takes both the ledger and its neighbour). One O_APPEND write a record, synced; no lock is needed.
 *
 * A drainer renames the file before it reads it. So after the write, descriptor and path must be the same inode, else
 * the record may have come too late to be read, and is written again; a record that is read twice is chained once.
 */
import { fstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { ZERO_HASH } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import type { Host } from '../../core/host';
import { ulidAt, ULID_RANDOM_BYTES } from '../../core/ids';
import type { CheckedRow } from '../../core/row';
import { formatSpillRecord } from '../../core/spillRecord';
import type { SpilledAfter } from '../../core/spillRecord';
import { formatTime } from '../../core/time';
import { closeQuietly, ensureFolder, openFile, statOf, syncData, syncFolder, withFile, writeAll } from '../files';
import type { StatePaths } from '../paths';
import { readTail } from '../read/tail';

const MAX_RENAMES_MET = 100;

export interface SpillReason {
  readonly error: LedgerError;
  readonly ledgerId: string | null;
  /** What the failed attempt had got to: the ledger's last row before it, the ids it gave. Undefined where it had no lock. */
  readonly attempt: { readonly after: SpilledAfter; readonly ids: readonly (string | undefined)[] } | undefined;
}

export interface Spilled {
  readonly ids: readonly string[];
  readonly path: string;
}

/**
 * Stores rows in a spill file. Durable when it returns.
 * @throws LedgerError STORED_NOWHERE where neither place takes them
 */
export function spillRows(paths: StatePaths, host: Host, rows: readonly CheckedRow[], reason: SpillReason): Spilled {
  const nowMs = host.nowMs();
  const ids = rows.map((_, i) => reason.attempt?.ids[i] ?? ulidAt(nowMs, host.random(ULID_RANDOM_BYTES)));
  const after = reason.attempt?.after ?? whereTheLedgerStands(paths);
  const { ledgerId, error } = reason;
  const shared = { ledgerId, spilledAt: formatTime(nowMs), why: error.code, after };
  const records = rows.map((row, i) => Buffer.from(formatSpillRecord({ id: ids[i] as string, ...shared }, row)));
  const causes: unknown[] = [];
  for (const path of [paths.spill, paths.secondSpill]) {
    try {
      writeRecords(path, records);
      return { ids, path };
    } catch (cause) {
      causes.push(cause);
    }
  }
  const why = causes.map((cause) => (cause instanceof Error ? cause.message : String(cause))).join('; ');
  throw new LedgerError('STORED_NOWHERE', `the row could not be chained (${error.message}) nor spilled (${why})`, {
    hint: 'the whole row is printed on stderr: keep it, free some space ("ledger doctor"), and append it again',
    cause: error,
  });
}

function writeRecords(path: string, records: readonly Buffer[]): void {
  ensureFolder(dirname(path));
  for (let met = 0; met < MAX_RENAMES_MET; met++) {
    const fresh = statOf(path) === undefined;
    const fd = openFile(path, 'append-or-create');
    try {
      for (const record of records) writeAll(fd, record);
      // The record last: its sync also tells whether the file system stood until here.
      if (fresh) syncFolder(dirname(path));
      syncData(fd);
      if (statOf(path)?.ino === fstatSync(fd).ino) return;
    } finally {
      closeQuietly(fd);
    }
  }
  throw new Error(`${path} was renamed ${MAX_RENAMES_MET} times while it was written`);
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
