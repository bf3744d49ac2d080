/**
 * What was spent: exact sums of `cost_usd` by effective time, per group and period, held against caps.
 *
 * The sums are of what the file holds; whether nobody changed it is for `verify` to say. No lock is taken.
 */
import { capsReport } from '../core/capReport';
import type { Cap } from '../core/caps';
import { lostText } from '../core/damage';
import type { Calendar, PeriodUnit } from '../core/day';
import { closedDayLines, closedDays } from '../core/dayClose';
import { LedgerError } from '../core/errors';
import { formatNanos, parseCostNanos } from '../core/money';
import { overridesIn } from '../core/override';
import type { CapOverride } from '../core/override';
import { allGroups, burnLine, groupLines, moneyLine, netOf, periodLines, totalOf, windowOf } from '../core/rollup';
import type { ClosedDay, RollupReport, RollupWarning } from '../core/rollup';
import { DAY_CLOSED } from '../core/spendActions';
import type { TallyPlan, TallySums } from '../core/tally';
import { parseDay, parseWindow } from '../core/when';
import type { TimeWindow, WindowFlags } from '../core/when';
import { readCosts } from '../store/costs/costs';
import type { CostReading } from '../store/costs/costs';
import { withWholeRuns } from '../store/costs/runCosts';
import { openReading } from '../store/access/reading';
import { calendarOf } from '../store/ledger/calendar';
import { locate } from '../store/ledger/locate';
import type { LocatedLedger, Place } from '../store/ledger/locate';
import { openReservations } from '../store/spend/currentSpend';
import { rowsSince } from '../store/read/rowsOfAction';
import { overrideRows } from '../store/spend/overrideRows';
import { spendRequest } from '../store/spend/spendPlan';

export type MissingCosts = 'ignore' | 'warn' | 'fail';

export interface RollupOptions extends WindowFlags {
  readonly place: Place;
  /** The zone of `--tz`; else the config's, else the machine's. */
  readonly tz?: string | undefined;
  readonly nowMs: number;
  readonly period?: Exclude<PeriodUnit, 'hour'> | undefined;
  /** Any member of a row, also one of the caller's own. */
  readonly by?: string | undefined;
  /** A cap on the window, or on each period, as typed: "5.00". */
  readonly capUsd?: string | undefined;
  readonly missing?: MissingCosts | undefined;
}

/**
 * @throws LedgerError USAGE for flags that mean nothing, LEDGER_MISSING where there is no ledger, READ_FAILED
 */
export async function rollup(options: RollupOptions): Promise<RollupReport> {
  if (options.by !== undefined) checkMember(options.by);
  const located = locate(options.place);
  const { paths, config } = located;
  const calendar = calendarOf(options.place, located, options.tz);
  const window = windowFrom(options, calendar);
  const flagCap = options.capUsd === undefined ? undefined : capOf(options.capUsd);
  if (options.by !== undefined)
    await openReading(options.place, { command: 'rollup', fields: [options.by] }, undefined);
  const closed = closedDays(await rowsSince(paths, DAY_CLOSED, window.sinceMs), window, calendar);
  const plan: TallyPlan = {
    sinceMs: window.sinceMs,
    untilMs: window.untilMs,
    nowMs: options.nowMs,
    by: options.by,
    period: options.period,
    caps: config.caps,
    closes: closed.alike.map(({ startMs, endMs, throughSeq }) => ({ startMs, endMs, throughSeq })),
  };
  const read = await readCosts(paths, plan, calendar);
  const reading = { ...read, sums: await withWholeRuns(paths, plan, calendar, read.sums) };
  const reserved = await reservedIn(window, options, located);
  const { thresholds } = config;
  const overrides = config.caps.length === 0 ? [] : overridesIn(await overrideRows(paths, window.sinceMs));
  const closedLines = closedDayLines(closed, read.sums.closes);
  const parts = { closedLines, plan, calendar, thresholds, overrides, window, flagCap, reading, reserved };
  return report(options.missing ?? 'warn', parts);
}

/** Reservations are of this moment: a window that is over, or yet to come, has none. */
async function reservedIn(
  { sinceMs, untilMs }: TimeWindow,
  { place, nowMs }: RollupOptions,
  located: LocatedLedger,
): Promise<RollupReport['reserved']> {
  if (located.config.caps.length === 0 || nowMs < sinceMs || nowMs >= untilMs) return null;
  try {
    const open = await openReservations(spendRequest(place, located, nowMs));
    const nanos = open.reduce((sum, one) => sum + one.nanos, 0n);
    return { reserved_usd: formatNanos(nanos), reservations: open.length };
  } catch (error) {
    // The broken lines are counted and told of already.
    if (error instanceof LedgerError && error.code === 'LEDGER_BROKEN') return null;
    throw error;
  }
}

interface Parts {
  readonly closedLines: readonly ClosedDay[];
  readonly thresholds: readonly number[];
  readonly overrides: readonly CapOverride[];
  readonly plan: TallyPlan;
  readonly calendar: Calendar;
  readonly window: TimeWindow;
  readonly flagCap: Cap | undefined;
  readonly reading: CostReading;
  readonly reserved: RollupReport['reserved'];
}

