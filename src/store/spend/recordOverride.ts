/**
 * Raises a cap for a time, or ends that: a row, written under the lock in which gates look. It never waits in the spill
 * file: a gate that does not see it would refuse what was allowed, or allow what no longer is.
 */
import type { Cap } from '../../core/caps';
import { LedgerError } from '../../core/errors';
import type { JsonObject } from '../../core/json';
import { formatCap } from '../../core/caps';
import { overrideRow } from '../../core/override';
import type { Override } from '../../core/override';
import { checkRow } from '../../core/row';
import type { AppendEvents } from '../append/append';
import { locate } from '../ledger/locate';
import type { Place } from '../ledger/locate';
import { presentSegments } from '../ledger/segments';
import { Sealing } from '../sealed/sealing';
import { decideUnderCaps } from './underCaps';

export interface OverrideWish {
  readonly place: Place;
  readonly cap: Cap;
  /** Undefined ends the override that holds. */
  readonly raise: { readonly nanos: bigint; readonly untilMs: number } | undefined;
  /** Who says so, and why. */
  readonly members: JsonObject;
  readonly events: AppendEvents;
}

export interface RecordedOverride {
  readonly seq: number;
  readonly id: string;
  readonly untilMs: number;
  /** The one that held until now. */
  readonly replaced: Override | undefined;
}

/**
 * @throws LedgerError NOT_FOUND where there is none to end, LEDGER_BROKEN, a refusal code, and whatever kept the row from
 *   the disk: then all is as it was
 */
export async function recordOverride({ place, cap, raise, members, events }: OverrideWish): Promise<RecordedOverride> {
  const located = locate(place);
  presentSegments(located.paths);
  return decideUnderCaps({ place, located, events }, ({ judge, nowMs, placer }) => {
    const replaced = judge.overrideOf(cap);
    if (raise === undefined && replaced === undefined) {
      throw new LedgerError('NOT_FOUND', `expected an override of ${formatCap(cap)} to end, found none that holds`);
    }
    const untilMs = raise?.untilMs ?? nowMs;
    const row = checkRow(overrideRow(cap, { nanos: raise?.nanos, untilMs }, members), { nowMs });
    return Promise.resolve({ ...placer.place(new Sealing(located).sealedOwn(row)), untilMs, replaced });
  });
}
