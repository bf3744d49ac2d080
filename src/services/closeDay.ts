/** Closes a day: a row with what it cost, so that what comes in later shows as that, and not as another sum. */
import { HOUR_MS } from '../core/day';
import { CLOSED_BY } from '../core/dayClose';
import { LedgerError } from '../core/errors';
import { formatTime } from '../core/time';
import { parseDay } from '../core/when';
import type { AppendEvents } from '../store/append/append';
import { calendarOf } from '../store/ledger/calendar';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import { recordDayClose } from '../store/spend/recordDayClose';

export interface CloseDayRequest {
  readonly place: Place;
  /** As typed; else yesterday. */
  readonly day: string | undefined;
  readonly tz: string | undefined;
  readonly nowMs: number;
  readonly events: AppendEvents;
}

export interface CloseDayResult {
  readonly status: 'closed' | 'duplicate';
  readonly seq: number;
  readonly id: string;
  /** Whether it was closed before with another zone or start of the day than would be taken now. */
  readonly other_hours: boolean;
  readonly hours: number;
  /** What the row says. */
  readonly closed: Readonly<Record<string, unknown>>;
}

/** @throws LedgerError USAGE for a day that is not over, LEDGER_MISSING, and as `recordDayClose` does */
export async function closeDay(request: CloseDayRequest): Promise<CloseDayResult> {
  const { place, tz, nowMs, events } = request;
  const located = locate(place);
  presentSegments(located.paths);
  const calendar = calendarOf(place, located, tz);
  const day = parseDay(request.day ?? 'yesterday', { nowMs, calendar, flag: '--day' });
  if (day.endMs > nowMs) {
    const ends = `expected a day that is over, found ${day.label}, which ends at ${formatTime(day.endMs)}`;
    throw new LedgerError('USAGE', ends, { hint: 'what it has cost so far: ledger rollup' });
  }
  const scopes = located.config.caps.flatMap(({ scope }) => [...scope.keys()]);
  const by = [...new Set([...CLOSED_BY, ...scopes])];
  const { status, seq, id, payload } = await recordDayClose({ located, calendar, day, by, events });
  const since = formatTime(day.startMs);
  const until = formatTime(day.endMs);
  return {
    status,
    seq,
    id,
    other_hours: payload['since'] !== since || payload['until'] !== until,
    hours: (Date.parse(String(payload['until'])) - Date.parse(String(payload['since']))) / HOUR_MS,
    closed: payload,
  };
}
