/** `ledger proof`: an order from payment to what was delivered; and what orders earned and cost. */
import type { Zone } from '../core/day';
import { textOf } from '../core/governance/finding';
import { Margins } from '../core/governance/margins';
import type { MarginKey, MarginLine } from '../core/governance/margins';
import { orderProof } from '../core/governance/orderProof';
import type { ArtifactCheck, OrderProof } from '../core/governance/orderProof';
import { parseWindow } from '../core/when';
import type { TimeWindow, WindowFlags } from '../core/when';
import { openContent } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { checkArtifact } from '../store/governance/artifact';
import { orderRows } from '../store/governance/orderRows';
import { rowsWhere } from '../store/governance/streamLines';
import { calendarOf } from '../store/ledger/calendar';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';

export { MARGIN_KEYS } from '../core/governance/margins';
export type { MarginKey, MarginLine } from '../core/governance/margins';
export type { OrderProof } from '../core/governance/orderProof';

export interface ProofRequest {
  readonly place: Place;
  readonly order: string;
  /** Where files of artifacts are looked for. */
  readonly folder: string;
  readonly nowMs: number;
  readonly reading: ReadAsked;
}

/**
 * @returns undefined where no row names the order
 * @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED; as `openReading`
 */
export async function proofOfOrder(request: ProofRequest): Promise<OrderProof | undefined> {
  const { place, order, folder, nowMs } = request;
  const rows = await orderRows(place, order, nowMs);
  const reading = await openContent(place, { command: 'proof', sought: order }, request.reading);
  await reading.record();
  if (rows.length === 0) return undefined;
  const checks = new Map<number, ArtifactCheck>();
  for (const row of rows) {
    const [ref, sha256] = [textOf(row, 'ref'), textOf(row, 'sha256')];
    if (row.action === 'proof.artifact' && ref !== undefined && sha256 !== undefined)
      checks.set(row.seq, await checkArtifact(folder, ref, sha256));
  }
  return orderProof(order, rows, checks);
}

export interface MarginsRequest extends WindowFlags {
  readonly place: Place;
  readonly by: MarginKey;
  readonly tz?: string | undefined;
  readonly nowMs: number;
}

export interface MarginsAnswer {
  readonly window: TimeWindow | undefined;
  readonly zone: Zone;
  readonly lines: readonly MarginLine[];
}

/** @throws LedgerError USAGE, LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED */
export async function margins({ place, by, tz, nowMs, ...flags }: MarginsRequest): Promise<MarginsAnswer> {
  const calendar = calendarOf(place, locate(place), tz);
  const window = parseWindow(flags, { nowMs, calendar });
  const tally = new Margins(by, calendar, window ?? { sinceMs: -Infinity, untilMs: Infinity });
  for await (const row of rowsWhere(place, [], nowMs)) tally.step(row);
  return { window, zone: calendar.zone, lines: tally.lines() };
}
