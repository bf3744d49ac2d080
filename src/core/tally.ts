/**
 * Adds up rows: groups per period, and what was spent against each cap. Exact, and independent of the order of the
 * rows; tallies of two parts of a file add up to the tally of the whole.
 *
 * What counts is defined in `costs.ts`. No group is made for a single row: 1,000,000 rows take a second.
 */
import { groupName } from './seal';
import { rollingStart } from './caps';
import type { Cap } from './caps';
import { CloseTally } from './closeTally';
import type { ClosedSpan, CloseSums } from './closeTally';
import { ROW_KINDS } from './costs';
import type { CostGroup } from './costs';
import type { CostLineRow, LostRange } from './costLine';
import type { Calendar, PeriodUnit } from './day';
import { ExactSum } from './exactSum';
import { Periods } from './periods';
import { MAX_AHEAD_MS } from './row';

/** What is to be added up; plain data, so that a worker can be given it. */
export interface TallyPlan {
  /** `[sinceMs, untilMs)` in effective time; infinite where it is open. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly nowMs: number;
  readonly by: string | undefined;
  readonly period: PeriodUnit | undefined;
  readonly caps: readonly Cap[];
  /** Days of the window that were closed: what came in before that and after it is added up apart. */
  readonly closes?: readonly ClosedSpan[];
}

/** A tally as plain data. */
export interface TallySums {
  /** By start of the period; one with start 0 where there are no periods. */
  readonly lines: readonly { readonly startMs: number; readonly groups: readonly CostGroup[] }[];
  /** For each cap, what was spent in each of its periods: by start, by run id, or under 0 for the rolling one. */
  readonly caps: readonly (readonly (readonly [number | string, bigint])[])[];
  /** For each closed day of the plan. */
  readonly closes: readonly CloseSums[];
  /** Rows in the window whose `cost_usd` is no amount. */
  readonly unreadableCosts: number;
  readonly tombstones: number;
  /** Rows that the ledger itself names as lost. */
  readonly lost: readonly LostRange[];
}

/** The members that rows must be read with, in the order that `Tally` expects them. */
export function membersOf(plan: TallyPlan): readonly string[] {
  const names = new Set<string>();
  if (plan.by !== undefined) names.add(plan.by);
  for (const cap of plan.caps) {
    if (cap.per === 'run') names.add('run_id');
    for (const name of cap.scope.keys()) names.add(name);
  }
  if ((plan.closes ?? []).length > 0) names.add('seq');
  return [...names];
}

export class Tally {
  private readonly lines = new Map<number, Map<string | null, Sums>>();
  private readonly caps: readonly CapTally[];
  private readonly periods: Periods | undefined;
  private readonly days: Periods;
  private readonly closes: ReadonlyMap<number, CloseTally>;
  private readonly seq: number;
  private unreadableCosts = 0;
  private tombstones = 0;
  private readonly lost: LostRange[] = [];

  constructor(
    private readonly plan: TallyPlan,
    calendar: Calendar,
  ) {
    const members = membersOf(plan);
    this.periods = plan.period === undefined ? undefined : new Periods(calendar, plan.period);
    this.days = new Periods(calendar, 'day');
    this.seq = members.indexOf('seq');
    this.closes = new Map((plan.closes ?? []).map((span) => [span.startMs, new CloseTally(span)]));
    this.caps = plan.caps.map((cap) => new CapTally(cap, members, calendar, plan.nowMs));
  }

  add(row: CostLineRow): void {
    if (row.kind === ROW_KINDS.tombstone) this.tombstones++;
    if (row.lost !== undefined) this.lost.push(row.lost);
    const ms = row.effectiveMs;
    if (row.kind >= ROW_KINDS.own || !(ms >= this.plan.sinceMs && ms < this.plan.untilMs)) return;
    const key = this.plan.by === undefined ? null : groupName(row.members[0] ?? null);
    this.sums(this.periods?.at(ms).startMs ?? 0, key).add(row, this.isLate(row));
    if (row.costUnreadable) this.unreadableCosts++;
    if (this.closes.size > 0) this.closes.get(this.days.at(ms).startMs)?.add(row, Number(row.members[this.seq]));
    if (row.costNanos === undefined || row.kind > ROW_KINDS.imported) return;
    for (const cap of this.caps) cap.add(row, row.costNanos);
  }

  /** Adds the tally of other rows. */
  merge(other: TallySums): void {
    for (const { startMs, groups } of other.lines) {
      for (const group of groups) this.sums(startMs, group.key).merge(group);
    }
    other.caps.forEach((spent, i) => {
      for (const [key, nanos] of spent) this.caps[i]?.merge(key, nanos);
    });
    for (const sums of other.closes) this.closes.get(sums.startMs)?.merge(sums);
    this.unreadableCosts += other.unreadableCosts;
    this.tombstones += other.tombstones;
    this.lost.push(...other.lost);
  }

