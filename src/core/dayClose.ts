/**
 * A day that was closed: a row that says what it had cost when somebody drew the line, and up to which row that was counted.
 *
 *   {"action":"spend.day-closed","idempotency_key":"close:2026-11-21","payload":{"day":"2026-11-21","since":"…","until":"…",
 *    "timezone":"Europe/Berlin","day_start":"00:00","through_seq":811,"head":"9f…","spent_usd":"4.1","rows":32,…,
 *    "by":{"agent":{"groups":[{"key":"coder","spent_usd":"3.9","rows":30},…],"others":{"keys":2,"spent_usd":"0.2","rows":2}}}}}
 *
 * A day is closed once. What comes in later for it stays visible as an adjustment of that row, never as another sum.
 */
import type { ClosedSpan, CloseSums } from './closeTally';
import type { CostGroup } from './costs';
import { dayPeriod, DAY_MS } from './day';
import type { Calendar, Period } from './day';
import { storedString } from './json';
import type { JsonObject } from './json';
import { toJson } from './json';
import type { Row } from './members';
import { formatNanos } from './money';
import { moneyLine, netOf, totalOf } from './rollup';
import type { ClosedDay } from './rollup';
import { DAY_CLOSED } from './spendActions';
import { formatTime, parseRfc3339 } from './time';

/** The members that a day is summed up by, beside those that caps are narrowed to; where rows have them. */
export const CLOSED_BY = ['agent', 'customer_id', 'model', 'playbook', 'action', 'run_id'];

export function closeKey(day: string): string {
  return `close:${day}`;
}

export interface DayTotals {
  readonly period: Period;
  readonly calendar: Calendar;
  /** The last row that was looked at. */
  readonly through: { readonly seq: number; readonly hash: string };
  /** All rows of the day, as one group or several. */
  readonly groups: readonly CostGroup[];
  readonly by: ReadonlyMap<string, readonly CostGroup[]>;
}

export function dayClosedRow({ period, calendar, through, groups, by }: DayTotals): JsonObject {
  const parts = [...by].filter(([, some]) => some.some(({ key }) => key !== null));
  const payload = {
    day: period.label,
    since: formatTime(period.startMs),
    until: formatTime(period.endMs),
    timezone: calendar.zone.name,
    day_start: formatTime(calendar.dayStartMs).slice(11, 16),
    through_seq: through.seq,
    head: through.hash,
    ...moneyLine(totalOf(groups)),
    by: Object.fromEntries(parts.map(([name, some]) => [name, dimension(some)])),
  };
  return new Map([
    ['action', DAY_CLOSED],
    ['idempotency_key', closeKey(period.label)],
    ['payload', toJson(payload)],
  ]);
}

/** A row holds 1 MiB: the dearest are named, the rest is one sum. */
const MAX_GROUPS = 50;
const MAX_KEY_CHARS = 200;

function dimension(groups: readonly CostGroup[]): object {
  const named = groups
    .filter(({ key }) => key !== null && storedString(key).length <= MAX_KEY_CHARS)
    .sort((a, b) => (netOf(a) === netOf(b) ? ((a.key ?? '') < (b.key ?? '') ? -1 : 1) : netOf(a) < netOf(b) ? 1 : -1))
    .slice(0, MAX_GROUPS);
  const kept = new Set(named);
  const others = groups.filter((group) => !kept.has(group));
  return {
    groups: named.map((group) => ({ key: group.key, ...sumOf([group]) })),
    // Those without that member are among them: `keys` does not count them.
    others: { keys: others.filter(({ key }) => key !== null).length, ...sumOf(others) },
  };
}

function sumOf(groups: readonly CostGroup[]): { readonly spent_usd: string; readonly rows: number } {
  const total = totalOf(groups);
  return { spent_usd: formatNanos(netOf(total)), rows: total.rows };
}

/** What a row says of the day that it closes. */
export interface DayClose {
  readonly seq: number;
  readonly ts: string;
  readonly day: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly calendarName: string;
  readonly throughSeq: number;
  readonly spentNanos: bigint;
}

