/** The openings of sealed fields that are to be shown, out of the file in which they lie, each held against its seal. */
import type { BundleRow } from '../../core/bundle/build';
import type { Disclosure } from '../../core/bundle/bundle';
import { sealedIn } from '../../core/bundle/openings';
import type { ErasedField } from '../../core/bundle/receipt';
import { LedgerError } from '../../core/errors';
import { storedJson } from '../../core/json';
import type { Row } from '../../core/members';
import type { Opening } from '../../core/seal';
import type { StatePaths } from '../paths';
import { rowsSince } from '../read/rowsOfAction';
import { Openings } from '../sealed/openings';
import { erasedIn, ERASURE } from '../sealed/sealedRow';

type Sealed = Pick<Disclosure, 'seq' | 'field' | 'digest'>;

export interface Shown {
  readonly disclosed: readonly Disclosure[];
  readonly erased: readonly ErasedField[];
}

/**
 * @param fields as rows name them: `reason`, `payload.email`
 * @throws LedgerError NOT_FOUND where no row has such a field sealed, or an opening of one is gone and no row says why;
 *   OPENING_ERASED where none is left of any
 */
export async function openingsOf(
  paths: StatePaths,
  rows: readonly BundleRow[],
  fields: readonly string[],
): Promise<Shown> {
  if (fields.length === 0) return { disclosed: [], erased: [] };
  const wanted = rows.flatMap(({ row }) => sealedAmong(row, fields));
  const missing = fields.find((field) => !wanted.some((one) => one.field === field));
  if (missing !== undefined)
    throw new LedgerError('NOT_FOUND', `expected a sealed field "${missing}" in these rows, found none`, {
      hint: 'what is not sealed is shown as it is; "ledger show SEQ" shows what is',
    });
  const openings = new Openings(paths);
  const found = wanted.map((sealed) => ({ sealed, opening: openings.find(sealed.digest) }));
  const isWhole = found.every(({ opening }) => opening !== undefined);
  const told = isWhole ? new Map<string, number>() : await erasures(paths);
  const erased = found.flatMap(({ sealed: { seq, field, digest }, opening }): ErasedField[] => {
    const erasure = told.get(digest);
    return opening !== undefined || erasure === undefined ? [] : [{ seq, field, erasure_seq: erasure }];
  });
  const [first] = erased;
  if (first !== undefined && erased.length === wanted.length)
    throw new LedgerError('OPENING_ERASED', `expected the opening of "${first.field}" in row ${first.seq}, found it erased by row ${first.erasure_seq}, and none that can be shown`); // prettier-ignore
  const left = found.filter(({ sealed, opening }) => opening !== undefined || !told.has(sealed.digest));
  return { disclosed: left.map(({ sealed, opening }) => disclosure(sealed, opening)), erased };
}

/** By digest, the row that says that it was erased. */
async function erasures(paths: StatePaths): Promise<Map<string, number>> {
  const rows = await rowsSince(paths, ERASURE, 0);
  return new Map(
    rows.flatMap((row) => {
      const digest = erasedIn(row);
      return digest === undefined ? [] : [[digest, row.seq] as const];
    }),
  );
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
    throw new LedgerError('NOT_FOUND', `expected the opening of "${field}" in row ${seq}, found none, and no row that says it was erased`); // prettier-ignore
  const { salt, name } = opening;
  return { seq, field, salt, name, value: JSON.parse(storedJson(opening.value)), digest };
}
