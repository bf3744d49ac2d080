/** Rows that are decided on by how the caps stand: the sums are read before the lock is taken, and brought up under it. */
import type { AppendEvents } from '../append/append';
import type { Placer } from '../append/placer';
import { Writer } from '../append/writer';
import type { LocatedLedger, Place } from '../ledger/locate';
import { nodeHost } from '../machine/nodeHost';
import { spendSoFar } from './currentSpend';
import type { SpendRequest } from './currentSpend';
import { Judge } from './judge';
import { spendRequest } from './spendPlan';

export interface UnderCaps {
  readonly place: Place;
  readonly located: LocatedLedger;
  readonly events: AppendEvents;
}

/** What a decision is made by, under the lock. */
export interface Bench {
  readonly judge: Judge;
  readonly request: SpendRequest;
  readonly nowMs: number;
  readonly placer: Placer;
}

/**
 * @returns what `decide` gave, once the rows that it placed are on disk
 * @throws LedgerError LEDGER_BROKEN, a refusal code, and whatever kept the rows from the disk: then all is as it was
 */
export async function decideUnderCaps<T>(
  { place, located, events }: UnderCaps,
  decide: (bench: Bench) => Promise<T>,
): Promise<T> {
  const host = nodeHost();
  const { paths, config } = located;
  const soFar = await spendSoFar(spendRequest(place, located, host.nowMs()));
  const writer = new Writer({ paths, host, durability: config.durability, events });
  try {
    return await writer.appendDecided(async (ready, placer) => {
      const nowMs = host.nowMs();
      const request = spendRequest(place, located, nowMs);
      return decide({ judge: await Judge.over(request, ready, soFar), request, nowMs, placer });
    });
  } finally {
    await writer.close();
  }
}
