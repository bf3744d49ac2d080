/**
 * The streams of a bundle: that their rows are all there, 1 to n, each linked to the one before, and that no row of
 * anything else is among them.
 */
import { ZERO_HASH } from '../digest';
import { linkOf } from '../governance/finding';
import type { Row } from '../members';
import { DECISION_CLOSERS, RUN_CLOSERS } from '../streams';
import type { BundleStream, StreamState } from './bundle';
import type { BundleFindings } from './finding';

/** Of more streams no finding tells. */
const MAX_NAMED = 10;

type Kind = BundleStream['kind'];
export type StreamKey = Pick<BundleStream, 'kind' | 'id'>;

/** Whether a row belongs to it. */
export function isIn({ kind, id }: StreamKey, row: Row): boolean {
  return streamsOf(row).some((stream) => stream.kind === kind && stream.id === id);
}

/** Whether it stands in no stream. */
export function isLoose({ run_seq: run, decision_seq: decision }: Row): boolean {
  return run === undefined && decision === undefined;
}

/** The ledger's own rows are nobody's. */
export function isOwn({ action }: Row): boolean {
  return action.startsWith('audit.');
}

/** Where a stream stands after these rows. */
export function stateOf(kind: Kind, rows: readonly Row[]): StreamState {
  if (kind === 'order') return 'loose';
  const closers = kind === 'run' ? RUN_CLOSERS : DECISION_CLOSERS;
  const at = rows.findIndex(({ action }) => closers.includes(action));
  if (at < 0) return 'open';
  return at === rows.length - 1 ? 'closed' : 'late';
}

/** As a bundle names it. */
export function streamOf({ kind, id }: StreamKey, rows: readonly Row[]): BundleStream {
  return { kind, id, rows: rows.length, state: stateOf(kind, rows) };
}

/** @param rows all that could be read, in the order of their seqs */
export function checkStreams(streams: readonly BundleStream[], rows: readonly Row[], findings: BundleFindings): void {
  if (streams.length === 0) findings.add('MALFORMED', 'at least one stream', 'none');
  const members = new Map<string, Row[]>();
  for (const stream of streams) {
    if (members.has(nameOf(stream))) findings.add('MALFORMED', 'every stream once', `${nameOf(stream)} twice`);
    members.set(nameOf(stream), []);
  }
  const wanted = streams.slice(0, MAX_NAMED).map(nameOf).join(', ').slice(0, 200);
  for (const row of rows) {
    let isShown = false;
    for (const stream of streamsOf(row)) {
      const list = members.get(nameOf(stream));
      list?.push(row);
      isShown ||= list !== undefined;
    }
    if (!isShown) findings.add('FOREIGN', `a row of ${wanted}`, whose(row), row.seq);
  }
  for (const stream of streams) checkStream(stream, members.get(nameOf(stream)) ?? [], findings);
}

function checkStream(stream: BundleStream, rows: readonly Row[], findings: BundleFindings): void {
  const name = nameOf(stream);
  if (stream.kind !== 'order') checkLinks(name, stream.kind, rows, findings);
  if (rows.length === 0 || rows.length !== stream.rows)
    findings.add('INCOMPLETE_STREAM', `${stream.rows} rows of ${name}`, `${rows.length} rows`);
  const state = stateOf(stream.kind, rows);
  if (state !== stream.state) findings.add('INCOMPLETE_STREAM', `${name} as it is said to be, ${stream.state}`, state);
}

function checkLinks(name: string, kind: 'run' | 'decision', rows: readonly Row[], findings: BundleFindings): void {
  let [expected, hash] = [1, ZERO_HASH];
  const [seqName, linkName] = [`${kind}_seq`, `${kind}_prev_hash`] as const;
  for (const row of rows) {
    const place = row[seqName] ?? 0;
    const link = row[linkName];
    if (place > expected)
      findings.add('INCOMPLETE_STREAM', `number ${expected} of ${name}`, `number ${place}`, row.seq);
    else if (place < expected)
      findings.add('STREAM_BROKEN', `number ${expected} of ${name}`, `number ${place}`, row.seq);
    else if (link !== hash)
      findings.add('STREAM_BROKEN', `a link to ${hash} in ${name}`, `one to ${String(link)}`, row.seq);
    expected = place + 1;
    hash = row.hash;
  }
}

export function nameOf({ kind, id }: StreamKey): string {
  return `${kind} ${id}`;
}

/** The streams that a row belongs to. To an order belong those alone that stand in no stream: a stream is shown whole. */
export function streamsOf(row: Row): StreamKey[] {
  const { run_id: run, decision_id: decision, run_seq: inRun, decision_seq: inDecision } = row;
  if (isOwn(row)) return [];
  const streams: StreamKey[] = [];
  if (run !== undefined && inRun !== undefined) streams.push({ kind: 'run', id: run });
  if (decision !== undefined && inDecision !== undefined) streams.push({ kind: 'decision', id: decision });
  const order = isLoose(row) ? linkOf(row, 'order_id') : undefined;
  if (order !== undefined) streams.push({ kind: 'order', id: order });
  return streams;
}

function whose(row: Row): string {
  const streams = streamsOf(row);
  return streams.length === 0 ? 'a row of no stream' : `a row of ${streams.map(nameOf).join(' and ')}`;
}
