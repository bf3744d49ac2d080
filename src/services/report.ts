/** `ledger report`: what was done in a day or a week, beside what it cost (`rollup`). */
import { ActivityTally } from '../core/activity';
import type { Activity } from '../core/activity';
import type { Head } from '../core/chain';
import { dayAt, dayPeriod, dayStart, formatLocal, formatLocalSecond, periodAt } from '../core/day';
import type { Calendar, Period } from '../core/day';
import { orNothing } from '../core/errors';
import { formatTime } from '../core/time';
import { completeObject } from '../core/rowText';
import { parseDay } from '../core/when';
import { closeQuietly } from '../store/files';
import { calendarOf } from '../store/ledger/calendar';
import { identityIn } from '../store/ledger/genesis';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { matchingLines } from '../store/query/matchingLines';
import { openQuery } from '../store/query/openQuery';
import type { QueryNotes } from '../store/query/openQuery';

export type ReportSpan = 'daily' | 'weekly';

export interface ReportRequest {
  readonly place: Place;
  readonly tz?: string | undefined;
  readonly nowMs: number;
  readonly span: ReportSpan;
  /** A day in the span, as typed; undefined: the last one that is over. */
  readonly day?: string | undefined;
}

export interface ActivityReport {
  readonly span: ReportSpan;
  /** Of the period, and what rollup is to be asked for. */
  readonly label: string;
  readonly since: string;
  readonly until: string;
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
  readonly isOver: boolean;
  readonly madeAt: string;
  readonly ledgerId: string | undefined;
  readonly origin: string | undefined;
  readonly head: Head | undefined;
  readonly activity: Activity;
  readonly notes: QueryNotes;
}

/** @throws LedgerError USAGE, CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED */
export async function reportActivity(request: ReportRequest): Promise<ActivityReport> {
  const { place, nowMs, tz, span } = request;
  const calendar = calendarOf(place, locate(place), tz);
  const period = periodOf(request, calendar);
  const [since, until] = [formatTime(period.startMs), formatTime(period.endMs)];
  const opened = await openQuery({ place, tz, nowMs, terms: [], since, until }, undefined);
  const { end, filter, wanted, notes, paths } = opened;
  try {
    const tally = new ActivityTally();
    for await (const batch of matchingLines(wanted.lines, filter, { backwards: false, broken: notes.broken }))
      for (const { line } of batch) tally.add(completeObject(line) ?? {});
    // A first row that is broken keeps nobody from a report.
    const identity = orNothing(() => identityIn(paths, end.fd));
    return {
      span,
      label: period.label,
      since,
      until,
      from: formatLocal(calendar.zone, period.startMs),
      to: formatLocal(calendar.zone, period.endMs),
      timezone: calendar.zone.name,
      isOver: nowMs >= period.endMs,
      madeAt: formatLocalSecond(calendar.zone, nowMs),
      ledgerId: identity?.ledgerId,
      origin: identity?.origin,
      head: end.head,
      activity: tally.result(),
      notes,
    };
  } finally {
    closeQuietly(end.fd);
  }
}

function periodOf({ span, day, nowMs }: ReportRequest, calendar: Calendar): Period {
  if (day !== undefined) {
    const named = parseDay(day, { nowMs, calendar, flag: '--day' });
    return span === 'daily' ? named : periodAt(calendar, 'week', named.startMs);
  }
  if (span === 'daily') return dayPeriod(calendar, dayAt(calendar, dayStart(calendar, dayAt(calendar, nowMs)) - 1));
  return periodAt(calendar, 'week', periodAt(calendar, 'week', nowMs).startMs - 1);
}
