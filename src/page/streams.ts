/** The streams: their rows are all there, 1 to n, each linked to the one before; and no row of anything else is among them. */
import type { Stream } from './bundle';
import type { Findings } from './finding';
import { shown } from './json';
import type { Row } from './rows';

const CLOSERS: Readonly<Record<string, readonly string[]>> = {
  run: ['run_completed'],
  decision: ['decision.executed', 'decision.expired'],
};
const NO_HASH = '0'.repeat(64);

export const nameOf = ({ kind, id }: Pick<Stream, 'kind' | 'id'>): string => `${kind} ${id}`;

export function checkStreams(streams: readonly Stream[], rows: readonly Row[], findings: Findings): void {
  findings.must(streams.length > 0, 'MALFORMED', 'at least one stream', 'none');
  const members = new Map(streams.map((stream) => [nameOf(stream), [] as Row[]]));
  findings.must(members.size === streams.length, 'MALFORMED', 'every stream once', 'one twice');
  const names = [...members.keys()].join(', ').slice(0, 200);
  for (const row of rows) {
    const own = streamsOf(row).filter((name) => members.has(name));
    findings.must(own.length > 0, 'FOREIGN', `a row of ${names}`, 'one of another stream', row.seq);
    for (const name of own) members.get(name)?.push(row);
  }
  for (const stream of streams) checkStream(stream, members.get(nameOf(stream)) ?? [], findings);
}

/** Which streams a row is in. Rows of the ledger itself are nobody's; an order's own are those that are in no stream. */
function streamsOf({ action, members }: Row): string[] {
  if (action.startsWith('audit.')) return [];
  const kinds = ['run', 'decision'].filter((kind) => members.has(`${kind}_seq`));
  if (kinds.length > 0) return kinds.map((kind) => nameOf({ kind, id: shown(members.get(`${kind}_id`)) }));
  const order = orderOf(members);
  return typeof order === 'string' || typeof order === 'number' ? [nameOf({ kind: 'order', id: String(order) })] : [];
}

function orderOf(members: Row['members']): unknown {
  const payload = members.get('payload');
  if (members.has('order_id')) return members.get('order_id');
  return payload instanceof Map ? (payload as Row['members']).get('order_id') : undefined;
}

function checkStream(stream: Stream, rows: readonly Row[], findings: Findings): void {
  const name = nameOf(stream);
  if (stream.kind !== 'order') checkLinks(stream, rows, findings);
  const isWhole = rows.length > 0 && rows.length === stream.rows;
  findings.must(isWhole, 'INCOMPLETE_STREAM', `${stream.rows} rows of ${name}`, `${rows.length} rows`);
  const state = stateOf(stream.kind, rows);
  findings.must(state === stream.state, 'INCOMPLETE_STREAM', `${name} as it is said to be, ${stream.state}`, state);
}

function checkLinks({ kind, id }: Stream, rows: readonly Row[], findings: Findings): void {
  let [next, hash] = [1, NO_HASH];
  for (const { seq, members, hash: own } of rows) {
    const place = Number(members.get(`${kind}_seq`));
    const link = shown(members.get(`${kind}_prev_hash`));
    if (place !== next) {
      const code = place > next ? 'INCOMPLETE_STREAM' : 'STREAM_BROKEN';
      findings.must(false, code, `number ${next} of ${kind} ${id}`, `number ${place}`, seq);
    } else findings.must(link === hash, 'STREAM_BROKEN', `a link to ${hash}`, `one to ${link}`, seq);
    [next, hash] = [place + 1, own];
  }
}

function stateOf(kind: string, rows: readonly Row[]): string {
  if (kind === 'order') return 'loose';
  const at = rows.findIndex(({ action }) => CLOSERS[kind]?.includes(action));
  if (at < 0) return 'open';
  return at === rows.length - 1 ? 'closed' : 'late';
}
