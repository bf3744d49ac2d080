/** Sums of what was spent as plain data, as of one row of one file. */
import type { CapSumRecord } from './capSum';
import type { Period } from './day';
import type { ReservationRecord } from './openReservations';
import type { OverrideRecord } from './override';

/** Up to which row of which file everything is in. */
export interface Through {
  readonly seq: number;
  readonly hash: string;
  /** Where the next line begins. */
  readonly bytes: number;
}

/** As plain data: amounts as text, in nano-dollars. */
export interface SpendRecord {
  readonly through: Through;
  readonly sinceMs: number;
  readonly periods: readonly Period[];
  readonly sums: readonly CapSumRecord[];
  readonly open: readonly ReservationRecord[];
  readonly overrides: OverrideRecord;
  readonly aheadMs: number;
}
