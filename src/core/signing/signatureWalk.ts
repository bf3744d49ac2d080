/** The signatures of the rows that a walk along a ledger passes: who had to sign, and whether who signed could. */
import { LedgerError } from '../errors';
import { doneMs } from '../governance/finding';
import { toJson } from '../json';
import type { JsonObject } from '../json';
import type { Row } from '../members';
import type { FindingCode } from '../verdict';
import type { RequiredSignatures } from './settings';
import { signatureFault } from './signature';
import type { TrustedKeys } from './signature';

/** Whom whoever checks trusts. */
export interface Signers {
  readonly keys: TrustedKeys;
  readonly required: RequiredSignatures;
}

export const NO_SIGNERS: Signers = { keys: new Map(), required: new Map() };

interface Fault {
  readonly code: FindingCode;
  readonly want: string;
  readonly got: string;
}

export class SignatureWalk {
  /** Rows that are signed. */
  signed = 0;
  /** Of those, the ones that nothing is known about: no key is trusted here. */
  unchecked = 0;
  wrong = 0;

  constructor(private readonly signers: Signers) {}

  /**
   * One more row.
   * @param ledgerId undefined where no row has said which ledger it is
   * @returns what is wrong with its signature, or with its having none
   */
  take(row: Row, ledgerId: string | undefined): Fault | undefined {
    if (row.action.startsWith('audit.')) return undefined;
    const fault = 'signature' in row ? this.#signed(row, ledgerId) : this.#unsigned(row);
    if (fault !== undefined) this.wrong++;
    return fault;
  }

  #signed(row: Row, ledgerId: string | undefined): Fault | undefined {
    const { keys, required } = this.signers;
    this.signed++;
    if (keys.size + required.size === 0 || ledgerId === undefined) {
      this.unchecked++;
      return undefined;
    }
    try {
      return signatureFault(toJson(row) as JsonObject, { ledgerId, keys, atMs: doneMs(row) });
    } catch (error) {
      // Text that no row can hold, half a character say: nobody signed that.
      if (!(error instanceof LedgerError)) throw error;
      return { code: 'SIGNATURE_INVALID', want: 'a row that can be signed', got: error.message };
    }
  }

  #unsigned(row: Row): Fault | undefined {
    const since = this.signers.required.get(row.action);
    if (since === undefined || doneMs(row) < since) return undefined;
    return { code: 'SIGNATURE_MISSING', want: `a signature, as rows of "${row.action}" must have`, got: 'none' };
  }
}
