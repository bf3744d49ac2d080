/** An existing ledger, ready for a command that mends it. */
import { LedgerError } from '../../core/errors';
import { readIdentity, refuseToReplace } from './genesis';
import { IndexKeeper } from '../index/indexKeeper';
import type { LedgerFile } from './ledger';
import type { LocatedLedger } from './locate';
import { nodeHost } from '../machine/nodeHost';
import { Recent } from '../append/recent';

/** @throws LedgerError LEDGER_MISSING where there is none, TAIL_TAMPERED where nothing says which ledger it is */
export function attach({ paths, config }: LocatedLedger): LedgerFile {
  const identity = readIdentity(paths);
  if (identity === undefined) {
    refuseToReplace(paths);
    throw new LedgerError('LEDGER_MISSING', `expected a ledger at ${paths.ledger}, found none`, {
      place: { segment: paths.ledger },
      hint: 'an append creates one; or name its folder with --dir',
    });
  }
  const index = new IndexKeeper(paths, () => undefined);
  return { paths, identity, host: nodeHost(), durability: config.durability, recent: new Recent(), index };
}
