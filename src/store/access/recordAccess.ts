/**
 * Writes down who is shown what, before it is shown. The row is in the chain and on the disk, or nothing is shown: it
 * never waits in a spill file.
 */
import { accessRow, orSummary } from '../../core/access';
import type { AccessEvent, ReadWhat } from '../../core/access';
import { LedgerError } from '../../core/errors';
import { checkRow } from '../../core/row';
import type { AppendEvents } from '../append/append';
import { Writer } from '../append/writer';
import type { LocatedLedger } from '../ledger/locate';
import { nodeHost } from '../machine/nodeHost';
import { Secrets } from '../secrets/secrets';

/** @throws LedgerError whatever kept the row from the chain: then all is as it was */
export async function recordAccess(
  { paths, config }: LocatedLedger,
  event: AccessEvent,
  events: AppendEvents,
): Promise<void> {
  const host = nodeHost();
  const writer = new Writer({ paths, host, durability: 'disk', events });
  try {
    const said = new Secrets(config.secrets).cleaned(accessRow(event), () => undefined, true);
    const row = checkRow(said, { nowMs: host.nowMs() });
    await writer.appendDecided((_, placer) => Promise.resolve(placer.place(row)));
  } catch (error) {
    throw notRecorded(event.what, error);
  } finally {
    await writer.close();
  }
}

function notRecorded(what: ReadWhat, error: unknown): LedgerError {
  const known = error instanceof LedgerError ? error : undefined;
  const why = known?.message ?? (error instanceof Error ? error.message : String(error));
  // A row of another kind would wait in the spill file, and the hint says so.
  const hint = known?.code === 'LOCK_TIMEOUT' ? 'look at that process, or try again' : known?.hint;
  return new LedgerError(
    known?.code ?? 'NOT_WRITABLE',
    `expected to write down who reads this before it is shown, and could not: nothing is shown; ${why}`,
    { ...(known?.place && { place: known.place }), ...orSummary(what, hint), cause: error },
  );
}
