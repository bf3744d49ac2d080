/**
 * Moments. Stored times are RFC 3339, UTC, milliseconds, "Z": `2026-04-25T20:09:24.604Z`. Input may carry an offset
 * and more digits (cut, never rounded up into another millisecond); a date that no calendar has is refused.
 */

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;
const STORED = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Milliseconds since the epoch of an RFC 3339 date-time, or undefined where it is not one. */
export function parseRfc3339(text: string): number | undefined {
  const ms = momentOf(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function momentOf(text: string): number {
  if (text.length === 24 && STORED.test(text)) {
    return utcMs(text) + digits(text, 20, 3);
  }
  const match = RFC3339.exec(text);
  if (match === null) return NaN;
  const [, , , , , , , fraction = '', zone = 'Z'] = match;
  const offset = offsetMinutes(zone);
  if (offset === undefined) return NaN;
  const ms = utcMs(text) - offset * 60_000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
  // An offset can lead out of the years that four digits can name.
  return ms < FIRST_MS || ms > LAST_MS ? NaN : ms;
}

/** The first 19 characters of a time (`2026-04-25T20:09:24`) as if they were UTC; NaN for a moment that no calendar has. */
function utcMs(text: string): number {
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)];
  const [hour, minute, second] = [digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)];
  if (hour > 23 || minute > 59 || second > 59 || !isDate(year, month, day)) return NaN;
  // Date.UTC takes a year below 100 for one of the twentieth century; 400 years have always the same number of days.
  const ms = Date.UTC(year < 100 ? year + 400 : year, month - 1, day, hour, minute, second);
  return year < 100 ? ms - MS_IN_400_YEARS : ms;
}

function digits(text: string, from: number, length: number): number {
  let value = 0;
  for (let at = from; at < from + length; at++) value = value * 10 + text.charCodeAt(at) - 0x30;
  return value;
}

const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const MS_IN_400_YEARS = 146_097 * 86_400_000;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDate(year: number, month: number, day: number): boolean {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day >= 1 && day <= (MONTH_DAYS[month - 1] ?? 0) + (leap ? 1 : 0);
}

function offsetMinutes(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** The stored form of a moment. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Whether a text has the stored form exactly, and is a time. */
export function isStoredTime(text: string): boolean {
  return hasStoredForm(text) && parseRfc3339(text) !== undefined;
}

/** Whether a text that is known to be a time is spelled as it is stored. */
export function hasStoredForm(text: string): boolean {
  return STORED.test(text);
}
