/** Which period holds a moment, asked a million times: rows come in order, so the last answer is mostly the next one. */
import { periodAt } from './day';
import type { Calendar, Period, PeriodUnit } from './day';

export class Periods {
  private last: Period | undefined;
  /** Those met so far, by start; a new one is looked up in the zone once. */
  private readonly met: Period[] = [];

  constructor(
    private readonly calendar: Calendar,
    private readonly unit: PeriodUnit,
  ) {}

  at(ms: number): Period {
    const { last } = this;
    if (last !== undefined && ms >= last.startMs && ms < last.endMs) return last;
    const place = this.placeOf(ms);
    let found = this.met[place - 1];
    if (found === undefined || ms >= found.endMs) {
      found = periodAt(this.calendar, this.unit, ms);
      this.met.splice(place, 0, found);
    }
    this.last = found;
    return found;
  }

  /** How many of the met periods start at `ms` or before. */
  private placeOf(ms: number): number {
    let low = 0;
    let high = this.met.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.met[middle] as Period).startMs <= ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
