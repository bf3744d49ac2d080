/** Rows for the thresholds that were crossed and that no row tells of: looked up and written under one lock. */
import { dayAt, dayPeriod } from '../../core/day';
import { checkRow } from '../../core/row';
import { crossingsOf, thresholdRow } from '../../core/thresholds';
import type { Crossing } from '../../core/thresholds';
import type { AppendEvents } from '../append/append';
import { locate } from '../ledger/locate';
import type { Place } from '../ledger/locate';
import { checkCaps } from './spendPlan';
import { decideUnderCaps } from './underCaps';

export interface RecordedCrossing extends Crossing {
  readonly seq: number;
  readonly id: string;
}

/**
 * @returns those that were recorded now
 * @throws LedgerError NO_CAPS, LEDGER_BROKEN, and whatever kept the rows from the disk: then none was recorded
 */
export async function recordThresholds(place: Place, events: AppendEvents): Promise<RecordedCrossing[]> {
  const located = locate(place);
  checkCaps(located);
  return decideUnderCaps({ place, located, events }, async ({ judge, request, nowMs, placer }) => {
    const calendar = request.calendar();
    const today = dayPeriod(calendar, dayAt(calendar, nowMs)).label;
    const crossed = crossingsOf(await judge.statesNow(), located.config.thresholds, today);
    const news = crossed.filter(({ key }) => placer.keyUse(key) === undefined);
    return news.map((crossing) => {
      const { seq, id } = placer.place(checkRow(thresholdRow(crossing), { nowMs }));
      return { ...crossing, seq, id };
    });
  });
}
