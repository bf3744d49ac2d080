/** What became of a reservation: what was really spent, or that nothing was. */
import { DEFAULT_CONFIG } from '../core/config';
import { LedgerError } from '../core/errors';
import type { JsonObject } from '../core/json';
import { parseCostNanos } from '../core/money';
import type { CheckedRow } from '../core/row';
import { isCostless } from '../core/spendActions';
import { Catalogues } from '../store/catalogue/catalogues';
import { locate } from '../store/ledger/locate';
import type { LocatedLedger, Place } from '../store/ledger/locate';
import { statePaths } from '../store/paths';
import { closeReservation } from '../store/spend/closeReservation';
import type { CloseRequest, CloseResult } from '../store/spend/closeReservation';

export type { CloseResult } from '../store/spend/closeReservation';

export interface ReleaseRequest extends Pick<CloseRequest, 'id' | 'flags' | 'events'> {
  readonly place: Place;
}

export interface SettleRequest extends ReleaseRequest {
  /** As typed: "0.42". */
  readonly costUsd: string;
}

/** @throws LedgerError as `closeReservation` does; USAGE for a cost that is no amount and members that the gate has fixed */
export async function settle({ costUsd, ...request }: SettleRequest): Promise<CloseResult> {
  const cost = parseCostNanos(costUsd);
  if (cost === undefined || cost < 0) {
    throw new LedgerError(
      'USAGE',
      `expected --cost-usd to be an amount in USD such as 0.42, found ${JSON.stringify(costUsd)}`,
    );
  }
  return close(request, BigInt(cost));
}

/** @throws LedgerError as `settle` does */
export async function release(request: ReleaseRequest): Promise<CloseResult> {
  return close(request, undefined);
}

function close({ place, id, flags, events }: ReleaseRequest, cost: bigint | undefined): Promise<CloseResult> {
  checkFlags(flags);
  const { catalogues, ...rest } = placeFor(place, events);
  const action = flags.get('action');
  if (typeof action === 'string') catalogues.refuseUnsigned(action);
  return closeReservation({ ...rest, id, flags, events, cost });
}

/** The money is spent: a config that somebody broke meanwhile is no reason to forget it. */
function placeFor(
  place: Place,
  { onOmitted }: ReleaseRequest['events'],
): Pick<CloseRequest, 'paths' | 'durability' | 'cleaned' | 'sealed'> & { readonly catalogues: Catalogues } {
  const located = orDefaults(place);
  const catalogues = orBuiltin(located);
  const cleaned = (row: JsonObject): JsonObject => catalogues.cleaned(row, onOmitted, true);
  const sealed = (row: CheckedRow): CheckedRow => catalogues.sealedOwn(row);
  return { paths: located.paths, durability: located.config.durability, cleaned, sealed, catalogues };
}

function orDefaults(place: Place): LocatedLedger {
  try {
    return locate(place);
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== 'CONFIG_INVALID') throw error;
    return { paths: statePaths(place.dir, place.env), config: DEFAULT_CONFIG, configPath: undefined };
  }
}

function orBuiltin(located: LocatedLedger): Catalogues {
  try {
    return new Catalogues(located);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return new Catalogues({ ...located, config: DEFAULT_CONFIG });
  }
}

function checkFlags(flags: JsonObject): void {
  const action = flags.get('action');
  if (isCostless(action)) {
    throw new LedgerError('USAGE', `expected the action of what was done, found ${JSON.stringify(action)}`, {
      place: { member: 'action' },
      hint: '"spend.*" rows are written by gates; leave it out to take the action that the gate was asked about',
    });
  }
  const fixed = ['ref', 'idempotency_key', 'provenance', 'occurred_at'].find((name) => flags.has(name));
  if (fixed === undefined) return;
  throw new LedgerError('USAGE', `expected the reservation to set "${fixed}" itself, found it in a flag`, {
    place: { member: fixed },
    hint: 'leave it out',
  });
}
