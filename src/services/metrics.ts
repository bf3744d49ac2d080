/** `ledger metrics`: figures of how decisions and runs went. */
import { countsBy } from '../core/governance/signed';
import type { Zone } from '../core/day';
import { METRIC_ACTIONS, MetricsTally } from '../core/governance/metrics';
import type { Metrics } from '../core/governance/metricsReport';
import { parseWindow } from '../core/when';
import type { TimeWindow, WindowFlags } from '../core/when';
import { streamLines } from '../store/governance/streamLines';
import { calendarOf } from '../store/ledger/calendar';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { signatureJudge } from '../store/signing/judge';

export type { Latency, Metrics } from '../core/governance/metricsReport';

export interface MetricsRequest extends WindowFlags {
  readonly place: Place;
  readonly tz?: string | undefined;
  readonly nowMs: number;
}

export interface MetricsAnswer {
  readonly window: TimeWindow | undefined;
  readonly zone: Zone;
  readonly metrics: Metrics;
}

/** @throws LedgerError USAGE, CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED */
export async function metrics({ place, tz, nowMs, ...flags }: MetricsRequest): Promise<MetricsAnswer> {
  const located = locate(place);
  const calendar = calendarOf(place, located, tz);
  const window = parseWindow(flags, { nowMs, calendar });
  const tally = new MetricsTally(
    window ?? { sinceMs: -Infinity, untilMs: Infinity },
    calendar,
    countsBy(signatureJudge(located)),
  );
  const { batches } = await streamLines(place, [], nowMs, METRIC_ACTIONS);
  for await (const lines of batches) for (const { row } of lines) tally.step(row);
  return { window, zone: calendar.zone, metrics: tally.result() };
}
