/**
 * The home of Ajv: makes validators of schemas, now. Those of the built-in catalogues are made when the program is built;
 * this is for catalogues of one's own, and is loaded where there is one.
 */
import { Ajv2020 } from 'ajv/dist/2020';
import type { ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';

/** Tells whether a row fits, and leaves in `errors` why not. */
export type Validate = Pick<ValidateFunction, 'errors'> & ((row: unknown) => boolean);

/** All faults of a row at once; a keyword that nobody knows is an error, since it would check nothing. */
export const AJV_OPTIONS = {
  allErrors: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allowUnionTypes: true,
  // What every object inherits, "constructor" say, is no field of a row.
  ownProperties: true,
} as const;

/**
 * @param catalogue a JSON Schema (draft 2020-12) with one schema for each action in `$defs`
 * @param actions those of its schemas that are of actions
 * @returns a validator for each action; throws Ajv's error where the schema is none
 */
export function compileCatalogue(
  catalogue: { readonly $defs?: object },
  actions: readonly string[] = Object.keys(catalogue.$defs ?? {}),
): ReadonlyMap<string, Validate> {
  const ajv = new Ajv2020(AJV_OPTIONS);
  addFormats(ajv);
  ajv.addSchema(catalogue, 'catalogue');
  return new Map(actions.map((action) => [action, ajv.compile({ $ref: `catalogue#/$defs/${pointer(action)}` })]));
}

const pointer = (name: string): string => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
