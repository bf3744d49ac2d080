/** The rows of streams with what their own bytes say of them. */
import { isWholeLine } from '../../core/chain';
import { orNothing } from '../../core/errors';
import type { StreamName } from '../../core/governance/finding';
import { lacksDelivery } from '../../core/governance/reconstruction';
import type { LedgerName, ReadStream } from '../../core/governance/reconstruction';
import type { StreamRow } from '../../core/governance/stream';
import { readIdentity } from '../ledger/genesis';
import type { Place } from '../ledger/locate';
import type { StatePaths } from '../paths';
import { rowsWhere, streamLines } from './streamLines';

export interface FoundStream {
  readonly stream: StreamName;
  readonly read: ReadStream;
}

/**
 * The streams of that name that have rows, of these kinds, in one pass.
 * @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED
 */
export async function readStreams(
  place: Place,
  id: string,
  kinds: readonly StreamName['kind'][],
  nowMs: number,
): Promise<FoundStream[]> {
  const members = kinds.map((kind) => `${kind}_id` as const);
  const { paths, batches, head, unread } = await streamLines(place, [`${members.join('|')}=${id}`], nowMs);
  const all: StreamRow[] = [];
  for await (const batch of batches) for (const { line, row } of batch) all.push({ row, isWhole: isWholeLine(line) });
  const common = { head, unread: unread(), ledger: ledgerName(paths) };
  const found: FoundStream[] = [];
  for (const kind of kinds) {
    const rows = all.filter(({ row }) => row[`${kind}_id`] === id);
    if (rows.length === 0) continue;
    const later = kind === 'run' ? await laterRuns(place, rows, nowMs) : [];
    found.push({ stream: { kind, id }, read: { ...common, rows, later } });
  }
  return found;
}

function ledgerName(paths: StatePaths): LedgerName | null {
  const identity = orNothing(() => readIdentity(paths));
  return identity === undefined ? null : { ledger_id: identity.ledgerId, origin: identity.origin };
}

/** Who began the same anew. All rows are looked through, so it is asked only where something did not arrive. */
async function laterRuns(place: Place, rows: readonly StreamRow[], nowMs: number): Promise<string[]> {
  const invocation = rows.find(({ row }) => row.action === 'run.invocation')?.row;
  if (invocation === undefined || !lacksDelivery(rows)) return [];
  const { seq, run_id: own, payload } = invocation;
  const workflow = payload?.['workflow'];
  if (typeof workflow !== 'string') return [];
  const scope = JSON.stringify(payload?.['scope']);
  const found = new Set<string>();
  for await (const row of rowsWhere(place, ['action=run.invocation', `payload.workflow=${workflow}`], nowMs)) {
    const { run_id: id } = row;
    if (row.seq > seq && id !== undefined && id !== own && JSON.stringify(row.payload?.['scope']) === scope)
      found.add(id);
  }
  return [...found];
}