  result(): TallySums {
    return {
      lines: [...this.lines]
        .sort(([a], [b]) => a - b)
        .map(([startMs, groups]) => ({ startMs, groups: [...groups].map(([key, sums]) => sums.result(key)) })),
      caps: this.caps.map((cap) => cap.result()),
      closes: [...this.closes.values()].map((close) => close.result()),
      unreadableCosts: this.unreadableCosts,
      tombstones: this.tombstones,
      lost: this.lost,
    };
  }

  /** Recorded after the day that it counts in had ended. */
  private isLate(row: CostLineRow): boolean {
    return row.tsMs > row.effectiveMs && row.tsMs >= this.days.at(row.effectiveMs).endMs;
  }

  private sums(startMs: number, key: string | null): Sums {
    let groups = this.lines.get(startMs);
    if (groups === undefined) this.lines.set(startMs, (groups = new Map<string | null, Sums>()));
    let sums = groups.get(key);
    if (sums === undefined) groups.set(key, (sums = new Sums()));
    return sums;
  }
}

/** A cost group that is still growing. */
class Sums {
  private rows = 0;
  private costRows = 0;
  private missingCostRows = 0;
  private refundRows = 0;
  private importedRows = 0;
  private excludedRows = 0;
  private lateRows = 0;
  private readonly spent = new ExactSum();
  private readonly refunds = new ExactSum();
  private readonly imported = new ExactSum();

  add(row: CostLineRow, late: boolean): void {
    this.rows++;
    if (late) this.lateRows++;
    const imported = row.kind === ROW_KINDS.imported;
    if (imported) this.importedRows++;
    else if (row.kind !== ROW_KINDS.live) {
      this.excludedRows++;
      return;
    }
    const nanos = row.costNanos;
    if (nanos === undefined) {
      if (!row.costless) this.missingCostRows++;
      return;
    }
    this.costRows++;
    if (imported) this.imported.add(nanos);
    if (nanos >= 0) {
      this.spent.add(nanos);
      return;
    }
    this.refundRows++;
    this.refunds.add(nanos);
  }

  merge(group: CostGroup): void {
    this.rows += group.rows;
    this.costRows += group.costRows;
    this.missingCostRows += group.missingCostRows;
    this.refundRows += group.refundRows;
    this.importedRows += group.importedRows;
    this.excludedRows += group.excludedRows;
    this.lateRows += group.lateRows;
    this.spent.addBig(group.spentNanos);
    this.refunds.addBig(group.refundNanos);
    this.imported.addBig(group.importedNanos);
  }

  result(key: string | null): CostGroup {
    return {
      key,
      rows: this.rows,
      costRows: this.costRows,
      spentNanos: this.spent.total(),
      missingCostRows: this.missingCostRows,
      refundNanos: this.refunds.total(),
      refundRows: this.refundRows,
      importedNanos: this.imported.total(),
      importedRows: this.importedRows,
      excludedRows: this.excludedRows,
      lateRows: this.lateRows,
    };
  }
}

/** What is spent against one cap, by its periods. */
class CapTally {
  private readonly spent = new Map<number | string, ExactSum>();
  private readonly scope: readonly (readonly [number, string])[];
  private readonly run: number;
  private readonly periods: Periods | undefined;

  constructor(
    private readonly cap: Cap,
    members: readonly string[],
    calendar: Calendar,
    private readonly nowMs: number,
  ) {
    this.scope = [...cap.scope].map(([name, value]) => [members.indexOf(name), value] as const);
    this.run = members.indexOf('run_id');
    const { per } = cap;
    const calendarUnit = per === 'hour' || per === 'day' || per === 'week' || per === 'month';
    this.periods = calendarUnit ? new Periods(calendar, per) : undefined;
  }

  add(row: CostLineRow, nanos: number): void {
    for (const [member, value] of this.scope) if (row.members[member] !== value) return;
    const key = this.keyOf(row);
    if (key !== undefined) this.sum(key).add(nanos);
  }

  merge(key: number | string, nanos: bigint): void {
    this.sum(key).addBig(nanos);
  }

  result(): readonly (readonly [number | string, bigint])[] {
    return [...this.spent].map(([key, sum]) => [key, sum.total()] as const);
  }

  private keyOf(row: CostLineRow): number | string | undefined {
    if (this.periods !== undefined) return this.periods.at(row.effectiveMs).startMs;
    if (this.cap.per === 'run') return row.members[this.run] ?? undefined;
    // A row may be this much ahead of the clock when it is appended; what is dated later (an import's) has yet to happen.
    const isRecent = row.effectiveMs >= rollingStart(this.nowMs) && row.effectiveMs <= this.nowMs + MAX_AHEAD_MS;
    return isRecent ? 0 : undefined;
  }

  private sum(key: number | string): ExactSum {
    let sum = this.spent.get(key);
    if (sum === undefined) this.spent.set(key, (sum = new ExactSum()));
    return sum;
  }
}
