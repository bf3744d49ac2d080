/** What runs have cost so far, cap by cap: asked for once a run, where not every row of it was seen. */
import type { Cap } from '../../core/caps';
import { openZone } from '../../core/day';
import { LedgerError } from '../../core/errors';
import type { TallyPlan } from '../../core/tally';
import type { Spend } from '../../core/spend';
import { readCosts } from '../costs/costs';
import { rowsOfRuns } from '../costs/wanted';
import type { SpendRequest } from './currentSpend';

/** For each cap of the plan what a run has cost; undefined for caps that are not per run. */
export type RunSpend = readonly (bigint | undefined)[];

/** No sum of a run depends on a day. */
const ANY_CALENDAR = { zone: openZone('UTC'), dayStartMs: 0 };

/** @throws LedgerError LEDGER_BROKEN; READ_FAILED */
export async function spentByRuns(
  { paths, plan, nowMs }: SpendRequest,
  runs: ReadonlySet<string>,
): Promise<ReadonlyMap<string, RunSpend>> {
  const perRun = (cap: Cap): boolean => cap.per === 'run';
  const caps = plan.caps.filter(perRun);
  const all = { sinceMs: -Infinity, untilMs: Infinity, by: undefined, period: undefined };
  const sought: TallyPlan = { ...all, nowMs, caps };
  const { sums, brokenAt } = await readCosts(paths, sought, ANY_CALENDAR, rowsOfRuns(sought, runs));
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
  const byCap = sums.caps.map((spent) => new Map(spent.map(([run, nanos]) => [String(run), nanos])));
  const spendOf = (run: string): RunSpend => {
    let next = 0;
    return plan.caps.map((cap) => (perRun(cap) ? (byCap[next++]?.get(run) ?? 0n) : undefined));
  };
  return new Map([...runs].map((run) => [run, spendOf(run)]));
}

/** Gives sums what they lack of the runs that lately spent something. */
export async function learnOtherRuns(request: SpendRequest, spend: Spend): Promise<void> {
  const otherRuns = spend.otherRuns(request.nowMs);
  if (otherRuns.size === 0) return;
  for (const [run, spent] of await spentByRuns(request, otherRuns)) spend.setRun(run, spent);
}
