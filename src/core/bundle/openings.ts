/** Fields that are shown though they are sealed: that the opening is the one whose digest stands in the row. */
import { sha256Hex } from '../digest';
import { orNothing } from '../errors';
import { canonicalJson, toJson } from '../json';
import type { Row } from '../members';
import type { Disclosure } from './bundle';
import type { BundleFindings } from './finding';

/** What stands in a row in place of a sealed value. */
export function sealIn(row: Row, field: string): string | undefined {
  const value = valueAt(row, field);
  if (typeof value !== 'object' || value === null) return undefined;
  const { sealed } = value as { readonly sealed?: unknown };
  return typeof sealed === 'string' && Object.keys(value).length === 1 ? sealed : undefined;
}

/** A member, or of the payload `payload.NAME`; a name may have dots of its own. */
function valueAt(row: Row, field: string): unknown {
  if (Object.hasOwn(row, field)) return row[field];
  let value: unknown = row;
  for (const name of field.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

export function checkDisclosed(disclosed: readonly Disclosure[], rows: readonly Row[], findings: BundleFindings): void {
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  for (const { seq, field, salt, name, value, digest } of disclosed) {
    const row = bySeq.get(seq);
    const sealed = row && sealIn(row, field);
    const want = `the opening of "${field}" in row ${seq}`;
    if (sealed === undefined)
      findings.add('FOREIGN', want, row === undefined ? 'no such row here' : 'no seal there', seq);
    else if (sealed !== digest || openingDigest({ salt, name, value }) !== digest || name !== field)
      findings.add('CONTENT_ALTERED', want, 'another one', seq);
  }
}

/** Undefined for a value that has no canonical form. */
export function openingDigest({ salt, name, value }: Pick<Disclosure, 'salt' | 'name' | 'value'>): string | undefined {
  return orNothing(() => sha256Hex(canonicalJson(toJson([salt, name, value]))));
}
