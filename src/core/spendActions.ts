/** The rows that tell of caps and what was asked of them, by their action. They have no cost themselves: none is missing. */
import { isAccessAction } from './accessActions';

export const RESERVED = 'spend.reserved';
export const REFUSED = 'spend.refused';
export const RELEASED = 'spend.released';
export const THRESHOLD = 'spend.threshold';
export const OVERRIDE = 'spend.override';
export const DAY_CLOSED = 'spend.day-closed';
/** A reservation that was settled, where nobody said what for: the one of these rows that has a cost. */
export const SETTLED = 'spend.settled';

const COSTLESS: ReadonlySet<unknown> = new Set([RESERVED, REFUSED, RELEASED, THRESHOLD, OVERRIDE, DAY_CLOSED]);

export function isCostless(action: unknown): boolean {
  return COSTLESS.has(action);
}

/** Whether nothing is missing where a row has no cost: the program wrote it on its own account. */
export function hasNoCost(action: unknown): boolean {
  return COSTLESS.has(action) || isAccessAction(action);
}
