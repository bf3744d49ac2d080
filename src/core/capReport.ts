/**
 * Caps held against what was spent in a window. A cap is judged in the periods that lie wholly in the window and in no
 * others: part of a day says nothing about the day, of which the rest may be refunds. Such a period is named as not judged.
 * One that was raised within a period (`override.ts`) is judged there by the most that it was raised to.
 * A cap per run is held against all that a run has spent, for each run that spent something within the window.
 */
import { capNames, rollingStart, useOf } from './caps';
import type { Cap, CapNames } from './caps';
import { inForce } from './capState';
import { periodAt } from './day';
import type { Calendar, Period, PeriodUnit } from './day';
import { formatNanos } from './money';
import { highestWithin, raisedOf } from './override';
import type { CapOverride, Override, Raised } from './override';
import type { TallyPlan } from './tally';

export interface CapLine extends CapNames {
  /** In how many periods it was judged, and in how many of them it was exceeded. */
  readonly judged: number;
  readonly over: number;
  /** The periods where it was exceeded, and the one that is running, or else the fullest. */
  readonly periods: readonly CapPeriod[];
}

export interface CapPeriod {
  readonly label: string;
  /** How high it was raised at most within the period, until when, and by which row; null where it was not. */
  readonly raised: Raised | null;
  readonly spent_usd: string;
  readonly remaining_usd: string;
  readonly percent: string | null;
  readonly threshold: number | null;
  readonly over: boolean;
}

export interface CapNotJudged extends CapNames {
  readonly why: string;
}

export interface CapsReport {
  readonly caps: readonly CapLine[];
  readonly caps_not_judged: readonly CapNotJudged[];
  readonly over_cap: boolean;
}

/** What was spent against one cap, by its periods, as the tally gives it. */
export type CapSpend = readonly (readonly [number | string, bigint])[];

/** A period of a cap with its sum, before it is held against the cap. */
interface Spent {
  readonly label: string;
  readonly nanos: bigint;
  readonly running: boolean;
  readonly override: Override | undefined;
}

interface Judge {
  readonly plan: TallyPlan;
  readonly calendar: Calendar;
  readonly thresholds: readonly number[];
  readonly overrides: readonly CapOverride[];
}

/** Holds each cap of the plan against its spend; `flag` is `--cap`, with the sums of the report's own lines. */
export function capsReport(
  judge: Judge,
  spends: readonly CapSpend[],
  flag: { readonly cap: Cap; readonly spend: CapSpend } | undefined,
): CapsReport {
  const caps: CapLine[] = [];
  const notJudged: CapNotJudged[] = [];
  const hold = (cap: Cap, spend: CapSpend): void => {
    const { spent, why } = spentOf(judge, cap, spend);
    if (why !== undefined) notJudged.push({ ...capNames(cap), why });
    if (spent !== undefined) caps.push(capLine(judge, cap, spent));
  };
  if (flag !== undefined) hold(flag.cap, flag.spend);
  judge.plan.caps.forEach((cap, i) => hold(cap, spends[i] ?? []));
  return { caps, caps_not_judged: notJudged, over_cap: caps.some((cap) => cap.over > 0) };
}

/** The periods of a cap that can be judged, and why others, or all, cannot. */
interface Judgeable {
  readonly spent?: readonly Spent[];
  readonly why?: string;
}

function spentOf(judge: Judge, cap: Cap, spend: CapSpend): Judgeable {
  const { plan } = judge;
  const override = highestWithin(judge.overrides, cap, { startMs: plan.sinceMs, endMs: plan.untilMs });
  if (cap.per === 'run') {
    const spent = [...spend]
      .sort(([, a], [, b]) => (a === b ? 0 : a < b ? 1 : -1))
      .map(([run, nanos]) => ({ label: String(run), nanos, running: false, override }));
    return { spent };
  }
  if (cap.per === 'rolling_24h') {
    if (plan.sinceMs > rollingStart(plan.nowMs) || plan.untilMs <= plan.nowMs) {
      return { why: 'the window does not hold the last 24 hours' };
    }
    return { spent: [{ label: 'last 24 hours', nanos: spend[0]?.[1] ?? 0n, running: true, override }] };
  }
  const unit = cap.per === 'window' ? plan.period : cap.per;
  if (unit === undefined) return { spent: [{ label: 'window', nanos: spend[0]?.[1] ?? 0n, running: true, override }] };
  return inPeriods(judge, cap, unit, spend);
}

function inPeriods({ plan, calendar, overrides }: Judge, cap: Cap, unit: PeriodUnit, spend: CapSpend): Judgeable {
  const sums = new Map(spend.map(([start, nanos]) => [Number(start), nanos]));
  const periods = new Map<number, Period>();
  const cut = new Map<number, Period>();
  const take = (period: Period): void => {
    const { startMs, endMs } = period;
    if (startMs >= plan.sinceMs && endMs <= plan.untilMs) periods.set(startMs, period);
    else if (startMs < plan.untilMs && endMs > plan.sinceMs) cut.set(startMs, period);
  };
  for (const start of sums.keys()) take(periodAt(calendar, unit, start));
  // A period without a row counts too: nothing was spent in it.
  take(periodAt(calendar, unit, plan.nowMs));
  if (Number.isFinite(plan.sinceMs)) {
    const first = periodAt(calendar, unit, plan.sinceMs);
    take(first);
    if (first.endMs <= plan.nowMs) take(periodAt(calendar, unit, first.endMs));
  }
  if (plan.untilMs <= plan.nowMs) take(periodAt(calendar, unit, plan.untilMs - 1));
  if (periods.size === 0) return { why: `the window holds no whole ${unit}` };
  const spent = [...periods.values()]
    .sort((a, b) => a.startMs - b.startMs)
    .map(({ label, startMs, endMs }) => ({
      label,
      nanos: sums.get(startMs) ?? 0n,
      running: startMs <= plan.nowMs && plan.nowMs < endMs,
      override: highestWithin(overrides, cap, { startMs, endMs }),
    }));
  if (cut.size === 0) return { spent };
  const parts = [...cut.values()]
    .sort((a, b) => a.startMs - b.startMs)
    .map(({ startMs, label }) => `${label} (${formatNanos(sums.get(startMs) ?? 0n)} USD in it)`);
  return { spent, why: `the window holds only a part of ${parts.join(' and ')}` };
}

function capLine({ thresholds }: Judge, cap: Cap, spent: readonly Spent[]): CapLine {
  const over = spent.filter(({ nanos, override }) => nanos > inForce({ cap, override }).nanos);
  const fullest = spent.reduce<Spent | undefined>(
    (most, one) => (most && most.nanos >= one.nanos ? most : one),
    undefined,
  );
  const current = spent.find(({ running }) => running) ?? fullest;
  const shown = spent.filter((one) => one === current || over.includes(one));
  return {
    ...capNames(cap),
    judged: spent.length,
    over: over.length,
    periods: shown.map((one) => capPeriod(cap, one, thresholds)),
  };
}

function capPeriod(cap: Cap, { label, nanos, override }: Spent, thresholds: readonly number[]): CapPeriod {
  const use = useOf(inForce({ cap, override }), nanos, thresholds);
  return {
    label,
    raised: raisedOf(override),
    spent_usd: formatNanos(use.spentNanos),
    remaining_usd: formatNanos(use.remainingNanos),
    percent: use.percent,
    threshold: use.threshold ?? null,
    over: use.over,
  };
}
