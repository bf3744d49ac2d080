/**
 * Moments. Stored times are RFC 3339, UTC, milliseconds, "Z": `2026-04-25T20:09:24.604Z`. Input may carry an offset
 * and more digits (cut, never rounded up into another millisecond); a date that no calendar has is refused.
 */

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;
const STORED = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Milliseconds since the epoch of an RFC 3339 date-time, or undefined where it is not one. */
export function parseRfc3339(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const offset = offsetMinutes(zone);
  const inDay = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  if (offset === undefined || !inDay || !isDate(Number(year), Number(month), Number(day))) return undefined;
  const local = Date.UTC(2000, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  // Date.UTC takes years below 100 for 1900 and later.
  const utc = new Date(local).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return utc - offset * 60_000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
}

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