/** Undefined for every row that closes no day. */
export function dayCloseOf(row: Row): DayClose | undefined {
  const {
    day,
    since,
    until,
    timezone,
    day_start: start,
    through_seq: throughSeq,
    spent_usd: spent,
  } = row.payload ?? {};
  if (row.action !== DAY_CLOSED || typeof day !== 'string' || row.idempotency_key !== closeKey(day)) return undefined;
  const sinceMs = parseRfc3339(String(since));
  const untilMs = parseRfc3339(String(until));
  if (parseRfc3339(`${day}T00:00:00Z`) === undefined) return undefined;
  if (sinceMs === undefined || untilMs === undefined || typeof throughSeq !== 'number') return undefined;
  const spentNanos = exactNanos(String(spent));
  if (spentNanos === undefined) return undefined;
  const calendarName = `${String(timezone)}, days start at ${String(start)}`;
  return { seq: row.seq, ts: row.ts, day, sinceMs, untilMs, calendarName, throughSeq, spentNanos };
}

/** A sum can be larger than any cost. */
function exactNanos(text: string): bigint | undefined {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const nanos = BigInt(`${match[2]}${(match[3] ?? '').padEnd(9, '0')}`);
  return match[1] === '-' ? -nanos : nanos;
}

/** Closed days of a window: those that are the very same day in this calendar, and those that are not. */
export interface ClosedDays {
  readonly alike: readonly (DayClose & ClosedSpan)[];
  readonly otherHours: readonly DayClose[];
}

/** The days of `[sinceMs, untilMs)` that rows close. */
export function closedDays(
  rows: readonly Row[],
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
  calendar: Calendar,
): ClosedDays {
  const alike: (DayClose & ClosedSpan)[] = [];
  const otherHours: DayClose[] = [];
  for (const close of rows.flatMap((row) => dayCloseOf(row) ?? [])) {
    const { startMs, endMs } = dayPeriod(calendar, (parseRfc3339(`${close.day}T00:00:00Z`) ?? NaN) / DAY_MS);
    const isWithin = startMs >= sinceMs && endMs <= untilMs;
    if (!isWithin) continue;
    if (startMs === close.sinceMs && endMs === close.untilMs) alike.push({ ...close, startMs, endMs });
    else otherHours.push(close);
  }
  return { alike, otherHours };
}

/** What became of the closed days, in order of time. */
export function closedDayLines({ alike, otherHours }: ClosedDays, sums: readonly CloseSums[]): readonly ClosedDay[] {
  const byStart = new Map(sums.map((one) => [one.startMs, one]));
  const compared = alike.map((close) => lineOf(close, byStart.get(close.startMs)));
  const others = otherHours.map((close) => ({
    ...named(close),
    state: 'other-hours' as const,
    counted_then_usd: null,
    adjusted_usd: null,
    adjusted_rows: null,
    now_usd: null,
    calendar: close.calendarName,
  }));
  return [...compared, ...others].sort((a, b) => (a.day < b.day ? -1 : 1));
}

function lineOf(close: DayClose, sums: CloseSums | undefined): ClosedDay {
  const before = sums?.beforeNanos ?? 0n;
  const after = sums?.afterNanos ?? 0n;
  const afterRows = sums?.afterRows ?? 0;
  return {
    ...named(close),
    state: before !== close.spentNanos ? 'changed' : afterRows > 0 ? 'adjusted' : 'as-closed',
    counted_then_usd: formatNanos(before),
    adjusted_usd: formatNanos(after),
    adjusted_rows: afterRows,
    now_usd: formatNanos(before + after),
    calendar: close.calendarName,
  };
}

function named({ day, seq, ts, spentNanos }: DayClose): Pick<ClosedDay, 'day' | 'seq' | 'closed_at' | 'closed_usd'> {
  return { day, seq, closed_at: ts, closed_usd: formatNanos(spentNanos) };
}
