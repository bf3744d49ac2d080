/**
 * What became of a reservation: what was really spent (`settle`), or that nothing was (`release`). A plain append, so it
 * waits in the spill file like any other where it cannot be chained: money that was spent is not forgotten. Its key
 * makes it the only one: a reservation is closed once, also where two try at once.
 */
import type { Durability } from '../../core/config';
import { LedgerError } from '../../core/errors';
import type { JsonObject } from '../../core/json';
import type { Row } from '../../core/members';
import { formatNanos, parseCostNanos } from '../../core/money';
import { closingRow, parseReservationId, reservationOf } from '../../core/reservation';
import { checkRow } from '../../core/row';
import type { CheckedRow } from '../../core/row';
import { wholeText } from '../../core/sameContent';
import { RELEASED, RESERVED } from '../../core/spendActions';
import type { AppendEvents, Receipt } from '../append/append';
import { Writer } from '../append/writer';
import { presentSegments } from '../ledger/segments';
import { nodeHost } from '../machine/nodeHost';
import { findLines } from '../read/find';
import type { StatePaths } from '../paths';

export interface CloseRequest {
  readonly paths: StatePaths;
  readonly durability: Durability;
  /** The reservation's id, as `gate` gave it. */
  readonly id: string;
  /** What was spent, in nano-dollars; undefined releases it. */
  readonly cost: bigint | undefined;
  /** Further members of the row. */
  readonly flags: JsonObject;
  /** Takes out of the row what its catalogue leaves out; refuses none: the money is spent. */
  readonly cleaned: (row: JsonObject) => JsonObject;
  /** Seals what the settings say. */
  readonly sealed: (row: CheckedRow) => CheckedRow;
  readonly events: AppendEvents;
}

export interface CloseResult {
  readonly receipt: Exclude<Receipt, { readonly status: 'refused' }>;
  readonly reservation: string;
  readonly reserved_usd: string;
  /** Null for a release. */
  readonly cost_usd: string | null;
  /** How much more was spent than was reserved; null where it was not. */
  readonly above_usd: string | null;
}

/**
 * @throws LedgerError USAGE for what is no id, NOT_FOUND where no reservation has this id, RESERVATION_CLOSED where another
 *   row has closed it otherwise, a refusal code, STORED_NOWHERE
 */
export async function closeReservation(request: CloseRequest): Promise<CloseResult> {
  const id = parseReservationId(request.id);
  const { paths, durability, cost } = request;
  const reserved = await findReservation(paths, id);
  const row = request.cleaned(closingRow(reserved.row, request.flags, cost === undefined ? 'released' : 'settled'));
  if (cost !== undefined) row.set('cost_usd', formatNanos(cost));
  const host = nodeHost();
  const writer = new Writer({ paths, host, durability, events: request.events });
  try {
    const checked = request.sealed(checkRow(row, { nowMs: host.nowMs() }));
    const [receipt] = await writer.appendEach([checked]);
    if (receipt?.status === 'refused') throw await whyRefused(paths, id, receipt.error, checked);
    return {
      receipt: receipt as CloseResult['receipt'],
      reservation: id,
      reserved_usd: formatNanos(reserved.nanos),
      cost_usd: cost === undefined ? null : formatNanos(cost),
      above_usd: cost !== undefined && cost > reserved.nanos ? formatNanos(cost - reserved.nanos) : null,
    };
  } finally {
    await writer.close();
  }
}

async function findReservation(paths: StatePaths, id: string): Promise<{ readonly row: Row; readonly nanos: bigint }> {
  presentSegments(paths);
  for (const { reading } of await findLines(paths, { kind: 'id', id })) {
    const reservation = reading.kind === 'row' ? reservationOf(reading.row, new Set()) : undefined;
    if (reading.kind === 'row' && reservation !== undefined) return { row: reading.row, nanos: reservation.nanos };
  }
  throw new LedgerError('NOT_FOUND', `expected the id of a row ${RESERVED}, found none with ${id}`, {
    hint: 'take the id that "ledger gate" printed',
  });
}

/** The key was taken: by which row, and what it says. What is stored nowhere is said whole. */
async function whyRefused(paths: StatePaths, id: string, error: LedgerError, row: CheckedRow): Promise<LedgerError> {
  if (error.code === 'STORED_NOWHERE')
    return new LedgerError(error.code, error.message, { hint: `append it by hand: ${wholeText(row)}`, cause: error });
  if (error.code !== 'IDEMPOTENCY_CONFLICT') return error;
  const seq = /row ([0-9]+)/.exec(error.message)?.[1];
  const [found] = seq === undefined ? [] : await findLines(paths, { kind: 'seq', seq: Number(seq) });
  if (found?.reading.kind !== 'row') return error;
  const { action, cost_usd: cost } = found.reading.row;
  const how = action === RELEASED ? 'released' : `settled with ${cost === undefined ? 'no cost' : formatCost(cost)}`;
  return new LedgerError('RESERVATION_CLOSED', `expected reservation ${id} to be open, found it ${how} by row ${seq}`, {
    hint: 'a cost that came later is a row of its own: "ledger append --action cost.correction" or the action itself, with --ref',
    cause: error,
  });
}

function formatCost(cost: number): string {
  return `${formatNanos(parseCostNanos(String(cost)) ?? 0)} USD`;
}
