/** Holds rows against the catalogues: those that come with the ledger, and those that the settings name. */
import { asStored } from '../../core/asStored';
import { catalogueOf, LEDGER_ACTIONS } from '../../core/catalogue';
import type { Json, JsonObject } from '../../core/json';
import { omittedIn, omittedRefusal, withHashes } from '../../core/omissions';
import type { OmissionMode, Omitted } from '../../core/omissions';
import { checkRow } from '../../core/row';
import type { CheckedRow } from '../../core/row';
import { schemaMismatch } from '../../core/schemaFaults';
import type { SchemaFault } from '../../core/schemaFaults';
import type { Opening } from '../../core/seal';
import type { SealPlan } from '../../core/sealPlan';
import type { Secret } from '../../core/secrets';
import { withEventKey } from '../../core/webhook';
import { cataloguePaths } from '../ledger/locate';
import type { LocatedLedger } from '../ledger/locate';
import { Sealing } from '../sealed/sealing';
import { Secrets } from '../secrets/secrets';
import { Signatures } from '../signing/signatures';
import { builtinTypes, builtinValidators } from './builtin';
import type { DescribedType } from './builtin';
import type { Validate } from './compileCatalogue';
import { faultsIn, faultsInStored } from './faults';
import { ownTypes, withHelpers } from './ownCatalogues';
import type { OwnType } from './ownCatalogues';
import { checkOmissionKeys, refuseAccess, unknownAction } from './refusals';

interface Described {
  readonly catalogue: string;
  readonly validate: Validate;
}

type OnOmitted = (omitted: readonly (Omitted | Secret)[]) => void;

export interface CheckAsked {
  readonly nowMs: number;
  readonly onOmitted?: OnOmitted | undefined;
  /** Fields to seal, beside what the settings say. */
  readonly seal?: readonly string[] | undefined;
  /** What opens fields that come sealed, and is stored with the row. */
  readonly openings?: readonly Opening[] | undefined;
}

export class Catalogues {
  readonly secrets: Secrets;
  readonly #own: ReadonlyMap<string, OwnType>;
  readonly #isStrict: boolean;
  readonly #omissions: ReadonlyMap<string, OmissionMode>;
  readonly #signatures: Signatures;
  readonly #sealing: Sealing;

