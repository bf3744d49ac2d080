/** How long ago something was, in one unit and at most six columns: `now`, `42 s`, `5 min`, `3 h`, `12 d`, `5 mo`, `2 y`. */
import { DAY_MS, HOUR_MS } from './day';

const STEPS: readonly (readonly [name: string, ms: number, below: number])[] = [
  ['s', 1_000, 60],
  ['min', 60_000, 60],
  ['h', HOUR_MS, 48],
  ['d', DAY_MS, 60],
  ['mo', 30.44 * DAY_MS, 24],
  ['y', 365.25 * DAY_MS, Infinity],
];

/** @param ms since then; what lies ahead has no past: empty */
export function agoText(ms: number): string {
  if (!(ms > -1_000)) return '';
  if (ms < 1_000) return 'now';
  for (const [name, unitMs, below] of STEPS) {
    const count = Math.floor(ms / unitMs);
    if (count < below) return `${count} ${name}`;
  }
  return '';
}
