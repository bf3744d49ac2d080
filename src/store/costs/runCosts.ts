/**
 * A cap per run is held against the whole run: a run that goes on over midnight has spent in no window what it has spent.
 * So for the runs that spent something in the window every row of theirs is added up, wherever it lies.
 */
import type { Calendar } from '../../core/day';
import type { TallyPlan, TallySums } from '../../core/tally';
import type { StatePaths } from '../paths';
import { readCosts } from './costs';
import { rowsOfRuns } from './wanted';

/** The sums, with those of the caps per run grown to the whole of each run. Throws as `readCosts` does. */
export async function withWholeRuns(
  paths: StatePaths,
  plan: TallyPlan,
  calendar: Calendar,
  sums: TallySums,
): Promise<TallySums> {
  const hasAllRows = plan.sinceMs === -Infinity && plan.untilMs === Infinity;
  const caps = plan.caps.filter(({ per }) => per === 'run');
  const met = sums.caps.map((spent, i) => (plan.caps[i]?.per === 'run' ? spent.map(([run]) => String(run)) : []));
  if (hasAllRows || met.flat().length === 0) return sums;
  const whole = { ...plan, sinceMs: -Infinity, untilMs: Infinity, by: undefined, period: undefined, caps };
  const reading = await readCosts(paths, whole, calendar, rowsOfRuns(whole, met.flat()));
  let next = 0;
  const grown = plan.caps.map((cap, i) => {
    if (cap.per !== 'run') return sums.caps[i] ?? [];
    const runs = new Set(met[i]);
    return (reading.sums.caps[next++] ?? []).filter(([run]) => runs.has(String(run)));
  });
  return { ...sums, caps: grown };
}