function report(missing: MissingCosts, parts: Parts): RollupReport {
  const { plan, calendar, thresholds, overrides, window, flagCap, reading, reserved } = parts;
  const { sums } = reading;
  const groups = allGroups(sums);
  const total = totalOf(groups);
  const judge = { plan, calendar, thresholds, overrides };
  const flag = flagCap === undefined ? undefined : { cap: flagCap, spend: lineSpend(sums) };
  return {
    window: windowOf(plan, calendar, window),
    by: plan.by ?? null,
    period: plan.period ?? null,
    total: moneyLine(total),
    groups: plan.by === undefined ? [] : groupLines(groups),
    periods: periodLines(plan, sums, calendar),
    ...capsReport(judge, sums.caps, flag),
    reserved,
    ...burnLine(plan, total),
    closed_days: parts.closedLines,
    broken_lines: reading.brokenLines,
    source: reading.source,
    warnings: [...warningsOf(missing, total.missingCostRows, reading), ...closeWarnings(parts.closedLines)],
  };
}

/** Today, unless flags say otherwise; every period there is, where only a period is asked for. */
function windowFrom(options: RollupOptions, calendar: Calendar): TimeWindow {
  const { nowMs } = options;
  if (options.day !== undefined && options.period !== undefined) {
    throw new LedgerError('USAGE', 'expected either --day or --period, found both', {
      hint: 'take --period with --since and --until',
    });
  }
  const given = parseWindow(options, { nowMs, calendar });
  if (given !== undefined) return given;
  if (options.period !== undefined) return { sinceMs: -Infinity, untilMs: Infinity, label: undefined };
  const { startMs, endMs, label } = parseDay('today', { nowMs, calendar, flag: '--day' });
  return { sinceMs: startMs, untilMs: endMs, label };
}

/** Every row would be among those without that member. */
function checkMember(name: string): void {
  if (name !== '' && !name.includes(',')) return;
  throw new LedgerError('USAGE', `expected --by to be the name of one member, found ${JSON.stringify(name)}`, {
    hint: 'take one after the other: --by agent, then --by action',
  });
}

function capOf(text: string): Cap {
  const nanos = parseCostNanos(text);
  if (nanos === undefined || nanos < 0) {
    throw new LedgerError('USAGE', `expected --cap to be an amount in USD such as 5.00, found ${JSON.stringify(text)}`);
  }
  return { nanos: BigInt(nanos), per: 'window', scope: new Map() };
}

/** What each line of the report spent: what `--cap` is held against. */
function lineSpend(sums: TallySums): readonly (readonly [number, bigint])[] {
  return sums.lines.map(({ startMs, groups }) => [startMs, netOf(totalOf(groups))] as const);
}

function warningsOf(missing: MissingCosts, missingRows: number, reading: CostReading): readonly RollupWarning[] {
  const { brokenLines, brokenAt, lostRows, spilledRows, sums } = reading;
  const warnings: RollupWarning[] = [];
  const warn = (code: RollupWarning['code'], count: number, message: string): void => {
    if (count > 0) warnings.push({ code, message });
  };
  const offsets = brokenAt
    .slice(0, 3)
    .map(({ segment, offset }) => `${segment} byte ${offset}`)
    .join(', ');
  warn(
    'BROKEN_LINES',
    brokenLines,
    `${count(brokenLines, 'broken line')} not in the sums (${offsets}${brokenLines > 3 ? ', …' : ''}); "ledger sweep" heals torn ones, "ledger verify" names the others`,
  );
  warn(
    'ROWS_LOST',
    sums.tombstones,
    `${count(sums.tombstones, 'named gap')} in the ledger: what was lost there is not in the sums; see "ledger verify"`,
  );
  warn('ROWS_LOST', sums.lost.length, lostWarning(sums.lost));
  warn(
    'ROWS_LOST',
    lostRows,
    `${count(lostRows, 'row')} that the index knows are gone from the file; run "ledger verify"`,
  );
  warn(
    'ROWS_SPILLED',
    spilledRows,
    `${count(spilledRows, 'row')} in the spill, not in the sums yet; run "ledger sweep"`,
  );
  warn(
    'COSTS_UNREADABLE',
    sums.unreadableCosts,
    `${count(sums.unreadableCosts, 'row')} with a cost_usd that is no amount, counted as missing`,
  );
  if (missing !== 'ignore')
    warn('COSTS_MISSING', missingRows, `${count(missingRows, 'row')} without a cost; absent is not zero`);
  return warnings;
}

/** Rows that are counted are not to change: that they did is no adjustment. */
function closeWarnings(days: readonly ClosedDay[]): readonly RollupWarning[] {
  const changed = days.filter(({ state }) => state === 'changed');
  return changed.map(({ day, seq, closed_usd: closed, counted_then_usd: counted }) => ({
    code: 'CLOSED_DAY_CHANGED',
    message: `${day} was closed at ${closed} USD (row ${seq}), and the rows that were counted then add up to ${counted} now: rows were lost or altered; run "ledger verify"`,
  }));
}

/** What the ledger says of itself: which rows are gone. */
function lostWarning(lost: TallySums['lost']): string {
  const named = lost.slice(0, 3).map(lostText).join('; ');
  return `${named}${lost.length > 3 ? '; …' : ''}: a row says so; what they cost is not in the sums; see "ledger verify"`;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
