/** A run as a stranger can follow it: its header, a line an event, and what is missing. Nothing is guessed. */
import type { Row } from '../members';
import { fieldOf, listOf, textOf } from './finding';
import { PAIRS } from './machine';
import { versionOf } from './run';
import type { Draft, RunAudit } from './run';
import { signatureText, UNJUDGED } from './signed';
import type { JudgeSignature } from './signed';
import { happenedAt, happenedMs, isLate, offsetText } from './stream';
import { besideOf, trailLine } from './trailLine';
import type { TrailLine } from './trailLine';
import { dotted, sentence, valueText, versionText } from './words';

export interface TrailEvent extends TrailLine {
  readonly seq: number;
  readonly at: string;
  /** `t+8s` */
  readonly offset: string;
  /** The account that appended it. */
  readonly by: string;
  /** What the line leaves out: put together where it is asked for, which is not on a terminal. */
  readonly beside: () => readonly string[];
}

/** Each row as an event, with its distance from the first. */
export function trailOf(rows: readonly Row[], judge: JudgeSignature = UNJUDGED): TrailEvent[] {
  const invocation = invocationIn(rows);
  const moments = rows.map(happenedMs);
  const startMs = moments.reduce((first, ms) => Math.min(first, ms), Infinity);
  const invoker = invocation === undefined ? undefined : textOf(invocation, 'invoking_identity');
  let draftId: string | undefined;
  // A trail that was written afterwards as a whole says so once, by its times.
  const isLateAlone = !rows.every(isLate);
  return rows.map((row, i): TrailEvent => {
    if (row.action === 'draft.production') draftId = textOf(row, 'draft_id') ?? draftId;
    const line = trailLine(row, { invoker, draftId });
    const signed = signatureText(row, judge);
    const late = isLateAlone && isLate(row) ? [`Set down later: ${row.ts}`] : [];
    const more = signed === undefined ? late : [sentence(signed), ...late];
    return {
      seq: row.seq,
      at: happenedAt(row),
      offset: offsetText((moments[i] as number) - startMs),
      by: row.by,
      head: line.head,
      beside: () => besideOf(row, line),
      details: more.length === 0 ? line.details : [...line.details, ...more],
    };
  });
}

const invocationIn = (rows: readonly Row[]): Row | undefined => rows.find(({ action }) => action === 'run.invocation');

/** `Run trail · workflow ic-clearing-recon v3.2 · entity DE-001 · period 2026-04` */
export function runTitle(id: string, rows: readonly Row[]): string {
  const invocation = invocationIn(rows);
  if (invocation === undefined) return dotted('Run trail', `run ${id}`);
  const [workflow, version] = [textOf(invocation, 'workflow'), textOf(invocation, 'workflow_version')];
  const scope = fieldOf(invocation, 'scope');
  const isObject = typeof scope === 'object' && scope !== null && !Array.isArray(scope);
  const parts = isObject
    ? Object.entries(scope).flatMap(([name, value]) =>
        typeof value === 'object' ? [] : [`${name} ${valueText(value)}`],
      )
    : [valueText(scope)];
  return dotted('Run trail', `workflow ${versionText(workflow, version)}`, ...parts);
}

const TRAIL: ReadonlySet<string> = new Set(['run.invocation', 'tool.call', 'draft.production', 'reviewer.action', 'approval', 'surface.delivery']); // prettier-ignore
const STARTS: ReadonlySet<string> = new Set(['run_started', 'run.invocation', 'proof.run']);
const ENDS: ReadonlySet<string> = new Set(['run_completed', 'surface.delivery']);

/** What a reader looks for in a run and no row says. */
export function missingInRun(rows: readonly Row[], audit: RunAudit): string[] {
  const missing: string[] = [];
  const isTrail = rows.some(({ action }) => TRAIL.has(action));
  if (!rows.some(({ action }) => STARTS.has(action))) missing.push('no row says who started the run, and on what');
  else if (isTrail && invocationIn(rows) === undefined)
    missing.push('no run.invocation: which workflow it was is not said');
  if (isTrail && !rows.some(({ action }) => action === 'tool.call'))
    missing.push('no tool.call: what was read is not said');
  missing.push(...draftGaps(audit), ...audit.drafts.flatMap(openFlags), ...deliveryGaps(rows));
  const hasEnd = rows.some(({ action }) => ENDS.has(action));
  const isOngoing = rows.some(({ action }) => STARTS.has(action) || PAIRS.some(({ start }) => start === action));
  if (isOngoing && !hasEnd) missing.push('the run has no end: it is still going on, was given up, or broke off');
  return missing;
}

function draftGaps({ drafts }: RunAudit): string[] {
  return drafts.flatMap((draft) => {
    const { id, reviews, approvals, versions } = draft;
    const name = id === '' ? 'a draft without a name' : id;
    const last = reviews.at(-1);
    if (approvals.length > 0) return [...(reviews.length > 0 ? [] : [`${name} was approved, and no row shows that anybody reviewed it`]), ...otherVersion(draft)]; // prettier-ignore
    if (versions.length === 0) return [];
    if (last === undefined) return [`${name} was never reviewed`];
    if (textOf(last, 'type') === 'reject') return [`${name} was rejected (row ${last.seq}) and not taken up again`];
    return [`${name} was reviewed (row ${last.seq}) and never approved: the reviewer walked away, or the approval is not here`]; // prettier-ignore
  });
}

/** The flags of what was produced last, and how many a reviewer resolved. */
function openFlags({ id, versions, reviews }: Draft): string[] {
  const produced = versions.findLast(({ row }) => row.action === 'draft.production');
  const raised = produced === undefined ? 0 : listOf(produced.row, 'flags').length;
  const resolved = reviews.filter((row) => textOf(row, 'type') === 'flag-resolve').length;
  if (resolved >= raised || reviews.length === 0) return [];
  return [`${raised} ${raised === 1 ? 'flag' : 'flags'} of ${versionText(id, produced?.version)} (row ${produced?.row.seq ?? ''}), and ${resolved} resolved by a reviewer`]; // prettier-ignore
}

function otherVersion({ id, versions, approvals }: Draft): string[] {
  const [last, approval] = [versions.at(-1), approvals.at(-1)];
  const approved = approval && versionOf(approval, 'version');
  if (last === undefined || approval === undefined || approved === last.version) return [];
  return [`${versionText(id, approved)} was approved (row ${approval.seq}), and ${versionText(undefined, last.version)} is the last version (row ${last.row.seq})`]; // prettier-ignore
}

/** Each delivery that did not arrive, unless a later one of the run did. */
function deliveryGaps(rows: readonly Row[]): string[] {
  const deliveries = rows.filter(({ action }) => action === 'surface.delivery');
  const approved = rows.some(({ action }) => action === 'approval');
  if (deliveries.length === 0) return approved ? ['what was approved was not delivered, as far as rows show'] : [];
  const arrived = deliveries.findLast((row) => textOf(row, 'outcome') === 'delivered')?.seq ?? 0;
  return deliveries
    .filter((row) => row.seq > arrived && textOf(row, 'outcome') !== 'delivered')
    .map((row) => {
      const to = textOf(row, 'target') ?? 'nowhere named';
      return `the delivery to ${to} ${textOf(row, 'outcome') === 'failed' ? 'failed' : 'was queued'} (row ${row.seq}), and no row shows that it arrived later`;
    });
}
