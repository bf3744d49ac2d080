/** Which keys sign for a ledger as it stands. The whole file is searched for rotations: a walk that reads it anyway asks its own. */
import type { Config } from '../../core/config';
import type { Row } from '../../core/members';
import { KEY_ROTATION } from '../../core/signing/rotation';
import { KeyTrust } from '../../core/signing/trustWalk';
import { readIdentity } from '../ledger/genesis';
import type { StatePaths } from '../paths';
import { rowsSince } from '../read/rowsOfAction';

export interface LedgerTrust {
  readonly trust: KeyTrust;
  /** The rotations that hold, in order. */
  readonly rotations: readonly Row[];
}

/** @throws LedgerError READ_FAILED, UNSAFE_PATH */
export async function ledgerTrust({
  config,
  paths,
}: {
  readonly config: Config;
  readonly paths: StatePaths;
}): Promise<LedgerTrust> {
  // prettier-ignore
  const ledgerId = readIdentity(paths)?.ledgerId;
  const trust = new KeyTrust(config.keys);
  const rows = await rowsSince(paths, KEY_ROTATION, 0);
  return { trust, rotations: rows.filter((row) => trust.take(row, ledgerId) === undefined) };
}
