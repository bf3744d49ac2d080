/** The rows of one stream with what their own bytes say of them. */
import { declaredLinks, hashOfLine } from '../../core/chain';
import { orNothing } from '../../core/errors';
import type { StreamName } from '../../core/governance/finding';
import { lacksDelivery } from '../../core/governance/reconstruction';
import type { LedgerName, ReadStream } from '../../core/governance/reconstruction';
import type { StreamRow } from '../../core/governance/stream';
import type { Row } from '../../core/members';
import { readIdentity } from '../ledger/genesis';
import { locate } from '../ledger/locate';
import type { Place } from '../ledger/locate';
import { rowsWhere, streamLines } from './streamLines';

/** @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED */
export async function readStream(place: Place, { kind, id }: StreamName, nowMs: number): Promise<ReadStream> {
  const { batches, head, unread } = await streamLines(place, [`${kind}_id=${id}`], nowMs);
  const rows: StreamRow[] = [];
  for await (const batch of batches)
    for (const { line, row } of batch) rows.push({ row, isWhole: declaredLinks(line)?.hash === hashOfLine(line) });
  const invocation = rows.find(({ row }) => row.action === 'run.invocation')?.row;
  const later = kind === 'run' && invocation !== undefined && lacksDelivery(rows) ? await laterRuns(place, invocation, nowMs) : []; // prettier-ignore
  return { rows, head, unread: unread(), later, ledger: ledgerName(place) };
}

function ledgerName(place: Place): LedgerName | null {
  const identity = orNothing(() => readIdentity(locate(place).paths));
  return identity === undefined ? null : { ledger_id: identity.ledgerId, origin: identity.origin };
}

/** Who began the same anew. All rows are looked through, so it is asked only where something did not arrive. */
async function laterRuns(place: Place, { seq, run_id: own, payload }: Row, nowMs: number): Promise<string[]> {
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
