/**
 * The index as a reader asks it: where rows lie, as of one moment. One that is damaged, busy or not of this file is passed
 * over, and the file itself is read; one that knows more rows than the file is told of.
 */
import { LedgerError } from '../../core/errors';
import type { ErrorCode } from '../../core/errors';
import type { StatePaths } from '../paths';
import { guarded } from './indexErrors';
import type { LedgerIndex } from './indexFile';
import { goneRows } from './indexLoss';
import { openIndex } from './indexOpen';
import { standingOf } from './indexRead';
import { LIVE_NAME } from './indexSchema';
import type { WindowPlaces } from './indexWindow';

export type Asked =
  /** What the index knows of ends at `offset` of the live file. */
  | { readonly kind: 'places'; readonly places: WindowPlaces; readonly offset: number }
  /** So many rows that it knows are gone from the file. */
  | { readonly kind: 'ahead'; readonly rows: number };

/**
 * @param fd the live file, open
 * @param placesOf what is asked; undefined where reading all is as fast
 * @returns undefined where the index is of no use
 */
export function askIndex(
  paths: StatePaths,
  fd: number,
  placesOf: (index: LedgerIndex) => WindowPlaces | undefined,
): Asked | undefined {
  try {
    const index = openIndex(paths, 'read');
    if (index === undefined) return undefined;
    try {
      return asOfOneMoment(index, fd, placesOf);
    } finally {
      index.close();
    }
  } catch (error) {
    if (error instanceof LedgerError && PASSED_OVER.has(error.code)) return undefined;
    throw error;
  }
}

const PASSED_OVER: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['INDEX_FAILED', 'INDEX_BUSY', 'UNSAFE_PATH']);

/** One view of watermark and rows: a writer may be catching up. */
function asOfOneMoment(
  index: LedgerIndex,
  fd: number,
  placesOf: (index: LedgerIndex) => WindowPlaces | undefined,
): Asked | undefined {
  // It is given up before the close, which may leave statements, and with them SQLite's lock, to the garbage collector.
  guarded(index.path, () => index.database.exec('BEGIN'));
  try {
    const standing = standingOf(index, fd);
    if (standing.kind === 'ahead') {
      const gone = goneRows(index, fd);
      return gone && { kind: 'ahead', rows: gone.toSeq - gone.fromSeq + 1 };
    }
    if (standing.kind === 'disagrees' || standing.watermark.segment !== LIVE_NAME) return undefined;
    const places = placesOf(index);
    return places === undefined ? undefined : { kind: 'places', places, offset: standing.watermark.offset };
  } finally {
    guarded(index.path, () => index.database.exec('COMMIT'));
  }
}
