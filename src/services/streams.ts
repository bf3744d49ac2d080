/** `ledger runs` and `ledger decisions`: every stream of a kind, a line each. */
import type { Zone } from '../core/day';
import { countsBy } from '../core/governance/signed';
import { StreamList } from '../core/governance/streamList';
import type { StreamFilter, StreamLine } from '../core/governance/streamList';
import type { StreamName } from '../core/governance/finding';
import { parseWindow } from '../core/when';
import type { TimeWindow, WindowFlags } from '../core/when';
import { streamLines } from '../store/governance/streamLines';
import { calendarOf } from '../store/ledger/calendar';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { signatureJudge } from '../store/signing/judge';

export type { StreamLine } from '../core/governance/streamList';

export interface StreamsRequest extends WindowFlags {
  readonly place: Place;
  readonly kind: StreamName['kind'];
  readonly tz?: string | undefined;
  readonly nowMs: number;
  readonly filter: Omit<StreamFilter, 'sinceMs' | 'untilMs'>;
}

export interface StreamsAnswer {
  readonly window: TimeWindow | undefined;
  readonly zone: Zone;
  readonly lines: readonly StreamLine[];
}

/** @throws LedgerError USAGE, CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED */
export async function streams({ place, kind, tz, nowMs, filter, ...flags }: StreamsRequest): Promise<StreamsAnswer> {
  const located = locate(place);
  const calendar = calendarOf(place, located, tz);
  const window = parseWindow(flags, { nowMs, calendar });
  const list = new StreamList(kind, countsBy(signatureJudge(located)));
  const { batches } = await streamLines(place, [], nowMs);
  for await (const lines of batches) for (const { row } of lines) list.step(row);
  const { sinceMs = -Infinity, untilMs = Infinity } = window ?? {};
  return { window, zone: calendar.zone, lines: list.lines({ ...filter, sinceMs, untilMs }) };
}
