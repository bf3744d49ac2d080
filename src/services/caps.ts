/** How every cap stands this moment, as a gate would see it: what was spent, what is reserved, what is left. */
import { paceOf } from '../core/burn';
import { capNames, percentOf } from '../core/caps';
import type { CapNames } from '../core/caps';
import { formatLocalSecond } from '../core/day';
import type { Zone } from '../core/day';
import { formatNanos } from '../core/money';
import { raisedOf } from '../core/override';
import type { Raised } from '../core/override';
import type { Reservation } from '../core/reservation';
import { inForce } from '../core/capState';
import type { CapState } from '../core/capState';
import { formatTime } from '../core/time';
import type { AppendEvents } from '../store/append/append';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import { hearsOf } from '../store/machine/child';
import { countSpilled } from '../store/spill/spillState';
import { spendNow } from '../store/spend/currentSpend';
import { learnOtherRuns } from '../store/spend/runSpend';
import { recordThresholds } from '../store/spend/recordThresholds';
import type { RecordedCrossing } from '../store/spend/recordThresholds';
import { checkCaps, spendRequest } from '../store/spend/spendPlan';

export interface CapNow extends CapNames {
  /** The period, or the run. */
  readonly period: string;
  /** What it is raised to at this moment; null where it is not. It is this that the rest is held against. */
  readonly raised: RaisedNow | null;
  readonly spent_usd: string;
  readonly reserved_usd: string;
  /** Of the cap, once what is reserved is spent; below 0 where it is passed. */
  readonly remaining_usd: string;
  /** Spent and reserved, of the cap; null for a cap of 0. */
  readonly percent: string | null;
  /** Whether more was spent than the cap: by rows that no gate was asked for, or settled for more than was reserved. */
  readonly over: boolean;
  /** Since the period began; null where there is not enough to say, and for runs and the last 24 hours. */
  readonly burn_usd_per_hour: string | null;
  /** What it will have cost at the end of the period if that goes on. */
  readonly forecast_usd: string | null;
  /** When it will be full if that goes on, reservations counted; null where it is, or the period ends before. */
  readonly full_at: string | null;
  readonly full_at_local: string | null;
}

export interface RaisedNow extends Raised {
  /** `until` on the wall clock of the ledger's zone. */
  readonly until_local: string;
}

export interface OpenReservation {
  readonly id: string;
  readonly est_usd: string;
  readonly expires_at: string;
  /** Those of its members that caps are narrowed to. */
  readonly members: Readonly<Record<string, string>>;
}

/** A threshold that was crossed and told of for the first time. */
export interface Crossed extends CapNow {
  readonly threshold: number;
  /** The row that says so. */
  readonly seq: number;
  readonly id: string;
  /** Whether the command that was to hear of it ended well; null where none was to. */
  readonly notified: boolean | null;
}

export interface CapsRequest {
  readonly place: Place;
  readonly nowMs: number;
  /** Whether crossed thresholds become rows. */
  readonly record: boolean;
  /** A shell command that gets each of them as a line of JSON, once. */
  readonly notify: string | undefined;
  readonly events: AppendEvents;
}

export interface CapsNow {
  readonly at: string;
  readonly timezone: string;
  readonly caps: readonly CapNow[];
  readonly reservations: readonly OpenReservation[];
  readonly over_cap: boolean;
  /** Rows that wait in a spill file: not in the sums, a gate chains them first. */
  readonly spilled_rows: number;
  /** Empty where nothing was to be recorded. */
  readonly crossed: readonly Crossed[];
}

/** @throws LedgerError NO_CAPS, LEDGER_MISSING, LEDGER_BROKEN, CONFIG_INVALID, READ_FAILED; as an append where it records */
export async function capsNow({ place, nowMs, record, notify, events }: CapsRequest): Promise<CapsNow> {
  const located = locate(place);
  checkCaps(located);
  presentSegments(located.paths);
  const request = spendRequest(place, located, nowMs);
  const { zone } = request.calendar();
  const tell = (one: RecordedCrossing): Crossed =>
    told(one, capNow(one.state, nowMs, zone), { notify, env: place.env });
  const crossed = record ? (await recordThresholds(place, events)).map(tell) : [];
  const spend = await spendNow(request);
  await learnOtherRuns(request, spend);
  const caps = spend.statesNow(nowMs).map((state) => capNow(state, nowMs, zone));
  return {
    at: formatLocalSecond(zone, nowMs),
    timezone: request.plan.zoneName,
    caps,
    reservations: spend.openAt(nowMs).map(openReservation),
    over_cap: caps.some(({ over }) => over),
    spilled_rows: countSpilled(located.paths),
    crossed,
  };
}

/** The row is there already: who is told twice stops listening, and who could not be told finds it. */
function told(
  { threshold, seq, id }: RecordedCrossing,
  cap: CapNow,
  { notify, env }: Pick<CapsRequest, 'notify'> & Pick<Place, 'env'>,
): Crossed {
  const facts = { ...cap, threshold, seq, id };
  const notified = notify === undefined ? null : hearsOf(notify, `${JSON.stringify(facts)}\n`, env);
  return { ...facts, notified };
}

function capNow(state: CapState, nowMs: number, zone: Zone): CapNow {
  const { cap, override, label, spentNanos, reservedNanos } = state;
  const { nanos } = inForce(state);
  const raised = raisedOf(override);
  const used = spentNanos + reservedNanos;
  return {
    ...capNames(cap),
    period: label,
    raised: override && raised ? { ...raised, until_local: formatLocalSecond(zone, override.untilMs) } : null,
    spent_usd: formatNanos(spentNanos),
    reserved_usd: formatNanos(reservedNanos),
    remaining_usd: formatNanos(nanos - used),
    percent: percentOf(used, nanos),
    over: spentNanos > nanos,
    ...paceMembers(state, nowMs, zone),
  };
}

function paceMembers(
  state: CapState,
  nowMs: number,
  zone: Zone,
): Pick<CapNow, 'burn_usd_per_hour' | 'forecast_usd' | 'full_at' | 'full_at_local'> {
  const pace = paceOf(state, nowMs);
  const usd = (nanos: bigint | undefined): string | null => (nanos === undefined ? null : formatNanos(nanos));
  return {
    burn_usd_per_hour: usd(pace?.perHourNanos),
    forecast_usd: usd(pace?.forecastNanos),
    full_at: pace?.fullMs === undefined ? null : formatTime(pace.fullMs),
    full_at_local: pace?.fullMs === undefined ? null : formatLocalSecond(zone, pace.fullMs),
  };
}

function openReservation({ id, nanos, expiresMs, members }: Reservation): OpenReservation {
  return { id, est_usd: formatNanos(nanos), expires_at: formatTime(expiresMs), members };
}
