/** A run or a decision, rebuilt from its rows: everything that a story of it is printed from. */
import type { Head } from '../chain';
import type { Row } from '../members';
import { answersOf } from './answers';
import type { Answer } from './answers';
import { DecisionAudit } from './decision';
import { decisionSteps } from './decisionStory';
import type { Step } from './decisionStory';
import { isLive, textOf } from './finding';
import type { GovernanceFinding, StreamName } from './finding';
import { RunAudit } from './run';
import { missingInRun, runTitle, trailOf } from './runStory';
import type { TrailEvent } from './runStory';
import { countsBy, UNJUDGED, wrongSignatures } from './signed';
import type { JudgeSignature } from './signed';
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
  /** What was there and could not be read as rows, of the whole ledger. */
  readonly unread: Unread;
  /** What this does not show. */
  readonly not_shown: readonly string[];
  /** Which ledger it is of; null where that cannot be read. */
  readonly ledger: LedgerName | null;
  /** The last row of the ledger when it was read. */
  readonly head: Head | undefined;
}

export interface LedgerName {
  readonly ledger_id: string;
  readonly origin: string;
}

/** Of the lines that were looked into, and behind them. */
export interface Unread {
  readonly broken_lines: number;
  readonly torn_bytes: number;
  readonly lost_rows: number;
  readonly spilled_rows: number;
}

const NOT_SHOWN = ['the chain of the whole ledger ("ledger verify")', 'what nobody logged'];

export interface ReadStream {
  /** In the order of the stream; at least one. */
  readonly rows: readonly StreamRow[];
  readonly unread: Unread;
  readonly head: Head | undefined;
  readonly ledger: LedgerName | null;
  /** Runs of the same workflow and scope that began later. */
  readonly later: readonly string[];
}

/** @param judge what is known of the signatures of rows */
export function reconstruct(
  stream: StreamName,
  { rows, unread, head, ledger, later }: ReadStream,
  judge: JudgeSignature = UNJUDGED,
): Reconstruction {
  const all = rows.map(({ row }) => row);
  const integrity = integrityOf(stream, rows);
  const common = {
    stream,
    answers: answersOf(all, judge),
    trail: trailOf(all, judge),
    integrity,
    unread,
    not_shown: NOT_SHOWN,
    ledger,
    head,
  };
  const gaps = [...integrity.faults, ...wrongSignatures(all, judge), ...notLiveText(all), ...unreadText(unread)];
  if (stream.kind === 'run') {
    const run = new RunAudit(stream.id, countsBy(judge));
    for (const row of all) run.step(row);
    run.end();
    const overtaken = later.map(
      (id) => `what did not arrive was overtaken by run ${id}, of the same workflow and scope`,
    );
    const missing = [...missingInRun(all.filter(isLive), run), ...overtaken, ...gaps];
    return { ...common, title: runTitle(stream.id, all), steps: null, missing, findings: run.findings };
  }
  const decision = new DecisionAudit(stream.id, countsBy(judge));
  for (const row of all) decision.step(row);
  const steps = decisionSteps(all, integrity, judge);
  const unproved = steps.flatMap((step, i) =>
    step.rows.length > 0 ? [] : [`step ${i + 1}, ${step.title}: no evidence`],
  );
  return {
    ...common,
    title: `Decision ${stream.id}`,
    steps,
    missing: [...unproved, ...gaps],
    findings: decision.findings,
  };
}

/** What is labelled as a sample, or as standing in for what failed, is shown in the trail and nowhere else. */
function notLiveText(rows: readonly Row[]): string[] {
  const seqs = rows.filter((row) => !isLive(row)).map(({ seq }) => seq);
  if (seqs.length === 0) return [];
  return [
    `${seqs.length === 1 ? 'row' : 'rows'} ${seqs.join(', ')} ${seqs.length === 1 ? 'is' : 'are'} labelled as not live, and ${seqs.length === 1 ? 'shows' : 'show'} nothing`,
  ];
}

/** A stream whose rows are not all to be read may say more than its story. */
function* unreadText({
  broken_lines: broken,
  torn_bytes: torn,
  lost_rows: lost,
  spilled_rows: spilled,
}: Unread): Generator<string> {
  if (broken > 0) yield `${broken} of the lines that were looked into are no rows: some may have been of this`;
  if (torn > 0) yield `${torn} bytes at the end of the ledger are torn`;
  if (lost > 0) yield `${lost} rows are gone from the ledger`;
  if (spilled > 0) yield `${spilled} rows wait in the spill file: some may be of this`;
}

/** Whether what was to be delivered did not arrive, as far as the rows of a run say. */
export function lacksDelivery(rows: readonly StreamRow[]): boolean {
  const last = rows.findLast(({ row }) => row.action === 'surface.delivery')?.row;
  return last === undefined || textOf(last, 'outcome') !== 'delivered';
}
