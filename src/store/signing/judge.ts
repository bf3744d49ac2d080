/** Judges the signatures of stored rows by the settings of their ledger. */
import { orNothing } from '../../core/errors';
import type { Row } from '../../core/members';
import { SignatureWalk } from '../../core/signing/signatureWalk';
import type { SignatureJudgement } from '../../core/signing/signatureWalk';
import { readIdentity } from '../ledger/genesis';
import type { LocatedLedger } from '../ledger/locate';

/** Of a ledger that does not say which it is, nothing that is signed can be checked. */
export function signatureJudge({ config, paths }: LocatedLedger): (row: Row) => SignatureJudgement {
  // Read once a row is signed: in most stories none is.
  let identity: { readonly ledgerId: string | undefined } | undefined;
  const walk = new SignatureWalk({ keys: config.keys, required: config.requireSignature });
  // A story asks several times of each row, and a signature takes a hundred times as long to check as a row to read.
  const judged = new WeakMap<Row, SignatureJudgement>();
  return (row) => {
    if (!('signature' in row)) return walk.judge(row, undefined);
    identity ??= { ledgerId: orNothing(() => readIdentity(paths))?.ledgerId };
    const judgement = judged.get(row) ?? walk.judge(row, identity.ledgerId);
    judged.set(row, judgement);
    return judgement;
  };
}
