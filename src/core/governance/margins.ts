/** Revenue, spend and margin of all orders, by order, customer or day. What is not live never counts. */
import { dayAt, dayPeriod } from '../day';
import type { Calendar } from '../day';
import type { Row } from '../members';
import { formatNanos } from '../money';
import { linkOf } from './finding';
import { revenueNanos, spendNanos } from './orderProof';
import { happenedMs } from './stream';

export const MARGIN_KEYS = ['order', 'customer', 'day'] as const;
export type MarginKey = (typeof MARGIN_KEYS)[number];

export interface MarginLine {
  /** Null for what belongs to no order, or no customer. */
  readonly key: string | null;
  readonly revenue_usd: string;
  readonly spend_usd: string;
  readonly margin_usd: string;
}

interface Sums {
  revenue: bigint;
  spend: bigint;
}

export class Margins {
  readonly #sums = new Map<string | null, Sums>();
  /** What was spent in a run belongs to the order of the run, which may be said later. */
  readonly #ofRun = new Map<string, Sums>();
  readonly #keyOfRun = new Map<string, string>();

  constructor(
    private readonly by: MarginKey,
    private readonly calendar: Calendar,
    private readonly window: { readonly sinceMs: number; readonly untilMs: number },
  ) {}

  step(row: Row): void {
    const key = this.#keyOf(row);
    if (key !== undefined && row.run_id !== undefined && this.by !== 'day') this.#keyOfRun.set(row.run_id, key);
    const ms = happenedMs(row);
    if (ms < this.window.sinceMs || ms >= this.window.untilMs) return;
    const [revenue, spend] = [revenueNanos(row), spendNanos(row)];
    if (revenue === 0n && spend === 0n) return;
    const sums =
      key === undefined && row.run_id !== undefined ? sumsIn(this.#ofRun, row.run_id) : sumsIn(this.#sums, key ?? null);
    sums.revenue += revenue;
    sums.spend += spend;
  }

  /** In the order of the keys; what belongs to none last. */
  lines(): MarginLine[] {
    for (const [run, { revenue, spend }] of this.#ofRun) {
      const sums = sumsIn(this.#sums, this.#keyOfRun.get(run) ?? null);
      sums.revenue += revenue;
      sums.spend += spend;
    }
    this.#ofRun.clear();
    const sorted = [...this.#sums].sort(([a], [b]) => (a === null ? 1 : b === null || a < b ? -1 : 1));
    return sorted.map(([key, { revenue, spend }]) => ({
      key,
      revenue_usd: formatNanos(revenue),
      spend_usd: formatNanos(spend),
      margin_usd: formatNanos(revenue - spend),
    }));
  }

  #keyOf(row: Row): string | undefined {
    if (this.by === 'order') return linkOf(row, 'order_id');
    if (this.by === 'customer') return linkOf(row, 'customer_id');
    return dayPeriod(this.calendar, dayAt(this.calendar, happenedMs(row))).label;
  }
}

function sumsIn<K>(all: Map<K, Sums>, key: K): Sums {
  const sums = all.get(key) ?? { revenue: 0n, spend: 0n };
  all.set(key, sums);
  return sums;
}
