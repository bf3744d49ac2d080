/** The rows that a bundle is made of: all of each stream that was asked for, whole lines, in the order of the ledger. */
import type { BundleRow } from '../../core/bundle/build';
import type { BundleStream } from '../../core/bundle/bundle';
import { isIn, isLoose, isOwn, streamOf, streamsOf } from '../../core/bundle/streams';
import type { StreamKey } from '../../core/bundle/streams';
import { LedgerError } from '../../core/errors';
import { storedRow } from '../../core/storedRow';
import { closeQuietly } from '../files';
import { matchingLines } from '../query/matchingLines';
import { openQuery } from '../query/openQuery';
import type { Conditions } from '../query/openQuery';

export interface StreamRows {
  readonly streams: readonly BundleStream[];
  readonly rows: readonly BundleRow[];
}

/** It is held in memory, several times over. */
const MAX_ROWS = 200_000;
/** So many streams are asked for at once. */
const STREAMS_AT_ONCE = 500;

type Asking = Pick<Conditions, 'place' | 'nowMs'>;

/** Every row of some streams. Errors as those of `openQuery`; TOO_MUCH. */
export async function rowsOfStreams(asking: Asking, keys: readonly StreamKey[]): Promise<StreamRows> {
  const found = new Map<number, BundleRow>();
  for (const kind of ['run', 'decision'] as const) {
    const ids = keys.filter((key) => key.kind === kind).map(({ id }) => id);
    for (let from = 0; from < ids.length; from += STREAMS_AT_ONCE) {
      const terms = ids.slice(from, from + STREAMS_AT_ONCE).map((id) => `${kind}_id=${id}`);
      for await (const one of rowsWhere({ ...asking, terms })) add(found, one);
    }
  }
  const rows = [...found.values()].sort((a, b) => a.row.seq - b.row.seq);
  return { rows, streams: told(keys, rows) };
}

/** Each stream with how many rows of it there are; one without a row is left out. */
function told(keys: readonly StreamKey[], rows: readonly BundleRow[]): BundleStream[] {
  const members = new Map(keys.map((key) => [nameOf(key), { key, rows: [] as BundleRow['row'][] }]));
  for (const { row } of rows) for (const key of streamsOf(row)) members.get(nameOf(key))?.rows.push(row);
  return [...members.values()].flatMap(({ key, rows: own }) => (own.length === 0 ? [] : [streamOf(key, own)]));
}

const nameOf = ({ kind, id }: StreamKey): string => JSON.stringify([kind, id]);

/** Whatever names an order: the streams that such rows are in, whole, and those rows that are in none. */
export async function rowsOfOrder(asking: Asking, order: string): Promise<StreamRows> {
  const key = { kind: 'order', id: order } as const;
  const { keys, loose } = await touchedBy(asking, [`order_id|payload.order_id=${order}`]);
  const own = loose.filter(({ row }) => isIn(key, row));
  const found = await rowsOfStreams(asking, keys);
  const rows = [...found.rows, ...own].sort((a, b) => a.row.seq - b.row.seq);
  const streams = own.length === 0 ? found.streams : [...found.streams, streamOf(key, own.map(({ row }) => row))]; // prettier-ignore
  return { rows, streams };
}

/**
 * The streams that rows of a query are in, whole.
 * @throws LedgerError USAGE for rows that are in none: nothing shows that these are all
 */
export async function rowsOfQuery(conditions: Conditions): Promise<StreamRows> {
  const { keys, loose } = await touchedBy(conditions, conditions.terms, conditions);
  const [first] = loose;
  if (first !== undefined)
    throw new LedgerError('USAGE', `expected rows that are in a run or a decision, found ${loose.length} in none, row ${first.row.seq} first`, {
      hint: 'no chain shows that rows in no stream are all: narrow the conditions, with run_id!= or decision_id!= for instance, or take "ledger export"',
    }); // prettier-ignore
  return rowsOfStreams(conditions, keys);
}

interface Touched {
  readonly keys: readonly StreamKey[];
  readonly loose: readonly BundleRow[];
}

async function touchedBy(asking: Asking, terms: readonly string[], more: Partial<Conditions> = {}): Promise<Touched> {
  const keys = new Map<string, StreamKey>();
  const loose = new Map<number, BundleRow>();
  for await (const one of rowsWhere({ ...more, ...asking, terms })) {
    for (const key of streamsOf(one.row)) if (key.kind !== 'order') keys.set(nameOf(key), key);
    if (isLoose(one.row) && !isOwn(one.row)) add(loose, one);
  }
  return { keys: [...keys.values()], loose: [...loose.values()] };
}

function add(found: Map<number, BundleRow>, one: BundleRow): void {
  if (found.size >= MAX_ROWS)
    throw new LedgerError('TOO_MUCH', `expected at most ${MAX_ROWS} rows in a bundle, found more`, {
      hint: 'make several: a bundle is for a run, a decision, an order',
    });
  found.set(one.row.seq, one);
}

async function* rowsWhere(conditions: Conditions): AsyncGenerator<BundleRow> {
  const { end, filter, wanted, notes } = await openQuery({ ...conditions, asObjects: true }, undefined);
  try {
    for await (const batch of matchingLines(wanted.lines, filter, { backwards: false, broken: notes.broken }))
      for (const { line, object } of batch) {
        const row = storedRow(line, object);
        if (row !== undefined) yield { row, line: line.toString('utf8') };
      }
  } finally {
    closeQuietly(end.fd);
  }
}
