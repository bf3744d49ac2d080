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
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const back = new Date(local);
  const exists =
    back.getUTCFullYear() === Number(year) &&
    back.getUTCMonth() === Number(month) - 1 &&
    back.getUTCDate() === Number(day) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60;
  const offset = offsetMinutes(zone);
  if (!exists || offset === undefined) return undefined;
  return local - offset * 60_000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
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

/** Whether a text has the stored form exactly. */
export function isStoredTime(text: string): boolean {
  return STORED.test(text) && parseRfc3339(text) !== undefined;
}
