/**
 * Times as people type them, in a zone: what `--since`, `--until` and `--day` take.
 *
 *   2026-11-21T10:00:00Z   2026-11-21 10:00   2026-11-21   today   yesterday   now   -90s -30m -1h -3d -2w   @1795255200
 *
 * A date alone means the first moment of that day (its `day_start`). Spans are exact: -1d is 24 hours, also across a
 * change of the clocks. `--since` is inclusive, `--until` exclusive.
 */
import { DAY_MS, dayAt, dayPeriod, dayStart, HOUR_MS, instantOf } from './day';
import type { Calendar, Period } from './day';
import { LedgerError } from './errors';
import { parseRfc3339 } from './time';

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[ Tt](\d{2}):(\d{2})(?::(\d{2}))?)?$/;
const SPAN = /^-(\d{1,9})(s|m|min|h|d|w)$/;
const EPOCH = /^@(-?\d{1,12})(?:\.(\d{1,9}))?$/;
const SPAN_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};
/** What a Date can hold. */
const MAX_MS = 8.64e15;

const DURATION = /^(\d{1,9})(s|m|min|h|d|w)$/;

/**
 * A span of time in ms: "90s", "10m", "2h", "1d".
 * @throws LedgerError USAGE
 */
export function parseDuration(text: string, flag: string): number {
  const match = DURATION.exec(text);
  if (match !== null) return Number(match[1]) * (SPAN_MS[match[2] as string] as number);
  throw new LedgerError('USAGE', `expected ${flag} to be a span of time, found ${JSON.stringify(text)}`, {
    hint: 'write 90s, 10m, 2h or 1d',
  });
}

export interface WhenOptions {
  readonly nowMs: number;
  readonly calendar: Calendar;
  /** The flag that the text came with, for the message. */
  readonly flag: string;
  /** Whether it is asked for a moment that is yet to come: `tomorrow` and `+2h` mean something then. */
  readonly ahead?: boolean;
}

/**
 * The moment that a text means, in ms.
 * @throws LedgerError USAGE
 */
export function parseWhen(text: string, options: WhenOptions): number {
  const { nowMs, calendar } = options;
  const day = namedDay(text, options);
  if (day !== undefined) return dayStart(calendar, day);
  if (text === 'now') return nowMs;
  const span = options.ahead === true ? spanAfter : spanBefore;
  const ms = parseRfc3339(text) ?? span(text, nowMs) ?? epoch(text) ?? localTime(text, calendar);
  if (ms === undefined || !(Math.abs(ms) <= MAX_MS)) throw notATime(text, options);
  return ms;
}

/**
 * The day that a text means: a date, `today`, `yesterday`, or the day that holds the moment it names.
 * @throws LedgerError USAGE, also for a day that the zone skipped
 */
export function parseDay(text: string, options: WhenOptions): Period {
  const { calendar } = options;
  const day = namedDay(text, options) ?? dayAt(calendar, parseWhen(text, options));
  const period = dayPeriod(calendar, day);
  if (period.startMs === period.endMs) {
    throw new LedgerError(
      'USAGE',
      `expected ${options.flag} to name a day that ${calendar.zone.name} had, found ${text}`,
      {
        hint: `the clocks of ${calendar.zone.name} skipped that day`,
      },
    );
  }
  return period;
}

/** The number of a day that is named as such. */
function namedDay(text: string, { nowMs, calendar, ahead }: WhenOptions): number | undefined {
  if (text === 'today') return dayAt(calendar, nowMs);
  if (text === 'tomorrow' && ahead === true) return dayAt(calendar, nowMs) + 1;
  if (text === 'yesterday') return dayAt(calendar, dayStart(calendar, dayAt(calendar, nowMs)) - 1);
  if (text.length !== 10) return undefined;
  const wall = wallClock(text);
  return wall === undefined ? undefined : wall / DAY_MS;
}

function localTime(text: string, calendar: Calendar): number | undefined {
  const wall = wallClock(text);
  return wall === undefined ? undefined : instantOf(calendar.zone, wall);
}

/** A wall-clock reading as the ms that it would have in UTC; undefined for what no calendar has. */
function wallClock(text: string): number | undefined {
  const match = LOCAL.exec(text);
  if (match === null) return undefined;
  const [, date, time] = /^(.{10})(?:.(.*))?$/.exec(text) ?? [];
  const clock = time === undefined ? '00:00:00' : time.padEnd(8, ':00');
  return parseRfc3339(`${date}T${clock}Z`);
}

function spanBefore(text: string, nowMs: number): number | undefined {
  const match = SPAN.exec(text);
  return match === null ? undefined : nowMs - Number(match[1]) * (SPAN_MS[match[2] ?? ''] ?? NaN);
}

/** "+2h". */
function spanAfter(text: string, nowMs: number): number | undefined {
  const match = text.startsWith('+') ? DURATION.exec(text.slice(1)) : null;
  return match === null ? undefined : nowMs + Number(match[1]) * (SPAN_MS[match[2] ?? ''] ?? NaN);
}

function epoch(text: string): number | undefined {
  const match = EPOCH.exec(text);
  if (match === null) return undefined;
  const fraction = Number((match[2] ?? '').slice(0, 3).padEnd(3, '0'));
  return Number(match[1]) * 1000 + fraction;
}

function notATime(text: string, { flag, ahead }: WhenOptions): LedgerError {
  const near = ahead === true ? 'tomorrow, now, +90m, +2h, +3d' : 'today, yesterday, now, -1h, -3d, -2w';
  return new LedgerError('USAGE', `expected ${flag} to be a time, found ${JSON.stringify(text)}`, {
    hint: `write 2026-01-31, "2026-01-31 10:00", 2026-01-31T10:00:00Z, ${near} or @1769853600`,
  });
}

/** The window flags of a command, as typed. */
export interface WindowFlags {
  readonly day?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** `[sinceMs, untilMs)`, infinite where it is open. */
export interface TimeWindow {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The name of the day, where the window is one. */
  readonly label: string | undefined;
}

/**
 * The window that flags mean; undefined where there are none.
 * @throws LedgerError USAGE for nonsense, for `--day` beside the others, and for a window that ends before it begins
 */
export function parseWindow(flags: WindowFlags, options: Omit<WhenOptions, 'flag'>): TimeWindow | undefined {
  const { day, since, until } = flags;
  if (day === undefined && since === undefined && until === undefined) return undefined;
  if (day !== undefined) {
    if (since !== undefined || until !== undefined) {
      throw new LedgerError('USAGE', 'expected either --day or --since and --until, found both');
    }
    const { startMs, endMs, label } = parseDay(day, { ...options, flag: '--day' });
    return { sinceMs: startMs, untilMs: endMs, label };
  }
  const sinceMs = since === undefined ? -Infinity : parseWhen(since, { ...options, flag: '--since' });
  const untilMs = until === undefined ? Infinity : parseWhen(until, { ...options, flag: '--until' });
  if (sinceMs >= untilMs) {
    throw new LedgerError('USAGE', `expected --until to be after --since, found ${since} and ${until}`, {
      hint: '--since is inclusive, --until exclusive: for one day, --day 2026-01-31, or --until the day after',
    });
  }
  return { sinceMs, untilMs, label: undefined };
}
