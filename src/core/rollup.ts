/**
 * The answer of `ledger rollup`, as it is printed in JSON: money as decimal strings, exact; times as RFC 3339 in UTC.
 * Printers show it, and work nothing out.
 *
 *   spent = costs − refunds of the rows that count, imported ones included; over = spent > cap, to the nano-dollar
 *
 * A cap is judged only in periods that lie wholly in the window; the others are named in `caps_not_judged`. Burn rate
 * and forecast stay silent until there is enough to say: an hour (a month at most), and five rows with a cost.
 */
import { burnOf } from './burn';
import type { CapLine, CapNotJudged } from './capReport';
import { percentOf } from './caps';
import { emptyCosts, mergeCosts } from './costs';
import type { CostGroup } from './costs';
import { formatLocal, HOUR_MS, periodAt } from './day';
import type { Calendar, PeriodUnit } from './day';
import { formatNanos } from './money';
import type { TallyPlan, TallySums } from './tally';
import { formatTime } from './time';
import type { TimeWindow } from './when';

export interface MoneyLine {
  readonly spent_usd: string;
  readonly rows: number;
  readonly rows_with_cost: number;
  readonly rows_without_cost: number;
  readonly refund_usd: string;
  readonly refund_rows: number;
  readonly imported_usd: string;
  readonly imported_rows: number;
  /** Rows of provenance sample or fallback: never counted. */
  readonly excluded_rows: number;
  /** Rows recorded after the day that they count in had ended. */
  readonly late_rows: number;
}

export interface GroupLine extends MoneyLine {
  /** Null: the rows without that member. */
  readonly key: string | null;
  /** Of what was spent in the window or period, in per cent; null where nothing was. */
  readonly percent: string | null;
}

export interface PeriodLine extends MoneyLine {
  readonly label: string;
  readonly since: string;
  readonly until: string;
  readonly groups: readonly GroupLine[];
}

