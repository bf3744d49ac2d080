/** Following a ledger from a program: every whole row once, in order, whoever appended it. */
import type { Row } from '../core/members';
import { openReading } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { summariesOf } from '../store/access/summaries';
import { followLedger } from '../store/read/follow';
import type { Followed } from '../store/read/follow';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';

export interface FollowFilter {
  /** Begin behind this row; default: behind the newest one. */
  readonly afterSeq?: number;
  /** Only rows whose members have these values: `{ run_id: 'r1', action: 'tool.used' }`. */
  readonly where?: Readonly<Record<string, string | number | boolean>>;
}

/** With `"access": {"raw": "break-glass"}` in the config a summary of one, unless it was asked for raw. */
export type FollowedRow = Row;

/**
 * The place is taken before this returns: rows that are appended from then on come, however late they are asked for.
 * @throws LedgerError CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED; when the first one is asked for, as
 *   `openReading`
 */
export function followRows(
  place: Place,
  { afterSeq, where = {} }: FollowFilter,
  asked?: ReadAsked,
  signal?: AbortSignal,
): AsyncGenerator<FollowedRow> {
  const { paths } = locate(place);
  const from = afterSeq === undefined ? { lastRows: 0 } : { afterSeq };
  const batches = followLedger(paths, { from, follow: true, ...(signal === undefined ? {} : { signal }) });
  return rowsOf(readable(place, where, asked, batches), Object.entries(where));
}

async function* readable(
  place: Place,
  where: FollowFilter['where'] & object,
  asked: ReadAsked | undefined,
  batches: AsyncIterable<readonly Followed[]>,
): AsyncGenerator<readonly Followed[]> {
  const reading = await openReading(place, { command: 'follow', fields: Object.keys(where) }, asked);
  await reading.record();
  yield* reading.isWhole ? batches : summariesOf(batches);
}

async function* rowsOf(
  batches: AsyncIterable<readonly Followed[]>,
  wanted: readonly (readonly [string, unknown])[],
): AsyncGenerator<FollowedRow> {
  for await (const batch of batches) {
    for (const one of batch) {
      if (one.kind === 'row' && wanted.every(([name, value]) => one.row[name] === value)) yield one.row;
    }
  }
}
