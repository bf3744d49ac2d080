/** An existing ledger, ready for a command that mends it. */
import { readIdentity } from './genesis';
import { IndexKeeper } from '../index/indexKeeper';
import type { LedgerFile } from './ledger';
import type { LocatedLedger } from './locate';
import { noLedger } from './missing';
import { nodeHost } from '../machine/nodeHost';
import { Kept } from '../append/kept';
import { Recent } from '../append/recent';

/** @throws LedgerError LEDGER_MISSING where there is none, TAIL_TAMPERED where nothing says which ledger it is */
export function attach({ paths, config }: LocatedLedger): LedgerFile {
  const identity = readIdentity(paths);
  if (identity === undefined) throw noLedger(paths);
  const index = new IndexKeeper(paths, () => undefined);
  const kept = new Kept(paths);
  return { paths, identity, host: nodeHost(), durability: config.durability, recent: new Recent(), index, kept };
}

export function detach({ index, kept }: LedgerFile): void {
  index.close();
  kept.close();
}