export interface RollupWindow {
  /** Inclusive and exclusive, UTC; null where that end is open. */
  readonly since: string | null;
  readonly until: string | null;
  /** The same on the zone's wall clock, for people. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly is_day: boolean;
  readonly timezone: string;
  readonly day_start: string;
  readonly hours: number | null;
}

/** A day of the window that was closed, and what came in for it since. */
export interface ClosedDay {
  readonly day: string;
  /** The row that closed it. */
  readonly seq: number;
  readonly closed_at: string;
  readonly closed_usd: string;
  /**
   * `changed`: the rows that were counted then add up to something else now; `other-hours`: it was closed with another zone
   * or start of the day, so nothing is compared.
   */
  readonly state: 'as-closed' | 'adjusted' | 'changed' | 'other-hours';
  /** What the rows that were counted then add up to now. */
  readonly counted_then_usd: string | null;
  readonly adjusted_usd: string | null;
  readonly adjusted_rows: number | null;
  readonly now_usd: string | null;
  /** The zone that it was closed in, and when its days start. */
  readonly calendar: string;
}

export interface RollupWarning {
  readonly code:
    'BROKEN_LINES' | 'CLOSED_DAY_CHANGED' | 'COSTS_MISSING' | 'COSTS_UNREADABLE' | 'ROWS_LOST' | 'ROWS_SPILLED';
  readonly message: string;
}

export interface RollupReport {
  readonly window: RollupWindow;
  readonly by: string | null;
  readonly period: PeriodUnit | null;
  readonly total: MoneyLine;
  readonly groups: readonly GroupLine[];
  readonly periods: readonly PeriodLine[];
  readonly caps: readonly CapLine[];
  readonly caps_not_judged: readonly CapNotJudged[];
  readonly over_cap: boolean;
  /** What gates have reserved and is not spent yet; null where the window does not hold this moment, or no cap is set. */
  readonly reserved: { readonly reserved_usd: string; readonly reservations: number } | null;
  readonly burn_usd_per_hour: string | null;
  readonly forecast_usd: string | null;
  readonly closed_days: readonly ClosedDay[];
  readonly broken_lines: number;
  readonly source: RollupSource;
  readonly warnings: readonly RollupWarning[];
}

/** Where the sums come from: the index, the index and the rows it had not seen yet, or the whole file. */
export type RollupSource = 'index' | 'index+file' | 'file';

/** The sums of a line of the report: what counts against a cap is the costs less the refunds. */
export function netOf(group: CostGroup): bigint {
  return group.spentNanos + group.refundNanos;
}

/** All groups of a line as one. */
export function totalOf(groups: readonly CostGroup[]): CostGroup {
  return groups.reduce(mergeCosts, emptyCosts(null));
}

export function moneyLine(group: CostGroup): MoneyLine {
  return {
    spent_usd: formatNanos(netOf(group)),
    rows: group.rows,
    rows_with_cost: group.costRows,
    rows_without_cost: group.missingCostRows,
    refund_usd: formatNanos(group.refundNanos),
    refund_rows: group.refundRows,
    imported_usd: formatNanos(group.importedNanos),
    imported_rows: group.importedRows,
    excluded_rows: group.excludedRows,
    late_rows: group.lateRows,
  };
}

/** The groups of a line, the dearest first; the rows without the member last. */
export function groupLines(groups: readonly CostGroup[]): readonly GroupLine[] {
  const total = netOf(totalOf(groups));
  return [...groups].sort(dearestFirst).map((group) => ({
    key: group.key,
    percent: percentOf(netOf(group), total),
    ...moneyLine(group),
  }));
}

function dearestFirst(a: CostGroup, b: CostGroup): number {
  if (a.key === null || b.key === null) return a.key === b.key ? 0 : a.key === null ? 1 : -1;
  const difference = netOf(b) - netOf(a);
  if (difference !== 0n) return difference > 0n ? 1 : -1;
  return a.key < b.key ? -1 : 1;
}

/** The lines of `--period`, in order of time. */
export function periodLines(plan: TallyPlan, sums: TallySums, calendar: Calendar): readonly PeriodLine[] {
  const { period, by } = plan;
  if (period === undefined) return [];
  return sums.lines.map(({ startMs, groups }) => {
    const { label, endMs } = periodAt(calendar, period, startMs);
    return {
      label,
      since: formatTime(Math.max(startMs, plan.sinceMs)),
      until: formatTime(Math.min(endMs, plan.untilMs)),
      ...moneyLine(totalOf(groups)),
      groups: by === undefined ? [] : groupLines(groups),
    };
  });
}

/** The groups of all lines, by key. */
export function allGroups(sums: TallySums): readonly CostGroup[] {
  const byKey = new Map<string | null, CostGroup>();
  for (const { groups } of sums.lines) {
    for (const group of groups) {
      const known = byKey.get(group.key);
      byKey.set(group.key, known === undefined ? group : mergeCosts(known, group));
    }
  }
  return [...byKey.values()];
}

export function windowOf(plan: TallyPlan, calendar: Calendar, window: TimeWindow): RollupWindow {
  const { sinceMs, untilMs } = plan;
  const { zone, dayStartMs } = calendar;
  const begins = Number.isFinite(sinceMs);
  const ends = Number.isFinite(untilMs);
  const from = begins ? formatLocal(zone, sinceMs) : 'the first row';
  const to = ends ? formatLocal(zone, untilMs) : 'the last row';
  return {
    since: begins ? formatTime(sinceMs) : null,
    until: ends ? formatTime(untilMs) : null,
    from,
    to,
    label: window.label ?? (begins || ends ? 'window' : 'all time'),
    is_day: window.label !== undefined,
    timezone: zone.name,
    day_start: formatTime(dayStartMs).slice(11, 16),
    hours: begins && ends ? (untilMs - sinceMs) / HOUR_MS : null,
  };
}

/** Spend per hour since the window began, and what the window will have cost at its end if that goes on. */
export function burnLine(plan: TallyPlan, total: CostGroup): Pick<RollupReport, 'burn_usd_per_hour' | 'forecast_usd'> {
  const { sinceMs, untilMs, nowMs } = plan;
  const burn = burnOf({ nanos: netOf(total), costRows: total.costRows, sinceMs, untilMs, nowMs });
  const forecast = burn?.forecastNanos;
  return {
    burn_usd_per_hour: burn === undefined ? null : formatNanos(burn.perHourNanos),
    forecast_usd: forecast === undefined ? null : formatNanos(forecast),
  };
}
