/**
 * `audit.spend`: what was spent and reserved as of one row, so that a gate reads the rows since and not a month of them.
 * A shortcut, never a promise: it is written without a sync after the commit that it tells of, and counts only where it
 * is whole, of these very caps, and the row that it goes up to still stands in its place. Else the ledger is read again.
 *
 *   {"version":3,"plan":"<the caps, the zone and the day's start>","record":{…},"sum":"<sha256 of what is before>"}
 */
import { renameSync } from 'node:fs';
import type { Cap } from '../../core/caps';
import { HASH_SUFFIX_BYTES, hashSuffix } from '../../core/chain';
import { sha256Hex } from '../../core/digest';
import { orNothing } from '../../core/errors';
import { Spend } from '../../core/spend';
import type { SpendRecord, Through } from '../../core/spendRecord';
import { parseSummed, summedText } from '../../core/summed';
import { readAt, readWhole, statOf, withFile, writeAll } from '../files';
import type { StatePaths } from '../paths';

const VERSION = 3;

/** What the sums are of: other caps, or another calendar, make other sums. */
export interface SpendPlan {
  readonly caps: readonly Cap[];
  readonly zoneName: string;
  readonly dayStartMs: number;
}

interface Stored {
  readonly version: number;
  readonly plan: string;
  readonly record: SpendRecord;
}

/** What is stored, where it is whole and of this plan; whether it still holds is for `standsIn` and `moveTo` to tell. */
export function readSpend({ spend: path }: StatePaths, plan: SpendPlan): Spend | undefined {
  const stored = parseSummed(orNothing(() => readWhole(path))?.toString('utf8') ?? '') as Stored | undefined;
  if (stored?.version !== VERSION || stored.plan !== planText(plan)) return undefined;
  return orNothing(() => Spend.fromRecord(plan.caps, stored.record));
}

/** Whether the row that everything up to is in still stands where it stood. */
export function standsIn(ledgerFd: number, { bytes, hash }: Through): boolean {
  if (bytes === 0) return true;
  const end = Buffer.from(`${hashSuffix(hash)}\n`);
  return readAt(ledgerFd, Math.max(0, bytes - HASH_SUFFIX_BYTES - 1), HASH_SUFFIX_BYTES + 1).equals(end);
}

/** Under the ledger's lock. A disk that does not take it costs time at the next gate, nothing else. */
export function writeSpend(paths: StatePaths, plan: SpendPlan, spend: Spend, nowMs: number): void {
  const stored: Stored = { version: VERSION, plan: planText(plan), record: spend.toRecord(nowMs) };
  const { spend: path } = paths;
  // Who reads it without the lock finds the old one or the new one, and never a half.
  const fresh = `${path}.tmp`;
  orNothing(() => {
    const mode = statOf(fresh) === undefined ? 'create' : 'truncate';
    withFile(fresh, mode, (fd) => writeAll(fd, Buffer.from(summedText(stored))));
    renameSync(fresh, path);
  });
}

function planText({ caps, zoneName, dayStartMs }: SpendPlan): string {
  const spelled = caps.map(({ nanos, per, scope }) => [String(nanos), per, ...scope]);
  return sha256Hex(JSON.stringify([spelled, zoneName, dayStartMs]));
}
