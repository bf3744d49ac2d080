/**
 * Crossed thresholds, as rows: once per cap, period and part, however often somebody looks, since each has a key.
 *
 *   {"action":"spend.threshold","idempotency_key":"threshold:5 USD per day:2026-11-22:0.8",
 *    "payload":{"threshold":0.8,"usd":"5","per":"day","period":"2026-11-22","spent_usd":"4.1","reserved_usd":"0"}}
 */
import { formatCap, isReached } from './caps';
import { formatNanos } from './money';
import { THRESHOLD } from './spendActions';
import { inForce, stateMembers } from './capState';
import type { CapState } from './capState';
import type { Json, JsonObject } from './json';

/** A part of a cap that was reached in a period. */
export interface Crossing {
  readonly threshold: number;
  readonly state: CapState;
  readonly key: string;
}

/**
 * Every part that is reached, the smallest first. What is reserved does not count: it may never be spent. Of a cap that
 * was raised they are parts of what it was raised to, and told of on their own.
 * @param today the label of the day: the last 24 hours are a period that has no end, and are told once a day
 */
export function crossingsOf(states: readonly CapState[], thresholds: readonly number[], today: string): Crossing[] {
  return states.flatMap((state) => {
    const period = state.cap.per === 'rolling_24h' ? today : state.label;
    return thresholds
      .filter((threshold) => isReached(inForce(state), state.spentNanos, threshold))
      .map((threshold) => ({ threshold, state, key: `threshold:${named(state)}:${period}:${threshold}` }));
  });
}

function named({ cap, override }: CapState): string {
  return `${formatCap(cap)}${override === undefined ? '' : ` raised to ${formatNanos(override.nanos)} USD`}`;
}

export function thresholdRow({ threshold, state, key }: Crossing): JsonObject {
  return new Map<string, Json>([
    ['action', THRESHOLD],
    ['idempotency_key', key],
    ['payload', new Map<string, Json>([['threshold', threshold], ...Object.entries(stateMembers(state))])],
  ]);
}
