/**
 * Appending from a program: one call lands whole or not at all; calls that are made while a group is on its way go
 * together as the next group. The environment sets nothing here: a row is what the caller says.
 */
import { LedgerError } from '../core/errors';
import { toJson } from '../core/json';
import type { RowInput } from '../core/members';
import type { CheckedRow } from '../core/row';
import type { AppendEvents, Receipt } from '../store/append/append';
import { Catalogues } from '../store/catalogue/catalogues';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { nodeHost } from '../store/machine/nodeHost';
import { Writer } from '../store/append/writer';

export type { AppendEvents } from '../store/append/append';

/** A row is in the chain (`landed`, or `duplicate`: it was there under its key), or waits safely in the spill file. */
export type RowReceipt = Exclude<Receipt, { readonly status: 'refused' }>;

export interface RowWriter {
  /**
   * @returns a receipt a row, in order, once all of them are on disk
   * @throws LedgerError a refusal code (nothing of the call is written; `place.line` is the row's number in the call, from 1),
   *   NOT_OWNER, NOT_WRITABLE, UNSAFE_PATH, STORED_NOWHERE, CLOSED; USAGE for what is no list
   */
  append(rows: readonly RowInput[]): Promise<RowReceipt[]>;
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
    async append(rows) {
      if (!isList(rows)) throw new LedgerError('USAGE', 'expected a list of rows, found something else');
      const checked = rows.map((row, i) =>
        numbered(i + 1, () => catalogues.checked(toJson(row), { nowMs: host.nowMs(), onOmitted: events.onOmitted })),
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

function numbered(line: number, check: () => CheckedRow): CheckedRow {
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
