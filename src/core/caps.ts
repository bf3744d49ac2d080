/**
 * Caps: how much may be spent per period, by whom. The config and `--cap` spell them; a cap is over when more than it
 * was spent: 50 × 0.10 against 5.00 is at the cap, and not over it.
 *
 *   {"usd":"2.00","per":"day","agent":"coder"}
 */

import type { PeriodUnit } from './day';
import { formatNanos } from './money';

export const CAP_UNITS = ['run', 'hour', 'day', 'week', 'month', 'rolling_24h'] as const;
export type CapUnit = (typeof CAP_UNITS)[number];

export interface Cap {
  readonly nanos: bigint;
  /** `window`: the whole of what is looked at, or each line of `--period` (a `--cap` flag). */
  readonly per: CapUnit | 'window';
  /** Only rows whose members are these count; empty: every row. */
  readonly scope: ReadonlyMap<string, string>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Where the last 24 hours begin: with a whole minute, whose rows all count, so that a sum by minutes is exact. */
export function rollingStart(nowMs: number): number {
  return minuteOf(nowMs - DAY_MS);
}

/** The whole minute that a moment lies in. */
export function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

/** The calendar units that caps are counted in. */
export function unitsOf(caps: readonly Cap[]): PeriodUnit[] {
  const units = caps.map(({ per }) => per).filter((per) => per !== 'run' && per !== 'rolling_24h' && per !== 'window');
  return [...new Set(units)];
}

/** Which cap it is, as answers say it. */
export interface CapNames {
  readonly cap_usd: string;
  readonly per: Cap['per'];
  readonly scope: Readonly<Record<string, string>>;
}

export function capNames({ nanos, per, scope }: Cap): CapNames {
  return { cap_usd: formatNanos(nanos), per, scope: Object.fromEntries(scope) };
}

/** A cap in words: "2 USD per day (agent=coder)". */
export function formatCap({ nanos, per, scope }: Cap): string {
  const of = [...scope].map(([name, value]) => `${name}=${value}`).join(', ');
  const unit = per === 'rolling_24h' ? '24 hours' : per;
  return `${formatNanos(nanos)} USD per ${unit}${of === '' ? '' : ` (${of})`}`;
}

/** What was spent against a cap in one of its periods. */
export interface CapUse {
  readonly spentNanos: bigint;
  readonly remainingNanos: bigint;
  /** In per cent, two places, cut: "100.00" is exactly the cap, or just over it. Null for a cap of 0. */
  readonly percent: string | null;
  readonly over: boolean;
  /** The highest of the configured thresholds that was reached. */
  readonly threshold: number | undefined;
}

/** Holds a sum against a cap, exactly. */
export function useOf(cap: Cap, spentNanos: bigint, thresholds: readonly number[]): CapUse {
  const reached = thresholds.filter((part) => isReached(cap, spentNanos, part));
  return {
    spentNanos,
    remainingNanos: cap.nanos - spentNanos,
    percent: percentOf(spentNanos, cap.nanos),
    over: spentNanos > cap.nanos,
    threshold: reached.length === 0 ? undefined : Math.max(...reached),
  };
}

/** Whether so much of a cap, a part such as 0.8, was spent. */
export function isReached(cap: Cap, spentNanos: bigint, part: number): boolean {
  return spentNanos > 0n && spentNanos * PARTS >= cap.nanos * partsOf(part);
}

const PARTS = 1_000_000n;
const partsOf = (threshold: number): bigint => BigInt(Math.round(threshold * Number(PARTS)));

/** What part of `whole` a sum is, in per cent with two places, cut towards zero; null where there is no whole. */
export function percentOf(part: bigint, whole: bigint): string | null {
  if (whole <= 0n) return null;
  const hundredths = (part * 10_000n) / whole;
  const size = hundredths < 0n ? -hundredths : hundredths;
  return `${hundredths < 0n ? '-' : ''}${size / 100n}.${String(size % 100n).padStart(2, '0')}`;
}
