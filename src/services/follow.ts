/** Following a ledger from a program: every whole row once, in order, whoever appended it. */
import type { Row } from '../core/members';
import { followLedger } from '../store/read/follow';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';

export interface FollowFilter {
  /** Begin behind this row; default: behind the newest one. */
  readonly afterSeq?: number;
  /** Only rows whose members have these values: `{ run_id: 'r1', action: 'tool.call' }`. */
  readonly where?: Readonly<Record<string, string | number | boolean>>;
}

export type FollowedRow = Row;

/** @throws LedgerError CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED */
export async function* followRows(
  place: Place,
  { afterSeq, where = {} }: FollowFilter,
  signal?: AbortSignal,
): AsyncGenerator<FollowedRow> {
  const { paths } = locate(place);
  const wanted = Object.entries(where);
  const from = afterSeq === undefined ? { lastRows: 0 } : { afterSeq };
  for await (const batch of followLedger(paths, { from, follow: true, ...(signal === undefined ? {} : { signal }) })) {
    for (const one of batch) {
      if (one.kind === 'row' && wanted.every(([name, value]) => one.row[name] === value)) yield one.row;
    }
  }
}
