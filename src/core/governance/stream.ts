/**
 * One stream as it was read: its rows, and whether they are what their writers wrote, in order and without a gap. What lies
 * between them in the ledger is for `verify` to say.
 */
import { ZERO_HASH } from '../digest';
import type { Row } from '../members';
import { isStoredTime } from '../time';
import { doneMs } from './finding';
import type { StreamName } from './finding';

export interface StreamRow {
  readonly row: Row;
  /** Whether the hash that the line declares is that of its bytes. */
  readonly isWhole: boolean;
}

export interface StreamIntegrity {
  readonly rows: number;
  readonly isIntact: boolean;
  /** In words; empty where all is as it should be. */
  readonly faults: readonly string[];
}

export function integrityOf({ kind }: StreamName, rows: readonly StreamRow[]): StreamIntegrity {
  const faults: string[] = [];
  const isRun = kind === 'run';
  let expected = 1;
  let hash = ZERO_HASH;
  for (const { row, isWhole } of rows) {
    const place = isRun ? row.run_seq : row.decision_seq;
    const link = isRun ? row.run_prev_hash : row.decision_prev_hash;
    if (!isWhole) faults.push(`row ${row.seq} is not what its writer wrote: its hash is wrong`);
    if (place !== expected) faults.push(placeFault(row.seq, place, expected));
    else if (link !== hash) faults.push(`row ${row.seq} is not linked to the row before it in the stream`);
    expected = (place ?? expected) + 1;
    hash = row.hash;
  }
  return { rows: rows.length, isIntact: faults.length === 0, faults };
}

function placeFault(seq: number, place: number | undefined, expected: number): string {
  if (place === undefined || place < expected)
    return `row ${seq} is number ${place ?? 'none'} of the stream, expected ${expected}`;
  const gone = place - expected === 1 ? `number ${expected} of the stream is` : `numbers ${expected} to ${place - 1} of the stream are`; // prettier-ignore
  return `${gone} gone: row ${seq} is number ${place}`;
}

/** When it happened, by who appended it; else, and where that is no time, when the ledger saw it. */
export function happenedAt({ occurred_at: said, ts }: Row): string {
  return typeof said === 'string' && isStoredTime(said) ? said : ts;
}

export function happenedMs(row: Row): number {
  return Date.parse(happenedAt(row));
}

/** `t=0`, `t+8s`, `t+9m`, `t+2h`, `t+3d`: as rough as one would say it. */
export function offsetText(ms: number): string {
  if (ms === 0) return 't=0';
  const sign = ms < 0 ? '-' : '+';
  const seconds = Math.floor(Math.abs(ms) / 1000);
  if (seconds >= 86_400) return `t${sign}${Math.floor(seconds / 86_400)}d`;
  if (seconds >= 3_600) return `t${sign}${Math.floor(seconds / 3_600)}h`;
  if (seconds >= 60) return `t${sign}${Math.floor(seconds / 60)}m`;
  return seconds >= 1 ? `t${sign}${seconds}s` : `t${sign}${Math.abs(ms)}ms`;
}

/** Whether it was set down later than it is said to have happened. */
export function isLate(row: Row): boolean {
  return row.occurred_at !== undefined && doneMs(row) - happenedMs(row) > 60_000;
}
