/** What one run has cost so far, cap by cap: asked for once a run, where not every row of it was seen. */
import type { Cap } from '../../core/caps';
import { LedgerError } from '../../core/errors';
import type { TallyPlan } from '../../core/tally';
import { readCosts } from '../costs/costs';
import { rowsOfRuns } from '../costs/wanted';
import type { SpendRequest } from './currentSpend';

/**
 * @returns for each cap of the plan the run's sum; undefined for caps that are not per run
 * @throws LedgerError LEDGER_BROKEN; READ_FAILED
 */
export async function spentByRun(
  { paths, plan, calendar, nowMs }: SpendRequest,
  run: string,
): Promise<(bigint | undefined)[]> {
  const perRun = (cap: Cap): boolean => cap.per === 'run';
  const sought: TallyPlan = {
    sinceMs: -Infinity,
    untilMs: Infinity,
    nowMs,
    by: undefined,
    period: undefined,
    caps: plan.caps.filter(perRun),
  };
  const { sums, brokenAt } = await readCosts(paths, sought, calendar(), rowsOfRuns(sought, [run]));
  const [first] = brokenAt;
  if (first !== undefined) {
    throw new LedgerError(
      'LEDGER_BROKEN',
      `expected whole rows to add up, found a broken line (byte ${first.offset})`,
      {
        place: first,
        hint: 'run "ledger sweep": until then nobody can tell what the run has cost, and nothing more is allowed',
      },
    );
  }
  let next = 0;
  return plan.caps.map((cap) => {
    if (!perRun(cap)) return undefined;
    return (sums.caps[next++] ?? []).find(([name]) => name === run)?.[1] ?? 0n;
  });
}
