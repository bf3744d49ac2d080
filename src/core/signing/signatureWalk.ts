/** The signatures of the rows that a walk along a ledger passes: who had to sign, and whether who signed could. */
import { LedgerError } from '../errors';
import { doneMs } from '../governance/finding';
import { toJson } from '../json';
import type { JsonObject } from '../json';
import type { Row } from '../members';
import type { FindingCode } from '../verdict';
import type { RequiredSignatures } from './settings';
import { ageFault, readSignature, signatureFault } from './signature';
import type { TrustedKeys } from './signature';

/** Whom whoever checks trusts. */
export interface Signers {
  readonly keys: TrustedKeys;
  readonly required: RequiredSignatures;
}

/** So many bytes of a signature tell it apart. */
const KEPT_BYTES = 16;

export const NO_SIGNERS: Signers = { keys: new Map(), required: new Map() };

export interface SignatureFinding {
  readonly code: FindingCode;
  readonly want: string;
  readonly got: string;
}

export type SignatureJudgement =
  /** Not signed, and need not be. */
  | { readonly state: 'none' }
  /** Signed, and whoever checks trusts no key. */
  | { readonly state: 'not-checked'; readonly keyId: string }
  | { readonly state: 'valid'; readonly keyId: string }
  /** Its signature does not hold, or it lacks one. */
  | { readonly state: 'wrong'; readonly fault: SignatureFinding };

export class SignatureWalk {
  /** Rows that are signed. */
  signed = 0;
  /** Of those, the ones that nothing is known about: no key is trusted here. */
  unchecked = 0;
  wrong = 0;
  /** Where each signature stands, by its first bytes. */
  readonly #rows = new Map<string, number>();

  /** @param isUsed whether a row has an idempotency key that the walk did not pass; signed rows have one */
  constructor(
    private readonly signers: Signers,
    private readonly isUsed: (idempotencyKey: string) => boolean = () => false,
  ) {}

  /**
   * One more row.
   * @param ledgerId undefined where no row has said which ledger it is
   * @returns what is wrong with its signature, or with its having none
   */
  take(row: Row, ledgerId: string | undefined): SignatureFinding | undefined {
    if (row.action.startsWith('audit.')) return undefined;
    const judged = this.judge(row, ledgerId);
    if ('signature' in row) this.signed++;
    if (judged.state === 'not-checked') this.unchecked++;
    if (judged.state !== 'wrong') return undefined;
    this.wrong++;
    return judged.fault;
  }

  /** The same, and nothing is counted. */
  judge(row: Row, ledgerId: string | undefined): SignatureJudgement {
    const isSigned = 'signature' in row;
    const { keys, required } = this.signers;
    const keyId = isSigned ? keyIdOf(row) : '';
    if (isSigned && (keys.size + required.size === 0 || ledgerId === undefined)) return { state: 'not-checked', keyId };
    const fault = isSigned ? this.#faultOfSigned(row, ledgerId ?? '') : this.#faultOfUnsigned(row);
    if (fault !== undefined) return { state: 'wrong', fault };
    return isSigned ? { state: 'valid', keyId } : { state: 'none' };
  }

  #faultOfSigned(row: Row, ledgerId: string): SignatureFinding | undefined {
    const { keys } = this.signers;
    try {
      const given = toJson(row) as JsonObject;
      return (
        signatureFault(given, { ledgerId, keys, atMs: Date.parse(row.ts) }) ??
        // What waited in a spill file was signed for the time at which it was set down there.
        ageFault(given, doneMs(row)) ??
        this.#replayed(row, given)
      );
    } catch (error) {
      // Text that no row can hold, half a character say: nobody signed that.
      if (!(error instanceof LedgerError)) throw error;
      return { code: 'SIGNATURE_INVALID', want: 'a row that can be signed', got: error.message };
    }
  }

  /** A signature is for one row: the one that it stands in first. */
  #replayed({ seq }: Row, given: JsonObject): SignatureFinding | undefined {
    const value = readSignature(given.get('signature'))?.value.toString('latin1', 0, KEPT_BYTES) ?? '';
    const first = this.#rows.get(value);
    if (first === undefined) this.#rows.set(value, seq);
    const key = given.get('idempotency_key');
    const isOlder = first === undefined && typeof key === 'string' && this.isUsed(key);
    if (isOlder)
      return { code: 'REPLAY', want: 'a signature that stands in no other row', got: 'that of an earlier row' };
    if (first === undefined || first === seq) return undefined;
    return { code: 'REPLAY', want: 'a signature that stands in no other row', got: `that of row ${first}` };
  }

  #faultOfUnsigned(row: Row): SignatureFinding | undefined {
    const since = this.signers.required.get(row.action);
    if (since === undefined || Date.parse(row.ts) < since) return undefined;
    return { code: 'SIGNATURE_MISSING', want: `a signature, as rows of "${row.action}" must have`, got: 'none' };
  }
}

function keyIdOf({ signature }: Row): string {
  const keyId =
    typeof signature === 'object' && signature !== null ? (signature as { key_id?: unknown }).key_id : undefined;
  return typeof keyId === 'string' ? keyId : 'none';
}