  /** @throws LedgerError CATALOGUE_INVALID, READ_FAILED for one of the settings' own */
  constructor(located: LocatedLedger) {
    const { config, configPath } = located;
    this.#signatures = new Signatures(located);
    this.#sealing = new Sealing(located);
    this.#own = config.catalogues.length === 0 ? new Map() : ownTypes(cataloguePaths({ config, configPath }));
    this.#isStrict = config.actions === 'strict';
    this.#omissions = config.omissions;
    this.secrets = new Secrets(config.secrets);
    checkOmissionKeys([...config.omissions.keys()], [...this.#own.values()]);
  }

  /**
   * The row as it may be stored: a webhook event with its key; where its catalogue is set to "hash", with hashes in the
   * place of what a trail leaves out.
   * @param onWarning hears of what is stored all the same
   * @throws LedgerError SECRET, OMITTED, MEMBER_VALUE
   */
  prepared(given: JsonObject, onWarning: OnOmitted): JsonObject {
    const { row, known } = this.#sealing.opened(given);
    // First: what is said of anything else may quote the row.
    const cleaned = this.secrets.cleaned(row, onWarning, false, this.#sealing.plan(row, [], known));
    return this.#keyed(cleaned, onWarning);
  }

  #keyed(row: JsonObject, onWarning: OnOmitted): JsonObject {
    return this.#withoutOmitted(withEventKey(row), onWarning, false);
  }

  /**
   * The row without secrets, and without what its catalogue leaves out.
   * @param isKept whether a row that would be refused has hashes instead: it tells of what cannot be undone
   * @param plan what of it is sealed, by `sealed`
   * @throws LedgerError SECRET, OMITTED, MEMBER_RESERVED
   */
  cleaned(
    given: JsonObject,
    onWarning: OnOmitted = () => undefined,
    isKept = false,
    plan: SealPlan | undefined = undefined,
  ): JsonObject {
    return this.#withoutOmitted(this.secrets.cleaned(given, onWarning, isKept, plan), onWarning, isKept);
  }

  /** What the settings seal of a row. */
  planFor(row: JsonObject): SealPlan {
    return this.#sealing.plan(row);
  }

  /** @throws LedgerError MEMBER_RESERVED, ROW_TOO_LONG */
  sealed(row: CheckedRow, plan: SealPlan): CheckedRow {
    return this.#sealing.sealed(row, plan);
  }

  /** A row that a command writes on a caller's behalf, with what the settings seal of it. Errors as `sealed`. */
  sealedOwn(row: CheckedRow): CheckedRow {
    return this.#sealing.sealedOwn(row);
  }

  #withoutOmitted(row: JsonObject, onWarning: OnOmitted, isKept: boolean): JsonObject {
    if (!isKept) refuseAccess(row.get('action'), row.get('run_id'));
    const mode = this.omissionMode(row.get('action'));
    const omitted = mode === 'off' ? [] : omittedIn(row);
    if (omitted.length === 0) return row;
    if (mode === 'refuse' && !isKept) throw omittedRefusal(omitted);
    if (mode !== 'warn') return withHashes(row, omitted);
    onWarning(omitted);
    return row;
  }

  /**
   * A row that a caller gives, as it may be stored: held against its catalogue as it is meant, against its signature as it
   * will stand.
   * @throws LedgerError a refusal code
   */
  checked(given: Json, asked: CheckAsked): CheckedRow {
    const { nowMs } = asked;
    if (!(given instanceof Map)) return checkRow(given, { nowMs });
    const { row, signature, plan } = this.#taken(given, asked);
    const own = signature === undefined ? undefined : new Map([['signature', signature]]);
    const open = checkRow(row, { nowMs, ...(own && { own }) });
    const sealed = withOpenings(this.#sealing.sealed(open, plan), asked.openings);
    if (signature === undefined) {
      this.check(open, row);
      return sealed;
    }
    const signedFor = this.#signatures.ledgerOf(sealed, nowMs);
    this.check({ ...open, signedFor });
    return { ...sealed, signedFor };
  }

  #taken(
    given: JsonObject,
    { onOmitted: onWarning = () => undefined, seal, openings }: CheckAsked,
  ): { readonly row: JsonObject; readonly signature: Json | undefined; readonly plan: SealPlan } {
    const { row: open, known } = this.#sealing.opened(given, openings);
    const plan = this.#sealing.plan(open, seal, known);
    // The signature, too: what is said of it may quote it.
    const said = this.secrets.cleaned(open, onWarning, false, plan);
    return { row: this.#keyed(unsigned(said), onWarning), signature: said.get('signature'), plan };
  }

  /**
   * A row that is to be signed, as it will be stored but for its signature.
   * @throws LedgerError a refusal code
   */
  checkedToSign(given: JsonObject, asked: CheckAsked): CheckedRow {
    const { row, plan } = this.#taken(given, asked);
    const checked = checkRow(row, { nowMs: asked.nowMs });
    this.#checkType(checked, row);
    return this.#sealing.sealed(checked, plan);
  }

  /** Whether rows are looked into that have no payload: those of a trail must have one. */
  get looksIntoMembers(): boolean {
    return this.#omissions.size > 0 || this.#sealing.isAsked;
  }

  /** Rows of the trail are refused; of other catalogues, and of none ("plain"), the settings say. */
  omissionMode(action: unknown): OmissionMode {
    const name = typeof action === 'string' ? this.#describing(action)?.catalogue : undefined;
    return name === 'trail' ? 'refuse' : (this.#omissions.get(name ?? 'plain') ?? 'off');
  }

  /**
   * @param given what was checked, where it is at hand and all there is
   * @throws LedgerError SCHEMA_MISMATCH, ACTION_UNKNOWN, SIGNATURE_MISSING
   */
  check(row: CheckedRow, given?: JsonObject): void {
    refuseAccess(row.action, row.runId);
    if (row.signedFor === undefined) this.refuseUnsigned(row.action);
    this.#checkType(row, given);
  }

  #checkType({ action, members }: CheckedRow, given: JsonObject | undefined): void {
    const described = this.#describing(action);
    if (described === undefined) {
      this.checkKnown(action);
      return;
    }
    const faults = faultsIn(described.validate, asStored(given, members));
    if (faults.length > 0) throw schemaMismatch(action, described.catalogue, faults);
  }

  /** @throws LedgerError SIGNATURE_MISSING */
  refuseUnsigned(action: string): void {
    this.#signatures.refuseUnsigned(action);
  }

  /** @throws LedgerError ACTION_UNKNOWN */
  checkKnown(action: string): void {
    if (this.refuses(action) && this.#describing(action) === undefined)
      throw unknownAction(action, [...this.#own.keys()]);
  }

  /** Whether the settings refuse an action that nothing describes. */
  refuses(action: string): boolean {
    return this.#isStrict && !LEDGER_ACTIONS.has(action);
  }

  /** What a stored row, or one that may become one, lacks to be as a catalogue has it; undefined where none describes it. */
  faults(action: string, row: unknown): readonly SchemaFault[] | undefined {
    const described = this.#describing(action);
    return described && faultsInStored(described.validate, row);
  }

  /** Every type that is described, in the order of the catalogues. */
  types(): DescribedType[] {
    const own = [...this.#own].map(([action, type]) => ({
      catalogue: type.catalogue,
      action,
      schema: withHelpers(type),
    }));
    return [...builtinTypes(), ...own];
  }

  #describing(action: string): Described | undefined {
    const name = catalogueOf(action);
    if (name === undefined) return this.#own.get(action);
    const validate = builtinValidators(name).get(action);
    return validate && { catalogue: name, validate };
  }
}

function withOpenings(row: CheckedRow, carried: readonly Opening[] = []): CheckedRow {
  return carried.length === 0 ? row : { ...row, openings: [...(row.openings ?? []), ...carried] };
}

function unsigned(row: JsonObject): JsonObject {
  if (!row.has('signature')) return row;
  return new Map([...row].filter(([name]) => name !== 'signature'));
}
