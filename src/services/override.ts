/** Raises a cap for a time: on somebody's word, and on the record. */
import { capNames } from '../core/caps';
import type { Cap, CapNames } from '../core/caps';
import { formatLocalSecond } from '../core/day';
import { environmentDefaults } from '../core/defaults';
import { LedgerError } from '../core/errors';
import type { Json, JsonObject } from '../core/json';
import { formatNanos, parseCostNanos } from '../core/money';
import { capNamed, MAX_OVERRIDE_MS } from '../core/override';
import { formatTime } from '../core/time';
import { parseWhen } from '../core/when';
import type { AppendEvents } from '../store/append/append';
import { calendarOf } from '../store/ledger/calendar';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { Secrets } from '../store/secrets/secrets';
import { recordOverride } from '../store/spend/recordOverride';
import { checkCaps } from '../store/spend/spendPlan';

export interface OverrideRequest {
  readonly place: Place;
  /** Which cap, as typed: "day,agent=coder". */
  readonly cap: string;
  /** What may be spent while it holds, as typed; undefined where it ends another. */
  readonly usd: string | undefined;
  /** As typed: "tomorrow", "+2h"; "now" ends the one that holds. */
  readonly until: string;
  readonly reason: string;
  /** Who says so, and on whose authority; else as the environment says. */
  readonly actor: string | undefined;
  readonly authority: string | undefined;
  /** The zone of `--tz`. */
  readonly tz: string | undefined;
  readonly nowMs: number;
  readonly events: AppendEvents;
}

export interface OverrideResult extends CapNames {
  readonly status: 'raised' | 'ended';
  /** Null where an override was ended. */
  readonly raised_to_usd: string | null;
  readonly until: string;
  /** The same on the wall clock of the ledger's zone. */
  readonly until_local: string;
  readonly reason: string;
  readonly actor: string | null;
  readonly authority: string | null;
  readonly seq: number;
  readonly id: string;
  /** The row of the override that held until now; null where none did. */
  readonly replaced_seq: number | null;
}

/** @throws LedgerError USAGE, NO_CAPS, and as `recordOverride` does */
export async function override(request: OverrideRequest): Promise<OverrideResult> {
  const { place, tz, reason, events } = request;
  const located = locate(place);
  checkCaps(located);
  if (reason.trim() === '') throw new LedgerError('USAGE', 'expected --reason to say why, found nothing');
  const cap = capNamed(located.config.caps, request.cap);
  const calendar = calendarOf(place, located, tz);
  const atMs = parseWhen(request.until, { nowMs: request.nowMs, calendar, flag: '--until', ahead: true });
  const raise = raiseOf(request, cap, atMs);
  const said = new Map<string, Json>([...Object.entries(whoOf(request)), ['reason', reason]]);
  const members = new Secrets(located.config.secrets).cleaned(said, events.onOmitted ?? (() => undefined), false);
  const { seq, id, untilMs, replaced } = await recordOverride({ place, cap, raise, members, events });
  return {
    status: raise === undefined ? 'ended' : 'raised',
    ...capNames(cap),
    raised_to_usd: raise === undefined ? null : formatNanos(raise.nanos),
    until: formatTime(untilMs),
    until_local: formatLocalSecond(calendar.zone, untilMs),
    ...saidIn(members),
    seq,
    id,
    replaced_seq: replaced?.seq ?? null,
  };
}

/** As it was stored: a hash may stand in the place of a secret. */
function saidIn(members: JsonObject): Pick<OverrideResult, 'reason' | 'actor' | 'authority'> {
  const text = (name: string): string | null => (members.get(name) as string | undefined) ?? null;
  return { reason: text('reason') ?? '', actor: text('actor'), authority: text('authority') };
}

function raiseOf(
  { usd, until, nowMs }: OverrideRequest,
  cap: Cap,
  untilMs: number,
): { readonly nanos: bigint; readonly untilMs: number } | undefined {
  if (until === 'now') {
    if (usd === undefined) return undefined;
    throw new LedgerError('USAGE', 'expected no --usd with "--until now", which ends an override, found one');
  }
  const nanos = usd === undefined ? undefined : parseCostNanos(usd);
  if (nanos === undefined || nanos <= cap.nanos) {
    const wanted = `expected --usd to be what may be spent in all while it holds, above ${formatNanos(cap.nanos)}`;
    throw new LedgerError('USAGE', `${wanted}, found ${usd === undefined ? 'nothing' : JSON.stringify(usd)}`, {
      hint: 'to lower a cap, change the config; to end an override, --until now',
    });
  }
  if (untilMs <= nowMs || untilMs > nowMs + MAX_OVERRIDE_MS) {
    const found = untilMs <= nowMs ? 'a moment that has passed' : formatTime(untilMs);
    throw new LedgerError('USAGE', `expected --until within the next 31 days, found ${found}`, {
      hint: 'for instance --until +2h, --until tomorrow; for good, raise the cap in the config',
    });
  }
  return { nanos: BigInt(nanos), untilMs };
}

function whoOf({ place, actor, authority }: OverrideRequest): { readonly actor?: string; readonly authority?: string } {
  const around = environmentDefaults(place.env);
  const given = { actor: actor ?? around.get('actor'), authority: authority ?? around.get('authority') };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value === 'string'));
}
