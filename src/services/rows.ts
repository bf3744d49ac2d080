/**
 * Appending from a program: one call lands whole or not at all; calls that are made while a group is on its way go
 * together as the next group. The environment sets nothing here: a row is what the caller says.
 */
import { LedgerError } from '../core/errors';
import { toJson } from '../core/json';
import type { RowInput } from '../core/members';
import { refuseUnknownFields } from '../core/sealPlan';
import type { AppendEvents, Receipt } from '../store/append/append';
import { Catalogues } from '../store/catalogue/catalogues';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { nodeHost } from '../store/machine/nodeHost';
import { Writer } from '../store/append/writer';

export type { AppendEvents } from '../store/append/append';

/** A row is in the chain (`landed`, or `duplicate`: it was there under its key), or waits safely in the spill file. */
export type RowReceipt = Exclude<Receipt, { readonly status: 'refused' }>;

export interface AppendOptions {
  /** Fields to seal in each row that has them, beside what the settings say: `reason`, `payload.email`. */
  readonly seal?: readonly string[];
}

export interface RowWriter {
  /**
   * @param options fields to seal; one that no row of the call has is refused
   * @returns a receipt a row, in order, once all of them are on disk
   * @throws LedgerError a refusal code (nothing of the call is written; `place.line` is the row's number in the call, from 1),
   *   NOT_OWNER, NOT_WRITABLE, UNSAFE_PATH, STORED_NOWHERE, CLOSED; USAGE for what is no list
   */
  append(rows: readonly RowInput[], options?: AppendOptions): Promise<RowReceipt[]>;
  /** Waits for what is under way; later calls are refused. */
  close(): Promise<void>;
}

/** @throws LedgerError CONFIG_INVALID, CATALOGUE_INVALID, READ_FAILED */
export function openRows(place: Place, events: AppendEvents): RowWriter {
  const located = locate(place);
  const { paths, config } = located;
  const catalogues = new Catalogues(located);
  const host = nodeHost();
  const writer = new Writer({ paths, host, durability: config.durability, events });
  return {
    async append(rows, { seal = [] } = {}) {
      if (!isList(rows)) throw new LedgerError('USAGE', 'expected a list of rows, found something else');
      const { onOmitted } = events;
      const given = rows.map((row, i) => numbered(i + 1, () => toJson(row)));
      refuseUnknownFields(seal, given);
      const checked = given.map((row, i) =>
        numbered(i + 1, () => catalogues.checked(row, { nowMs: host.nowMs(), onOmitted, seal })),
      );
      return (await writer.append(checked)).map(accepted);
    },
    close: () => writer.close(),
  };
}

/** Not every caller is typed. */
function isList(rows: unknown): boolean {
  return Array.isArray(rows);
}

function numbered<T>(line: number, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const { code, message, place, hint, cause } = error;
    throw new LedgerError(code, `row ${line}: ${message}`, {
      place: { ...place, line },
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
  }
}

function accepted(receipt: Receipt): RowReceipt {
  if (receipt.status === 'refused') throw receipt.error;
  return receipt;
}
