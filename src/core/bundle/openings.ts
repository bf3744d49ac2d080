/** Fields that are shown though they are sealed: that the opening is the one whose digest stands in the row. */
import { sha256Hex } from '../digest';
import { orNothing } from '../errors';
import { canonicalJson, toJson } from '../json';
import type { Row } from '../members';
import type { Disclosure } from './bundle';
import type { BundleFindings } from './finding';

/** The fields of a row that are sealed, by their paths (`reason`, `payload.steps[2].note`), with the digest that stands there. */
export function sealedIn(row: Row): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(row)) collect(value, name, found);
  return found;
}

function collect(value: unknown, path: string, found: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    value.forEach((item, i) => collect(item, `${path}[${i}]`, found));
    return;
  }
  const { sealed } = value as { readonly sealed?: unknown };
  if (typeof sealed === 'string' && Object.keys(value).length === 1) found.set(path, sealed);
  else for (const [name, item] of Object.entries(value)) collect(item, `${path}.${name}`, found);
}

export function checkDisclosed(disclosed: readonly Disclosure[], rows: readonly Row[], findings: BundleFindings): void {
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  for (const { seq, field, salt, name, value, digest } of disclosed) {
    const row = bySeq.get(seq);
    const sealed = row && sealedIn(row).get(field);
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
