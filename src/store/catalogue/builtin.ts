/**
 * The schemas that come with the ledger, and their validators: of a built program those that were made with it, which load
 * in a millisecond; from source they are made now.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CATALOGUE_NAMES } from '../../core/catalogue';
import type { CatalogueName } from '../../core/catalogue';
import { loadPart, schemasFolder } from '../machine/parts';
import type { compileCatalogue, Validate } from './compileCatalogue';

export interface CatalogueSchema {
  readonly title?: string;
  readonly description?: string;
  readonly $defs?: Readonly<Record<string, object>>;
  readonly oneOf?: readonly { readonly $ref?: string }[];
}

const loaded = new Map<CatalogueName, ReadonlyMap<string, Validate>>();

export function builtinSchema(name: CatalogueName): CatalogueSchema {
  return JSON.parse(readFileSync(join(schemasFolder(), `${name}.json`), 'utf8')) as CatalogueSchema;
}

/** The validators of a built-in catalogue, by action. */
export function builtinValidators(name: CatalogueName): ReadonlyMap<string, Validate> {
  const known = loaded.get(name) ?? readyMade(name) ?? madeNow(name);
  loaded.set(name, known);
  return known;
}

function readyMade(name: CatalogueName): ReadonlyMap<string, Validate> | undefined {
  const path = join(__dirname, 'validators', `${name}.cjs`);
  if (!existsSync(path)) return undefined;
  return new Map(Object.entries(createRequire(__filename)(path) as Record<string, Validate>));
}

function madeNow(name: CatalogueName): ReadonlyMap<string, Validate> {
  const part = loadPart<{ compileCatalogue: typeof compileCatalogue }>('catalogue/compileCatalogue');
  return part.compileCatalogue(builtinSchema(name));
}

export interface DescribedType {
  readonly catalogue: string;
  /** Undefined for what holds for every row. */
  readonly action: string | undefined;
  readonly schema: CatalogueSchema;
}

/** The types that come with the ledger, in the order of the catalogues. */
export function builtinTypes(): DescribedType[] {
  return CATALOGUE_NAMES.flatMap((catalogue): DescribedType[] => {
    const { $defs = {}, ...all } = builtinSchema(catalogue);
    if (catalogue === 'plain') return [{ catalogue, action: undefined, schema: all }];
    return Object.entries($defs).map(([action, schema]) => ({ catalogue, action, schema }));
  });
}
