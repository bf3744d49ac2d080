/** Fields that are shown though they are sealed: that the opening is the one whose digest stands in the row. */
import { orNothing } from '../errors';
import { toJson } from '../json';
import type { JsonObject } from '../json';
import type { Row } from '../members';
import { holds, sealedFields } from '../seal';
import type { SealedField } from '../seal';
import type { Disclosure } from './bundle';
import type { BundleFindings } from './finding';

/** The fields of a row that are sealed, with the digest that stands there. */
export function sealedIn(row: Row): SealedField[] {
  return sealedFields(toJson(row) as JsonObject);
}

export function checkDisclosed(disclosed: readonly Disclosure[], rows: readonly Row[], findings: BundleFindings): void {
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  for (const { seq, field, salt, name, value, digest } of disclosed) {
    const row = bySeq.get(seq);
    // Two ways may lead to one path: {"a.b":…} and {"a":{"b":…}}.
    const sealed = row === undefined ? [] : sealedIn(row).filter((one) => one.field === field);
    const want = `the opening of "${field}" in row ${seq}`;
    // A value that has no canonical form is what no digest is of.
    const isSound = orNothing(() => holds({ digest, salt, name, value: toJson(value) })) === true;
    const isOfOne = sealed.some((one) => one.digest === digest);
    if (sealed.length === 0)
      findings.add('FOREIGN', want, row === undefined ? 'no such row here' : 'no seal there', seq);
    else if (!isOfOne || !isSound || name !== field) findings.add('CONTENT_ALTERED', want, 'another one', seq);
  }
}
