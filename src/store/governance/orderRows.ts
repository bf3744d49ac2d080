/** The rows of an order: those that name it, and those of its runs that name no other one. */
import { linkOf } from '../../core/governance/finding';
import type { Row } from '../../core/members';
import type { Place } from '../ledger/locate';
import { rowsWhere } from './streamLines';

/** @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED */
export async function orderRows(place: Place, order: string, nowMs: number): Promise<Row[]> {
  const found = new Map<number, Row>();
  const add = async (term: string): Promise<void> => {
    for await (const row of rowsWhere(place, [term], nowMs))
      if (!row.action.startsWith('audit.') && (linkOf(row, 'order_id') ?? order) === order) found.set(row.seq, row);
  };
  await add(`order_id=${order}`);
  await add(`payload.order_id=${order}`);
  const runs = new Set([...found.values()].flatMap(({ run_id: id }) => id ?? []));
  for (const run of runs) await add(`run_id=${run}`);
  return [...found.values()].sort((a, b) => a.seq - b.seq);
}
