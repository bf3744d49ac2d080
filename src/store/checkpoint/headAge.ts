/** How far the last checkpoint is behind the ledger, for `doctor`. */
import { ok, spanText, warn } from '../../core/checkup';
import type { Checkup } from '../../core/checkup';
import { isDue } from '../../core/checkpointSettings';
import type { CheckpointSettings } from '../../core/checkpointSettings';
import { HOUR_MS } from '../../core/day';
import { statOf } from '../files';
import type { StatePaths } from '../paths';
import { rowsBehind } from '../read/rowsBehind';
import { newestCheckpoint } from './checkpoints';

/** A sweep comes once an hour in most places: what was due for longer than that is not being made. */
const GRACE_HOURS = 2;

export function checkHeadAge(paths: StatePaths, settings: CheckpointSettings, nowMs: number): Checkup {
  const newest = newestCheckpoint(paths);
  if (newest === undefined) return ok('checkpoint', 'none: "ledger checkpoint" signs the ledger as it stands');
  const { size } = newest.head;
  const rows = rowsBehind(paths, size);
  const ageMs = Math.max(0, nowMs - (statOf(newest.path)?.mtimeMs ?? nowMs));
  const said = `of ${size} rows, ${spanText(ageMs)} ago; ${rows} ${rows === 1 ? 'row' : 'rows'} since`;
  const isLate = isDue(settings, { rows, hours: ageMs / HOUR_MS - GRACE_HOURS });
  if (!isLate || ageMs < GRACE_HOURS * HOUR_MS) return ok('checkpoint', said);
  return warn('checkpoint', said, 'the settings ask for one: "ledger sweep" makes it; see why cron does not run it');
}
