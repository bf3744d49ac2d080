/**
 * The trail of each run that a person reviews, in the six classes and no other: a line that says which run it is, then a
 * line an entry, each with its distance from the run's invocation.
 *
 *   {"class":"Run trail","run_id":"r1","workflow":"ic-clearing-recon","workflow_version":"3.2","scope":{…}}
 *   {"class":"Run invocation","run_id":"r1","run_seq":1,"t":"t=0","timestamp":"…","workflow":…,"by":"…","id":"…","hash":"…"}
 *   {"class":"Tool call","run_id":"r1","run_seq":2,"t":"t+8s","timestamp":"…","tool":"ledger-read",…}
 *
 * Lines stand in the order of the ledger; those of runs that ran at once are told apart by `run_id`. An entry of a run
 * whose invocation is not among the rows has no distance (`null`), and its run no line of its own.
 */
import { catalogueOf } from '../catalogue';
import { TRAIL_FIELDS } from '../governance/trailLine';
import { offsetText } from '../governance/stream';
import { actionTitle } from '../governance/words';
import { storedString } from '../json';
import { Entry } from './entry';
import { textIn } from './rawMembers';
import type { RawMembers } from './rawMembers';
import type { Shape } from './shape';

const INVOCATION = 'run.invocation';

export function newTrailShape(): Shape {
  /** When each run was invoked first. */
  const startMs = new Map<string, number>();
  return {
    stream: 'run',
    learn: (row) => {
      const run = textIn(row.get('run_id'));
      if (textIn(row.get('action')) === INVOCATION && run !== undefined && !startMs.has(run))
        startMs.set(run, momentOf(row));
    },
    lines: (row) => {
      const [action, run] = [textIn(row.get('action')) ?? '', textIn(row.get('run_id'))];
      if (catalogueOf(action) !== 'trail' || run === undefined) return [];
      const offset = offsetText(momentOf(row) - (startMs.get(run) ?? NaN));
      const entry = entryOf(row, action, offset.includes('NaN') ? 'null' : storedString(offset));
      return action === INVOCATION ? [titleOf(row), entry] : [entry];
    },
  };
}

function titleOf(row: RawMembers): string {
  const title = new Entry(row).text('class', 'Run trail').member('run_id');
  return title.field('workflow').field('workflow_version').field('scope').labelled().toString();
}

function entryOf(row: RawMembers, action: string, offset: string): string {
  const entry = new Entry(row).text('class', actionTitle(action)).member('run_id').put('run_seq', row.get('run_seq'));
  entry.put('t', offset).timestamp().taken('action');
  for (const name of TRAIL_FIELDS[action] ?? []) entry.field(name);
  for (const name of ['actor', 'authority', 'data_ref', 'as_of', 'by', 'id']) entry.member(name);
  return entry.member('run_prev_hash', 'prev_hash').member('hash').labelled().more().toString();
}

function momentOf(row: RawMembers): number {
  return Date.parse(textIn(row.get('occurred_at') ?? row.get('ts')) ?? '');
}
