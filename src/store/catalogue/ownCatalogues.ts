/** Catalogues of one's own, named in the settings: JSON Schemas with one schema for each action in `$defs`. */
import { readFileSync, statSync } from 'node:fs';
import { catalogueOf } from '../../core/catalogue';
import { LedgerError, orNothing } from '../../core/errors';
import { isActionName } from '../../core/row';
import { loadPart } from '../machine/parts';
import type { CatalogueSchema } from './builtin';
import type { compileCatalogue, Validate } from './compileCatalogue';

export interface OwnType {
  /** Its file. */
  readonly path: string;
  /** What the catalogue calls itself, else its file. */
  readonly catalogue: string;
  readonly schema: CatalogueSchema;
  /** Schemas of the same file that are no actions: those of actions may refer to them. */
  readonly helpers: Readonly<Record<string, object>>;
  readonly validate: Validate;
}

export interface OwnCatalogue {
  readonly path: string;
  readonly schema: CatalogueSchema;
  readonly types: ReadonlyMap<string, OwnType>;
}

/** @throws LedgerError CATALOGUE_INVALID, READ_FAILED */
export function ownTypes(paths: readonly string[]): ReadonlyMap<string, OwnType> {
  const types = new Map<string, OwnType>();
  for (const path of paths) {
    const catalogue = readCatalogue(path);
    for (const [action, type] of catalogue.types) {
      const other = types.get(action);
      if (other !== undefined) throw invalid(type.path, `one schema for "${action}"`, `another one in ${other.path}`);
      types.set(action, type);
    }
  }
  return types;
}

/** @throws LedgerError CATALOGUE_INVALID, READ_FAILED */
export function readCatalogue(path: string): OwnCatalogue {
  const schema = parsed(path);
  const all = schema.$defs ?? {};
  const listed = actionNames(schema);
  const actions = Object.entries(all).filter(([name]) => listed.has(name));
  if (actions.length === 0) throw invalid(path, 'one schema for each action in "$defs"', 'none');
  for (const [action, one] of actions) {
    if (one === null || typeof one !== 'object')
      throw invalid(path, `a schema as an object in "$defs" for "${action}"`, JSON.stringify(one));
    if (!isActionName(action)) throw invalid(path, 'actions of your own in "$defs"', JSON.stringify(action));
    const builtin = catalogueOf(action);
    if (builtin !== undefined)
      throw invalid(path, 'actions of your own in "$defs"', `"${action}" of the catalogue ${builtin}`);
  }
  const validators = compiled(path, schema, [...listed]);
  const helpers = Object.fromEntries(Object.entries(all).filter(([name]) => !listed.has(name)));
  const catalogue = schema.title ?? path;
  const types = actions.map(([action, one]) => {
    const validate = validators.get(action) as Validate;
    return [action, { path, catalogue, schema: one, helpers, validate }] as const;
  });
  return { path, schema, types: new Map(types) };
}

/**
 * The schemas that are of actions: those that name theirs (`properties.action.const`) and those that the catalogue lists
 * (`oneOf`); where it does neither, all of them.
 */
function actionNames({ $defs = {}, oneOf = [] }: CatalogueSchema): ReadonlySet<string> {
  const listed = new Set(oneOf.map(({ $ref }) => $ref));
  const names = Object.keys($defs);
  const said = names.filter((name) => {
    const { properties } = ($defs[name] ?? {}) as {
      readonly properties?: { readonly action?: { readonly const?: unknown } };
    };
    return properties?.action?.const === name || listed.has(`#/$defs/${name}`);
  });
  return new Set(said.length === 0 ? names : said);
}

/** The schema as a document of its own: with the schemas that it refers to. */
export function withHelpers({ schema, helpers }: OwnType): CatalogueSchema {
  const needed = new Set<string>();
  const add = (one: object): void => {
    const text = JSON.stringify(one);
    for (const [name, helper] of Object.entries(helpers)) {
      if (needed.has(name) || !text.includes(`"#/$defs/${name}"`)) continue;
      needed.add(name);
      add(helper);
    }
  };
  add(schema);
  if (needed.size === 0) return schema;
  return {
    ...schema,
    $defs: { ...schema.$defs, ...Object.fromEntries([...needed].map((name) => [name, helpers[name] as object])) },
  };
}

/** Larger files hold rows. */
const MAX_CATALOGUE_BYTES = 4 << 20;

/** Whether a file is one JSON document with schemas in it: of rows, each line is a document. */
export function isCatalogue(path: string): boolean {
  if (path.endsWith('.gz') || (orNothing(() => statSync(path).size) ?? 0) > MAX_CATALOGUE_BYTES) return false;
  const value = orNothing(() => JSON.parse(readFileSync(path, 'utf8')) as unknown);
  return typeof value === 'object' && value !== null && ('$defs' in value || '$schema' in value);
}

function parsed(path: string): CatalogueSchema {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new LedgerError('READ_FAILED', `expected a catalogue at ${path}, found: ${(cause as Error).message}`, {
      place: { segment: path },
      hint: 'the setting "catalogues" names files, relative to the config',
      cause,
    });
  }
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw invalid(path, 'JSON', (cause as Error).message, cause);
  }
  throw invalid(path, 'a JSON Schema as an object', text.slice(0, 60));
}

function compiled(path: string, schema: CatalogueSchema, actions: readonly string[]): ReadonlyMap<string, Validate> {
  const part = loadPart<{ compileCatalogue: typeof compileCatalogue }>('catalogue/compileCatalogue');
  try {
    return part.compileCatalogue(schema, actions);
  } catch (cause) {
    // A value that is no schema at all is said once for each thing that a schema may be.
    const faults = new Set((cause as Error).message.split(/, (?=data)/));
    throw invalid(path, 'a JSON Schema (draft 2020-12)', [...faults].join(', '), cause);
  }
}

function invalid(path: string, wanted: string, found: string, cause?: unknown): LedgerError {
  return new LedgerError('CATALOGUE_INVALID', `${path}: expected ${wanted}, found ${found}`, {
    place: { segment: path },
    hint: 'ledger schema show policy.gate prints one that works',
    cause,
  });
}
