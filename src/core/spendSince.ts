/** Since when rows are needed to tell what was spent and reserved by now. */
import { rollingStart } from './caps';
import type { Cap } from './caps';
import type { Period } from './day';
import { MAX_TTL_MS } from './reservation';

/** Sums are made of rows from so long before they are needed, so that a clock may be set back a little. */
export const SPARE_MS = 3_600_000;

/**
 * Since when rows count in some cap, or may hold an open reservation.
 * @param periods those of the caps' units that hold `nowMs`
 */
export function neededSince(caps: readonly Cap[], nowMs: number, periods: readonly Period[]): number {
  return Math.min(spareSince(caps, nowMs) - SPARE_MS, ...periods.map(({ startMs }) => startMs));
}

export function spareSince(caps: readonly Cap[], nowMs: number): number {
  const rolling = caps.some(({ per }) => per === 'rolling_24h') ? rollingStart(nowMs) : Infinity;
  return Math.min(rolling, nowMs - MAX_TTL_MS);
}
