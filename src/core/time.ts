/**
 * Moments. Stored times are RFC 3339, UTC, milliseconds, "Z": `2026-04-25T20:09:24.604Z`. Input may carry an offset
 * and more digits (cut, never rounded up into another millisecond); a date that no calendar has is refused.
 */

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Milliseconds since the epoch of an RFC 3339 date-time, or undefined where it is not one. */
export function parseRfc3339(text: string): number | undefined {
  const stored = storedTimeMs(text);
  const ms = Number.isNaN(stored) ? generalMs(text) : stored;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Milliseconds since the epoch of a moment in exactly the stored form; NaN for anything else. Read digit by digit: every row has one or two of them. */
export function storedTimeMs(text: string): number {
  if (text.length !== 24 || text.charCodeAt(23) !== 0x5a || text.charCodeAt(19) !== 0x2e) return NaN;
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d || text.charCodeAt(10) !== 0x54) return NaN;
  if (text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return NaN;
  return utcMs(text) + digits(text, 20, 3);
}

function generalMs(text: string): number {
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
  const date = dateMs(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
  return date + clockMs(digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2));
}

/** Midnight, UTC, of a day of the Gregorian calendar, as milliseconds since the epoch; NaN where there is no such day. */
export function dateMs(year: number, month: number, day: number): number {
  return isDate(year, month, day) ? dayNumber(year, month, day) * 86_400_000 : NaN;
}

/** Milliseconds since midnight; NaN where no clock shows that, or one of them is NaN: then every comparison is false. */
export function clockMs(hour: number, minute: number, second: number): number {
  return hour <= 23 && minute <= 59 && second <= 59 ? ((hour * 60 + minute) * 60 + second) * 1_000 : NaN;
}

/** NaN where one of the characters is no digit. */
function digits(text: string, from: number, length: number): number {
  let value = 0;
  for (let at = from; at < from + length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap day is their last. */
function dayNumber(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const marchMonth = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5) + day - 1;
  return marchYear * 365 + leapDays + dayOfYear - DAYS_TO_1970;
}

const DAYS_TO_1970 = 719_468;
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
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

const LEAP_YEAR = '(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const DATES = [
  '[0-9]{4}-(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])',
  '[0-9]{4}-(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)',
  '[0-9]{4}-02-(?:0[1-9]|1[0-9]|2[0-8])',
  `${LEAP_YEAR}-02-29`,
];
/** The stored form of every moment, and nothing else, as a regular expression. */
export const STORED_TIME = `(?:${DATES.join('|')})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z`;
const STORED = new RegExp(`^${STORED_TIME}$`);

/** Whether a text is a time, spelled exactly as it is stored: what `storedTimeMs` takes, in less time for a text that it is given. */
export function isStoredTime(text: string): boolean {
  return STORED.test(text);
}
