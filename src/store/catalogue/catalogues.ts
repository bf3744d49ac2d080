/** Holds rows against the catalogues: those that come with the ledger, and those that the settings name. */
import { CATALOGUE_NAMES, actionsIn, catalogueOf, LEDGER_ACTIONS } from '../../core/catalogue';
import type { Config } from '../../core/config';
import { LedgerError } from '../../core/errors';
import { nearest } from '../../core/nearest';
import type { JsonObject } from '../../core/json';
import { omittedIn, omittedRefusal, withHashes } from '../../core/omissions';
import type { OmissionMode, Omitted } from '../../core/omissions';
import type { CheckedRow } from '../../core/row';
import { faultsOf, schemaMismatch } from '../../core/schemaFaults';
import type { SchemaFault } from '../../core/schemaFaults';
import { withEventKey } from '../../core/webhook';
import type { LocatedLedger } from '../ledger/locate';
import { builtinSchema, builtinValidators } from './builtin';
import type { CatalogueSchema } from './builtin';
import type { Validate } from './compileCatalogue';
import { ownTypes } from './ownCatalogues';
import type { OwnType } from './ownCatalogues';

interface Described {
  readonly catalogue: string;
  readonly validate: Validate;
}

export interface DescribedType {
  readonly catalogue: string;
  /** Undefined for what holds for every row. */
  readonly action: string | undefined;
  readonly schema: CatalogueSchema;
}

export class Catalogues {
  readonly #own: ReadonlyMap<string, OwnType>;
  readonly #isStrict: boolean;
  readonly #omissions: ReadonlyMap<string, OmissionMode>;

  /** @throws LedgerError CATALOGUE_INVALID, READ_FAILED for one of the settings' own */
  constructor({ config, configPath }: { readonly config: Config; readonly configPath: LocatedLedger['configPath'] }) {
    this.#own = config.catalogues.length === 0 ? new Map() : ownTypes(config.catalogues, configPath);
    this.#isStrict = config.actions === 'strict';
    this.#omissions = config.omissions;
  }

  /**
   * The row as it may be stored: a webhook event with its key; where its catalogue is set to "hash", with hashes in the
   * place of what a trail leaves out.
   * @param onWarning hears of what is stored all the same
   * @throws LedgerError OMITTED, MEMBER_VALUE
   */
  prepared(row: JsonObject, onWarning: (omitted: readonly Omitted[]) => void): JsonObject {
    const keyed = withEventKey(row);
    const mode = this.omissionMode(row.get('action'));
    if (mode === 'off') return keyed;
    const omitted = omittedIn(row);
    if (omitted.length === 0) return keyed;
    if (mode === 'refuse') throw omittedRefusal(omitted);
    if (mode === 'hash') return withHashes(keyed, omitted);
    onWarning(omitted);
    return keyed;
  }

  /** Rows of the trail are refused; of other catalogues, and of none ("plain"), the settings say. */
  omissionMode(action: unknown): OmissionMode {
    const name = typeof action === 'string' ? this.#describing(action)?.catalogue : undefined;
    return name === 'trail' ? 'refuse' : (this.#omissions.get(name ?? 'plain') ?? 'off');
  }

  /** @throws LedgerError SCHEMA_MISMATCH, ACTION_UNKNOWN */
  check({ action, members }: CheckedRow): void {
    const described = this.#describing(action);
    if (described === undefined) {
      if (this.refuses(action)) throw unknown(action, [...this.#own.keys()]);
      return;
    }
    const faults = faultsIn(described.validate, JSON.parse(`{${members}}`));
    if (faults.length > 0) throw schemaMismatch(action, described.catalogue, faults);
  }

  /** Whether the settings refuse an action that nothing describes. */
  refuses(action: string): boolean {
    return this.#isStrict && !LEDGER_ACTIONS.has(action);
  }

  /** What a stored row, or one that may become one, lacks to be as a catalogue has it; undefined where none describes it. */
  faults(action: string, row: unknown): readonly SchemaFault[] | undefined {
    const described = this.#describing(action);
    return described && faultsIn(described.validate, row);
  }

  /** Every type that is described, in the order of the catalogues. */
  types(): DescribedType[] {
    const builtin = CATALOGUE_NAMES.flatMap((catalogue): DescribedType[] => {
      const { $defs = {}, ...all } = builtinSchema(catalogue);
      if (catalogue === 'plain') return [{ catalogue, action: undefined, schema: all }];
      return Object.entries($defs).map(([action, schema]) => ({ catalogue, action, schema }));
    });
    return [...builtin, ...[...this.#own].map(([action, { catalogue, schema }]) => ({ catalogue, action, schema }))];
  }

  #describing(action: string): Described | undefined {
    const name = catalogueOf(action);
    if (name === undefined) return this.#own.get(action);
    const validate = builtinValidators(name).get(action);
    return validate && { catalogue: name, validate };
  }
}

function faultsIn(validate: Validate, row: unknown): SchemaFault[] {
  return validate(row) ? [] : faultsOf(validate.errors ?? [], row);
}

function unknown(action: string, own: readonly string[]): LedgerError {
  const known = [...CATALOGUE_NAMES.flatMap(actionsIn), ...own];
  return new LedgerError('ACTION_UNKNOWN', `expected an action that a catalogue describes, found "${action}"`, {
    place: { member: 'action' },
    hint: `did you mean "${nearest(action, known) ?? ''}"? "ledger schema list" shows all; the setting "actions" is "strict"`,
  });
}
