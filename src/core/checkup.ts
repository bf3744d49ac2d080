/** What `doctor` says: one line a matter, each ok or with what to do about it. */

export type Health = 'ok' | 'warn' | 'bad';

export interface Checkup {
  readonly name: string;
  readonly health: Health;
  readonly message: string;
  /** What to do; always there where the health is not ok. */
  readonly advice: string | null;
}

export const ok = (name: string, message: string): Checkup => ({ name, health: 'ok', message, advice: null });

export const warn = (name: string, message: string, advice: string): Checkup => ({
  name,
  health: 'warn',
  message,
  advice,
});

export const bad = (name: string, message: string, advice: string): Checkup => ({
  name,
  health: 'bad',
  message,
  advice,
});

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1.2 GB` */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** `3 h 12 min`, the two largest parts. */
export function spanText(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}
