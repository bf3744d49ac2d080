/** What became of a reservation: what was really spent, or that nothing was. */
import { LedgerError } from '../core/errors';
import type { JsonObject } from '../core/json';
import { parseCostNanos } from '../core/money';
import { closeReservation } from '../store/spend/closeReservation';
import type { CloseRequest, CloseResult } from '../store/spend/closeReservation';

export type { CloseResult } from '../store/spend/closeReservation';

export interface SettleRequest extends Omit<CloseRequest, 'cost'> {
  /** As typed: "0.42". */
  readonly costUsd: string;
}

/** @throws LedgerError as `closeReservation` does; USAGE for a cost that is no amount and members that the gate has fixed */
export function settle({ costUsd, ...request }: SettleRequest): Promise<CloseResult> {
  const cost = parseCostNanos(costUsd);
  if (cost === undefined || cost < 0) {
    throw new LedgerError(
      'USAGE',
      `expected --cost-usd to be an amount in USD such as 0.42, found ${JSON.stringify(costUsd)}`,
    );
  }
  checkFlags(request.flags);
  return closeReservation({ ...request, cost: BigInt(cost) });
}

/** @throws LedgerError as `settle` does */
export function release(request: Omit<CloseRequest, 'cost'>): Promise<CloseResult> {
  checkFlags(request.flags);
  return closeReservation({ ...request, cost: undefined });
}

function checkFlags(flags: JsonObject): void {
  const fixed = ['ref', 'idempotency_key', 'provenance', 'occurred_at'].find((name) => flags.has(name));
  if (fixed === undefined) return;
  throw new LedgerError('USAGE', `expected the reservation to set "${fixed}" itself, found it in a flag`, {
    place: { member: fixed },
    hint: 'leave it out',
  });
}
