/** A run or a decision, rebuilt from its rows: everything that a story of it is printed from. */
import type { Head } from '../chain';
import { answersOf } from './answers';
import type { Answer } from './answers';
import { DecisionAudit } from './decision';
import { decisionSteps } from './decisionStory';
import type { Step } from './decisionStory';
import type { GovernanceFinding, StreamName } from './finding';
import { RunAudit } from './run';
import { runStory } from './runStory';
import type { TrailEvent } from './runStory';
import { integrityOf } from './stream';
import type { StreamIntegrity, StreamRow } from './stream';

export interface Reconstruction {
  readonly stream: StreamName;
  readonly title: string;
  readonly answers: readonly Answer[];
  /** The seven steps of a decision; null for a run. */
  readonly steps: readonly Step[] | null;
  /** Each row as an event. */
  readonly trail: readonly TrailEvent[];
  /** What a reader looks for and no row says. */
  readonly missing: readonly string[];
  readonly findings: readonly GovernanceFinding[];
  readonly integrity: StreamIntegrity;
  /** The last row of the ledger when it was read. */
  readonly head: Head | undefined;
}

/** @param rows of the stream, in its order; at least one */
export function reconstruct(stream: StreamName, rows: readonly StreamRow[], head: Head | undefined): Reconstruction {
  const all = rows.map(({ row }) => row);
  const integrity = integrityOf(stream, rows);
  const run = new RunAudit(stream.id);
  for (const row of all) run.step(row);
  run.end();
  const { title, events, missing } = runStory(stream.id, all, run);
  const common = { stream, answers: answersOf(all), trail: events, integrity, head };
  if (stream.kind === 'run') return { ...common, title, steps: null, missing, findings: run.findings };
  const decision = new DecisionAudit(stream.id);
  for (const row of all) decision.step(row);
  const steps = decisionSteps(decision, all, integrity);
  const unproved = steps.flatMap((step, i) =>
    step.rows.length > 0 ? [] : [`step ${i + 1}, ${step.title}: no evidence`],
  );
  return { ...common, title: `Decision ${stream.id}`, steps, missing: unproved, findings: decision.findings };
}
