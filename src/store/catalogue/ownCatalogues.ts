/** Catalogues of one's own, named in the settings: JSON Schemas with one schema for each action in `$defs`. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
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
  readonly validate: Validate;
}

export interface OwnCatalogue {
  readonly path: string;
  readonly schema: CatalogueSchema;
  readonly types: ReadonlyMap<string, OwnType>;
}

/**
 * @param paths relative to the folder of the config
 * @throws LedgerError CATALOGUE_INVALID, READ_FAILED
 */
export function ownTypes(paths: readonly string[], configPath: string | undefined): ReadonlyMap<string, OwnType> {
  const types = new Map<string, OwnType>();
  for (const path of paths) {
    const catalogue = readCatalogue(resolve(dirname(configPath ?? '.'), path));
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
  const actions = Object.entries(schema.$defs ?? {});
  if (actions.length === 0) throw invalid(path, 'one schema for each action in "$defs"', 'none');
  for (const [action] of actions) {
    if (!isActionName(action)) throw invalid(path, 'actions of your own in "$defs"', JSON.stringify(action));
    const builtin = catalogueOf(action);
    if (builtin !== undefined)
      throw invalid(path, 'actions of your own in "$defs"', `"${action}" of the catalogue ${builtin}`);
  }
  const validators = compiled(path, schema);
  const catalogue = schema.title ?? path;
  const types = actions.map(([action, one]) => {
    const validate = validators.get(action) as Validate;
    return [action, { path, catalogue, schema: one, validate }] as const;
  });
  return { path, schema, types: new Map(types) };
}

/** Whether a file is one JSON document with something else than a row: of rows, each line is a document. */
export function isCatalogue(path: string): boolean {
  if (path.endsWith('.gz')) return false;
  const value = orNothing(() => JSON.parse(readFileSync(path, 'utf8')) as unknown);
  return typeof value === 'object' && value !== null && !('action' in value);
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

function compiled(path: string, schema: CatalogueSchema): ReadonlyMap<string, Validate> {
  const part = loadPart<{ compileCatalogue: typeof compileCatalogue }>('catalogue/compileCatalogue');
  try {
    return part.compileCatalogue(schema);
  } catch (cause) {
    throw invalid(path, 'a JSON Schema (draft 2020-12)', (cause as Error).message, cause);
  }
}

function invalid(path: string, wanted: string, found: string, cause?: unknown): LedgerError {
  return new LedgerError('CATALOGUE_INVALID', `${path}: expected ${wanted}, found ${found}`, {
    place: { segment: path },
    hint: 'ledger schema show policy.gate prints one that works',
    cause,
  });
}
