/**
 * A rollup's sums from the index: day by day, so that each row is late or not by the end of its own day. What the index
 * has no columns for, or what would take more questions than reading the file, is left to the file.
 */
import type { Cap } from '../../core/caps';
import { isCostMember } from '../../core/costs';
import type { CostGroup, CostMember } from '../../core/costs';
import { DAY_MS, dayAt, dayPeriod, periodAt } from '../../core/day';
import type { Calendar, Period } from '../../core/day';
import { ROW_KINDS } from '../../core/costs';
import { netOf, totalOf } from '../../core/rollup';
import { Tally } from '../../core/tally';
import type { TallyPlan, TallySums } from '../../core/tally';
import type { LedgerIndex } from './indexFile';
import { guarded } from './indexErrors';
import { costGroups } from './indexCosts';

const MAX_DAYS = 400;
/** 24 questions a day. */
const MAX_DAYS_BY_HOUR = 3;

type CapSpend = (readonly [number | string, bigint])[];

/**
 * The sums of all rows up to the index's watermark. Call it inside a read transaction with the watermark.
 * @returns undefined where the index cannot answer this plan
 * @throws LedgerError INDEX_FAILED, INDEX_BUSY
 */
export function indexTally(index: LedgerIndex, plan: TallyPlan, calendar: Calendar): TallySums | undefined {
  const { by } = plan;
  if (by !== undefined && !isCostMember(by)) return undefined;
  const days = daysOf(plan, calendar);
  if (days === undefined || !plan.caps.every((cap) => answerable(cap, days.length))) return undefined;
  // Open to the end: what lies after tomorrow (a clock gone wrong) is in no day that is asked for.
  const after = days.at(-1)?.endMs ?? plan.sinceMs;
  if (after < plan.untilMs && costGroups(index, { fromMs: after }).length > 0) return undefined;
  const tally = new Tally(plan, calendar);
  for (const day of days) {
    const ask = dayAsker(index, plan, day);
    const startMs = plan.period === undefined ? 0 : periodAt(calendar, plan.period, day.startMs).startMs;
    const caps = plan.caps.map((cap) => daySpend(index, plan, calendar, { cap, day, ask }));
    tally.merge({ lines: [{ startMs, groups: ask(by) }], caps, unreadableCosts: 0, tombstones: 0 });
  }
  const caps = plan.caps.map((cap) => windowSpend(index, plan, cap));
  tally.merge({ lines: [], caps, unreadableCosts: 0, tombstones: tombstones(index) });
  return tally.result();
}

/** The days that the window touches; undefined where it has no start, or too many. */
function daysOf(plan: TallyPlan, calendar: Calendar): readonly Period[] | undefined {
  const untilMs = Math.min(plan.untilMs, Math.max(plan.nowMs, plan.sinceMs) + DAY_MS);
  if (!Number.isFinite(plan.sinceMs) || untilMs - plan.sinceMs > MAX_DAYS * DAY_MS) return undefined;
  const days: Period[] = [];
  for (let day = dayAt(calendar, plan.sinceMs); ; day++) {
    const period = dayPeriod(calendar, day);
    if (period.startMs >= untilMs) return days;
    if (period.endMs > period.startMs) days.push(period);
  }
}

function answerable(cap: Cap, days: number): boolean {
  const [member, ...more] = cap.scope.keys();
  if (more.length > 0 || (member !== undefined && !isCostMember(member))) return false;
  if (cap.per === 'run') return member === undefined;
  return cap.per !== 'hour' || days <= MAX_DAYS_BY_HOUR;
}

type DayAsker = (by: string | undefined) => readonly CostGroup[];

/** The groups of a day within the window, each asked for once. */
function dayAsker(index: LedgerIndex, plan: TallyPlan, day: Period): DayAsker {
  const known = new Map<string | undefined, readonly CostGroup[]>();
  const fromMs = Math.max(day.startMs, plan.sinceMs);
  const toMs = Math.min(day.endMs, plan.untilMs);
  return (by) => {
    let groups = known.get(by);
    if (groups === undefined) {
      groups = costGroups(index, { fromMs, toMs, by: memberOf(by), lateAfterMs: day.endMs });
      known.set(by, groups);
    }
    return groups;
  };
}

const memberOf = (name: string | undefined): CostMember | undefined =>
  name !== undefined && isCostMember(name) ? name : undefined;

interface DayCap {
  readonly cap: Cap;
  readonly day: Period;
  readonly ask: DayAsker;
}

/** What one day adds to a cap per hour, day, week or month. */
function daySpend(index: LedgerIndex, plan: TallyPlan, calendar: Calendar, { cap, day, ask }: DayCap): CapSpend {
  const scope = [...cap.scope][0] ?? [];
  const [member] = scope;
  if (cap.per === 'day' || cap.per === 'week' || cap.per === 'month') {
    const key = periodAt(calendar, cap.per, day.startMs).startMs;
    return spendOf(key, ask(member ?? plan.by), scope);
  }
  if (cap.per !== 'hour') return [];
  const spends: CapSpend = [];
  for (let at = day.startMs; at < day.endMs;) {
    const hour = periodAt(calendar, 'hour', at);
    const fromMs = Math.max(hour.startMs, plan.sinceMs);
    const toMs = Math.min(hour.endMs, plan.untilMs);
    const groups = fromMs < toMs ? costGroups(index, { fromMs, toMs, by: memberOf(member) }) : [];
    spends.push(...spendOf(hour.startMs, groups, scope));
    at = hour.endMs;
  }
  return spends;
}

/** What the whole window adds to a cap per run, or over the last 24 hours. */
function windowSpend(index: LedgerIndex, plan: TallyPlan, cap: Cap): CapSpend {
  const scope = [...cap.scope][0] ?? [];
  const [member] = scope;
  const toMs = Number.isFinite(plan.untilMs) ? plan.untilMs : undefined;
  if (cap.per === 'run') {
    const runs = costGroups(index, { fromMs: plan.sinceMs, toMs, by: 'run_id' });
    return runs.flatMap((group) =>
      group.key === null || group.costRows === 0 ? [] : [[group.key, netOf(group)] as const],
    );
  }
  if (cap.per !== 'rolling_24h') return [];
  const fromMs = Math.max(plan.sinceMs, plan.nowMs - DAY_MS + 1);
  return spendOf(0, costGroups(index, { fromMs, toMs, by: memberOf(member) }), scope);
}

/** What one period adds, of groups by `member` those of `value`; nothing where no row of it has a cost. */
function spendOf(
  key: number | string,
  groups: readonly CostGroup[],
  [member, value]: readonly [string, string] | readonly [],
): CapSpend {
  const mine = groups.filter((group) => group.costRows > 0 && (member === undefined || group.key === value));
  return mine.length === 0 ? [] : [[key, netOf(totalOf(mine))]];
}

/** Tombstones have no time: they stand at the epoch in the index. */
function tombstones(index: LedgerIndex): number {
  const sql = `SELECT count(*) AS count FROM rows INDEXED BY rows_time WHERE effective_ms = 0 AND kind = ${ROW_KINDS.tombstone}`;
  return guarded(index.path, () => Number(index.database.prepare(sql).get([])?.['count'] ?? 0));
}
