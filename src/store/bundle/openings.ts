/** The openings of sealed fields that are to be shown, out of the file in which they lie, each held against its seal. */
import { join } from 'node:path';
import type { BundleRow } from '../../core/bundle/build';
import type { Disclosure } from '../../core/bundle/bundle';
import { openingDigest, sealedIn } from '../../core/bundle/openings';
import { LedgerError, orNothing } from '../../core/errors';
import { statOf, withFile } from '../files';
import type { StatePaths } from '../paths';
import { scanLines } from '../read/lines';

type Opening = Pick<Disclosure, 'salt' | 'name' | 'value' | 'digest'>;
type Sealed = Pick<Disclosure, 'seq' | 'field' | 'digest'>;

/**
 * @param fields as rows name them: `reason`, `payload.email`
 * @throws LedgerError NOT_FOUND where no row has such a field sealed, or an opening of one is gone
 */
export function openingsOf(paths: StatePaths, rows: readonly BundleRow[], fields: readonly string[]): Disclosure[] {
  if (fields.length === 0) return [];
  const wanted = rows.flatMap(({ row }) => sealedAmong(row.seq, sealedIn(row), fields));
  const missing = fields.find((field) => !wanted.some((one) => one.field === field));
  if (missing !== undefined)
    throw new LedgerError('NOT_FOUND', `expected a sealed field "${missing}" in these rows, found none`, {
      hint: 'what is not sealed is shown as it is; "ledger show SEQ" shows what is',
    });
  const openings = readOpenings(paths, new Set(wanted.map(({ digest }) => digest)));
  return wanted.map((sealed) => disclosure(sealed, openings.get(sealed.digest)));
}

function sealedAmong(seq: number, sealed: ReadonlyMap<string, string>, fields: readonly string[]): Sealed[] {
  return fields.flatMap((field) => {
    const digest = sealed.get(field);
    return digest === undefined ? [] : [{ seq, field, digest }];
  });
}

function disclosure({ seq, field, digest }: Sealed, opening: Opening | undefined): Disclosure {
  if (opening === undefined)
    throw new LedgerError('NOT_FOUND', `expected the opening of "${field}" in row ${seq}, found none: it was erased, or lies elsewhere`); // prettier-ignore
  const { salt, name, value } = opening;
  return { seq, field, salt, name, value, digest };
}

/** Those of some digests; one whose value is not what its digest is of is none. */
function readOpenings({ dir }: StatePaths, wanted: ReadonlySet<string>): ReadonlyMap<string, Opening> {
  const path = join(dir, 'sealed.jsonl');
  const found = new Map<string, Opening>();
  if (statOf(path) === undefined) return found;
  withFile(path, 'read', (fd) =>
    scanLines(fd, 0, statOf(path)?.size ?? 0, ({ block, start, end }) => {
      const opening = orNothing(() => JSON.parse(block.toString('utf8', start, end)) as Opening);
      if (opening != null && wanted.has(opening.digest) && openingDigest(opening) === opening.digest)
        found.set(opening.digest, opening);
      return true;
    }),
  );
  return found;
}
