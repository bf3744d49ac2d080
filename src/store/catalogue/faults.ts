/** What rows lack to be as a schema has them. */
import { orNothing } from '../../core/errors';
import { toJson } from '../../core/json';
import type { JsonObject } from '../../core/json';
import { faultsOf } from '../../core/schemaFaults';
import type { SchemaFault } from '../../core/schemaFaults';
import { sealedFields } from '../../core/seal';
import type { Validate } from './compileCatalogue';

/** A payload that is not there lacks what must be in it: that is told at once, too. */
export function faultsIn(validate: Validate, row: unknown): SchemaFault[] {
  if (validate(row)) return [];
  const faults = faultsOf(validate.errors ?? [], row);
  if (!faults.some(({ path, text }) => path === 'payload' && text === 'missing')) return faults;
  const inner = validate({ ...(row as object), payload: {} }) ? [] : faultsOf(validate.errors ?? [], row);
  return inner.some(({ path }) => path.startsWith('payload.')) ? inner : faults;
}

/** The same of a row that is stored, or may be. */
export function faultsInStored(validate: Validate, row: unknown): SchemaFault[] {
  const faults = faultsIn(validate, row);
  return faults.length === 0 ? faults : faults.filter(isNotSealed(row));
}

/** A sealed field was held against its schema before it was sealed. */
function isNotSealed(row: unknown): (fault: SchemaFault) => boolean {
  const sealed = orNothing(() => sealedFields(toJson(row) as JsonObject)) ?? [];
  const isIn = (path: string, field: string): boolean =>
    path.startsWith(field) && /^(?:[.[]|$)/.test(path.slice(field.length));
  return ({ path }) => !sealed.some(({ field }) => isIn(path, field));
}
