/**
 * How fast money goes, and where that leads: silent until there is enough to say, since a rate made of one row is a guess.
 * Enough is five rows with a cost, and an hour, or a quarter of a period that is shorter than four.
 *
 *   0.12 USD in the 4 hours since midnight  →  0.03 USD/h, 0.72 USD by midnight
 */
import { inForce } from './capState';
import type { CapState } from './capState';
import { DAY_MS, HOUR_MS } from './day';

/** A rate over a longer time than a month says nothing about now. */
const TOO_MUCH_MS = 31 * DAY_MS + HOUR_MS;
const ENOUGH_ROWS = 5;
/** Rates are estimates: six places are plenty. */
const RATE_STEP = 1000n;

/** What was spent since a moment, in so many rows. */
export interface Spending {
  readonly nanos: bigint;
  readonly costRows: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly nowMs: number;
}

export interface Burn {
  readonly perHourNanos: bigint;
  /** What it will be at the end if that goes on; undefined where that is behind us, or there is none. */
  readonly forecastNanos: bigint | undefined;
}

/** Undefined where there is not enough to say. */
export function burnOf(
  { nanos, costRows, sinceMs, untilMs, nowMs }: Spending,
  enoughMs: number = HOUR_MS,
): Burn | undefined {
  const elapsedMs = Math.min(nowMs, untilMs) - sinceMs;
  const telling = elapsedMs >= enoughMs && elapsedMs <= TOO_MUCH_MS;
  if (!telling || costRows < ENOUGH_ROWS || nanos <= 0n) return undefined;
  const over = (ms: number): bigint => (nanos * BigInt(Math.trunc(ms))) / BigInt(Math.trunc(elapsedMs));
  const running = Number.isFinite(untilMs) && nowMs < untilMs;
  return {
    perHourNanos: roundRate(over(HOUR_MS)),
    forecastNanos: running ? roundRate(nanos + over(untilMs - nowMs)) : undefined,
  };
}

function roundRate(nanos: bigint): bigint {
  return ((nanos + RATE_STEP / 2n) / RATE_STEP) * RATE_STEP;
}

export interface CapPace extends Burn {
  /** When nothing will be left, what is reserved counted as spent; undefined where the period ends before that, or it is full. */
  readonly fullMs: number | undefined;
}

/** How fast a cap of a calendar period fills; undefined for others, and where there is not enough to say. */
export function paceOf(state: CapState, nowMs: number): CapPace | undefined {
  const { period, costRows, spentNanos, reservedNanos } = state;
  if (period === undefined) return undefined;
  const { startMs, endMs } = period;
  const spending = { nanos: spentNanos, costRows, sinceMs: startMs, untilMs: endMs, nowMs };
  const burn = burnOf(spending, Math.min(HOUR_MS, (endMs - startMs) / 4));
  if (burn === undefined) return undefined;
  const leftNanos = inForce(state).nanos - spentNanos - reservedNanos;
  const leftMs = Number((leftNanos * BigInt(Math.trunc(nowMs - startMs))) / spentNanos);
  return { ...burn, fullMs: leftNanos > 0n && nowMs + leftMs < endMs ? nowMs + leftMs : undefined };
}
