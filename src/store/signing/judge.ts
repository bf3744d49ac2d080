/** Judges the signatures of stored rows by the settings of their ledger. */
import type { Row } from '../../core/members';
import { SignatureWalk } from '../../core/signing/signatureWalk';
import type { SignatureJudgement } from '../../core/signing/signatureWalk';
import { readIdentity } from '../ledger/genesis';
import type { LocatedLedger } from '../ledger/locate';

/** @throws LedgerError TAIL_TAMPERED where the ledger does not say which it is, UNSAFE_PATH */
export function signatureJudge({ config, paths }: LocatedLedger): (row: Row) => SignatureJudgement {
  const ledgerId = readIdentity(paths)?.ledgerId;
  const walk = new SignatureWalk({ keys: config.keys, required: config.requireSignature });
  return (row) => walk.judge(row, ledgerId);
}
