/**
 * Days as people count them: from one local midnight (or `day_start`) to the next in a named zone, so a day has 23, 24
 * or 25 hours, and one that a zone skipped has none. Weeks are ISO weeks (Monday), months calendar months.
 *
 *   Europe/Berlin, day_start 00:00: day 2026-10-25 is 2026-10-24T22:00Z to 2026-10-25T23:00Z, 25 hours
 *
 * Days are numbered from 1970-01-01 = 0. A local time that occurs twice means its first moment; one that a zone skips
 * means the moment of the skip. So periods never overlap and leave no gap.
 */
import { LedgerError } from './errors';

/** A zone: what to add to UTC to get the wall clock, in ms, at a moment. */
export interface Zone {
  readonly name: string;
  readonly offsetMs: (ms: number) => number;
}

export interface Calendar {
  readonly zone: Zone;
  /** Where a day starts on the wall clock, in ms after midnight; below 24 hours. */
  readonly dayStartMs: number;
}

export type PeriodUnit = 'hour' | 'day' | 'week' | 'month';

/** `[startMs, endMs)`. */
export interface Period {
  readonly unit: PeriodUnit;
  readonly label: string;
  readonly startMs: number;
  readonly endMs: number;
}

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Year 1000: no zone changed before, and Date.UTC reads years below 100 as 19xx. */
const EARLIEST_MS = -30_610_224_000_000;
const FIXED = /^([+-])(\d{2}):(\d{2})$/;
const WALL = /^(\d+)-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})$/;

/**
 * A zone by its IANA name ("Europe/Berlin"), "UTC", or a fixed offset ("+05:30").
 * @throws LedgerError USAGE for a name that this runtime does not know
 */
export function openZone(name: string): Zone {
  if (name === 'UTC' || name === 'Z') return { name: 'UTC', offsetMs: () => 0 };
  const fixed = FIXED.exec(name);
  if (fixed !== null && Number(fixed[2]) < 24 && Number(fixed[3]) < 60) {
    const size = Number(fixed[2]) * HOUR_MS + Number(fixed[3]) * 60_000;
    const offset = fixed[1] === '-' ? -size : size;
    return { name, offsetMs: () => offset };
  }
  return intlZone(name);
}

function intlZone(name: string): Zone {
  // Swedish, because its short form is the ISO one: "2026-10-25 02:00:00".
  const wall = openFormat(name);
  return {
    name,
    offsetMs: (ms) => {
      const second = Math.floor(Math.max(ms, EARLIEST_MS) / 1000) * 1000;
      const match = WALL.exec(wall.format(second));
      if (match === null) throw new LedgerError('INVARIANT', `internal: unexpected wall clock of ${name} at ${ms}`);
      const [year, month, day, hour, minute, sec] = match.slice(1).map(Number) as [number, number, number, ...number[]];
      return Date.UTC(year, month - 1, day, hour, minute, sec) - second;
    },
  };
}

function openFormat(name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone: name, dateStyle: 'short', timeStyle: 'medium' });
  } catch (error) {
    throw new LedgerError(
      'USAGE',
      `expected a time zone such as Europe/Berlin, UTC or +02:00, found ${JSON.stringify(name)}`,
      { cause: error },
    );
  }
}

/** The moment of a wall-clock time, given as the ms that the same reading would have in UTC. */
export function instantOf(zone: Zone, wallMs: number): number {
  const before = zone.offsetMs(wallMs - DAY_MS);
  const after = zone.offsetMs(wallMs + DAY_MS);
  const first = wallMs - before;
  if (zone.offsetMs(first) === before) return first;
  const second = wallMs - after;
  if (zone.offsetMs(second) === after) return second;
  return skipBetween(zone, wallMs - DAY_MS, wallMs + DAY_MS);
}

/** The first moment after `lowMs` that has another offset than `lowMs`, where there is just one change before `highMs`. */
function skipBetween(zone: Zone, lowMs: number, highMs: number): number {
  const offset = zone.offsetMs(lowMs);
  let low = lowMs;
  let high = highMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetMs(middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

/** The first moment of a day. */
export function dayStart(calendar: Calendar, day: number): number {
  return instantOf(calendar.zone, day * DAY_MS + calendar.dayStartMs);
}

/** The number of the day that holds a moment. */
export function dayAt(calendar: Calendar, ms: number): number {
  let day = Math.floor((ms + calendar.zone.offsetMs(ms) - calendar.dayStartMs) / DAY_MS);
  while (dayStart(calendar, day) > ms) day--;
  while (dayStart(calendar, day + 1) <= ms) day++;
  return day;
}

/** The period of a unit that holds a moment. Hours are counted from the day's start: whole clock hours, but for the rest of a day that a zone changed by half an hour. */
export function periodAt(calendar: Calendar, unit: PeriodUnit, ms: number): Period {
  const day = dayAt(calendar, ms);
  if (unit === 'hour') return hourAt(calendar, day, ms);
  const [first, next] = dayRange(unit, day);
  return {
    unit,
    label: labelOf(unit, first),
    startMs: dayStart(calendar, first),
    endMs: dayStart(calendar, next),
  };
}

/** One day by its number; empty where the zone skipped it. */
export function dayPeriod(calendar: Calendar, day: number): Period {
  return {
    unit: 'day',
    label: labelOf('day', day),
    startMs: dayStart(calendar, day),
    endMs: dayStart(calendar, day + 1),
  };
}

function hourAt(calendar: Calendar, day: number, ms: number): Period {
  const start = dayStart(calendar, day);
  const startMs = start + Math.floor((ms - start) / HOUR_MS) * HOUR_MS;
  return {
    unit: 'hour',
    label: formatLocal(calendar.zone, startMs).replace(/:00([+-])/, '$1'),
    startMs,
    endMs: Math.min(startMs + HOUR_MS, dayStart(calendar, day + 1)),
  };
}

/** The first day of the unit that holds `day`, and the first of the next one. */
function dayRange(unit: Exclude<PeriodUnit, 'hour'>, day: number): readonly [number, number] {
  if (unit === 'day') return [day, day + 1];
  if (unit === 'week') {
    const monday = day - ((((day + 3) % 7) + 7) % 7);
    return [monday, monday + 7];
  }
  const date = new Date(day * DAY_MS);
  const first = (months: number): number => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1) / DAY_MS;
  return [first(0), first(1)];
}

function labelOf(unit: Exclude<PeriodUnit, 'hour'>, day: number): string {
  const text = new Date(day * DAY_MS).toISOString();
  if (unit === 'day') return text.slice(0, 10);
  if (unit === 'month') return text.slice(0, 7);
  // An ISO week belongs to the year of its Thursday.
  const thursday = day + 3;
  const year = new Date(thursday * DAY_MS).getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1) / DAY_MS) / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** The same to the second, whatever the moment. */
export function formatLocalSecond(zone: Zone, ms: number): string {
  return formatLocal(zone, Math.floor(ms / 1000) * 1000);
}

/** A moment on the zone's wall clock with its offset: `2026-10-25T02:30:00+01:00`. Offsets are shown to the minute. */
export function formatLocal(zone: Zone, ms: number): string {
  const offset = zone.offsetMs(ms);
  const minutes = Math.floor(Math.abs(offset) / 60_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const wall = new Date(ms + offset).toISOString().replace(/\.000Z$|Z$/, '');
  return `${wall}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
