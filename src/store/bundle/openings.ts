/** The openings of sealed fields that are to be shown, out of the file in which they lie, each held against its seal. */
import type { BundleRow } from '../../core/bundle/build';
import type { Disclosure } from '../../core/bundle/bundle';
import { sealedIn } from '../../core/bundle/openings';
import { LedgerError } from '../../core/errors';
import { storedJson } from '../../core/json';
import type { Row } from '../../core/members';
import type { Opening } from '../../core/seal';
import type { StatePaths } from '../paths';
import { Openings } from '../sealed/openings';

type Sealed = Pick<Disclosure, 'seq' | 'field' | 'digest'>;

/**
 * @param fields as rows name them: `reason`, `payload.email`
 * @throws LedgerError NOT_FOUND where no row has such a field sealed, or an opening of one is gone
 */
export function openingsOf(paths: StatePaths, rows: readonly BundleRow[], fields: readonly string[]): Disclosure[] {
  if (fields.length === 0) return [];
  const wanted = rows.flatMap(({ row }) => sealedAmong(row, fields));
  const missing = fields.find((field) => !wanted.some((one) => one.field === field));
  if (missing !== undefined)
    throw new LedgerError('NOT_FOUND', `expected a sealed field "${missing}" in these rows, found none`, {
      hint: 'what is not sealed is shown as it is; "ledger show SEQ" shows what is',
    });
  const openings = new Openings(paths);
  return wanted.map((sealed) => disclosure(sealed, openings.find(sealed.digest)));
}

/** In the order in which the fields were asked for. */
function sealedAmong(row: Row, fields: readonly string[]): Sealed[] {
  const sealed = sealedIn(row);
  return fields.flatMap((field) => {
    const digest = sealed.find((one) => one.field === field)?.digest;
    return digest === undefined ? [] : [{ seq: row.seq, field, digest }];
  });
}

function disclosure({ seq, field, digest }: Sealed, opening: Opening | undefined): Disclosure {
  if (opening === undefined)
    throw new LedgerError('NOT_FOUND', `expected the opening of "${field}" in row ${seq}, found none: it was erased, or lies elsewhere`); // prettier-ignore
  const { salt, name } = opening;
  return { seq, field, salt, name, value: JSON.parse(storedJson(opening.value)), digest };
}
