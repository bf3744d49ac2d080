/** Holds the rows of callers against the keys that the settings trust: who must sign, and whether who signed may. */
import type { Config } from '../../core/config';
import { LedgerError } from '../../core/errors';
import type { ErrorCode } from '../../core/errors';
import type { JsonObject } from '../../core/json';
import type { CheckedRow } from '../../core/row';
import { parseJson } from '../../core/parseJson';
import { ageFault, signatureFault } from '../../core/signing/signature';
import { readIdentity } from '../ledger/genesis';
import type { StatePaths } from '../paths';

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  SIGNATURE_INVALID: 'sign it again as it is to stand: ledger append … --sign KEY',
  UNKNOWN_KEY: 'who may sign stands in the setting "keys": ledger key trust FILE.pub --actor NAME --role ROLE',
  UNTRUSTED_KEY: 'who may sign, and in which roles, stands in the setting "keys": ledger key list',
};

export class Signatures {
  constructor(private readonly located: { readonly config: Config; readonly paths: StatePaths }) {}

  /** @throws LedgerError SIGNATURE_MISSING where the settings want rows of this action signed */
  refuseUnsigned(action: string): void {
    if (!this.located.config.requireSignature.has(action)) return;
    throw new LedgerError('SIGNATURE_MISSING', `expected a row of "${action}" to be signed, found no signature`, {
      place: { member: 'signature' },
      hint: 'sign it: ledger append … --sign KEY ("ledger key list" shows the keys); "require_signature" in the config names this action',
    });
  }

  /**
   * @param row with its signature, as it is to be stored
   * @returns the ledger that it was signed for: in another one it must not be placed
   * @throws LedgerError SIGNATURE_INVALID, UNKNOWN_KEY, UNTRUSTED_KEY
   */
  ledgerOf({ members }: CheckedRow, nowMs: number): string {
    const ledgerId = ledgerToSignFor(this.located.paths);
    const row = parseJson(`{${members}}`) as JsonObject;
    const fault =
      signatureFault(row, { ledgerId, keys: this.located.config.keys, atMs: nowMs }) ?? ageFault(row, nowMs);
    if (fault === undefined) return ledgerId;
    const { code, want, got } = fault;
    throw new LedgerError(code, `expected ${want}, found ${got}`, {
      place: { member: 'signature' },
      ...(HINTS[code] === undefined ? {} : { hint: HINTS[code] }),
    });
  }
}

export function unknownKey(keyId: string): LedgerError {
  return new LedgerError('UNKNOWN_KEY', `expected a key that is trusted here, found ${keyId}`, {
    place: { member: 'signature' },
    hint: HINTS.UNKNOWN_KEY as string,
  });
}

/**
 * Every signature names its ledger, so there must be one.
 * @throws LedgerError LEDGER_MISSING, TAIL_TAMPERED, UNSAFE_PATH
 */
export function ledgerToSignFor(paths: StatePaths): string {
  const ledgerId = readIdentity(paths)?.ledgerId;
  if (ledgerId !== undefined) return ledgerId;
  throw new LedgerError('LEDGER_MISSING', `expected a ledger in ${paths.dir} to sign for, found none`, {
    place: { segment: paths.ledger },
    hint: 'a signature names its ledger: create it first, with "ledger init"',
  });
}
