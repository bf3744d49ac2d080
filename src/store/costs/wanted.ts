/** Which rows a sum needs, where an index can name them: those of a window of time, or those of some runs. */
import type { CostLineRow } from '../../core/costLine';
import { ROW_KINDS } from '../../core/costs';
import { keyOf } from '../../core/indexDigest';
import { membersOf } from '../../core/tally';
import type { TallyPlan } from '../../core/tally';
import type { LedgerIndex } from '../index/indexFile';
import { placesOfKeys, placesOfWindow } from '../index/indexWindow';
import type { WindowPlaces } from '../index/indexWindow';

export interface WantedRows {
  /** Where they lie; undefined where reading all is as fast. Other rows may lie between them. */
  readonly places: (index: LedgerIndex) => WindowPlaces | undefined;
  /** Whether a row is one of them: they are counted. */
  readonly has: (row: CostLineRow) => boolean;
}

export function rowsOfWindow({ sinceMs, untilMs }: TallyPlan): WantedRows {
  return {
    places: (index) => placesOfWindow(index, sinceMs, untilMs),
    // What names a gap counts as without a time, and a row of 1970 has none for the index, which names them all.
    has: ({ effectiveMs: ms }) => !(ms < sinceMs || ms >= untilMs) || ms === 0,
  };
}

/** @param plan one that asks for `run_id` */
export function rowsOfRuns(plan: TallyPlan, runs: Iterable<string>): WantedRows {
  const keys = new Set([...runs].map(keyOf));
  const member = membersOf(plan).indexOf('run_id');
  return {
    places: (index) => placesOfKeys(index, ['run_id'], keys),
    has: ({ kind, members }) => {
      const run = members[member];
      return kind < ROW_KINDS.own && typeof run === 'string' && keys.has(keyOf(run));
    },
  };
}
