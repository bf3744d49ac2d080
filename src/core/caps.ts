/**
 * Caps: how much may be spent per period, by whom. The config and `--cap` spell them; a cap is over when more than it
 * was spent: 50 × 0.10 against 5.00 is at the cap, and not over it.
 *
 *   {"usd":"2.00","per":"day","agent":"coder"}
 */

export const CAP_UNITS = ['run', 'hour', 'day', 'week', 'month', 'rolling_24h'] as const;
export type CapUnit = (typeof CAP_UNITS)[number];

export interface Cap {
  readonly nanos: bigint;
  /** `window`: the whole of what is looked at, or each line of `--period` (a `--cap` flag). */
  readonly per: CapUnit | 'window';
  /** Only rows whose members are these count; empty: every row. */
  readonly scope: ReadonlyMap<string, string>;
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
  const reached = thresholds.filter((part) => spentNanos > 0n && spentNanos * PARTS >= cap.nanos * partsOf(part));
  return {
    spentNanos,
    remainingNanos: cap.nanos - spentNanos,
    percent: percentOf(spentNanos, cap.nanos),
    over: spentNanos > cap.nanos,
    threshold: reached.length === 0 ? undefined : Math.max(...reached),
  };
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
