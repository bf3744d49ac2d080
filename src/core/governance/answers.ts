/**
 * What a stranger asks of a run or a decision, answered from the rows alone, with the rows: who, what, when, on which data
 * of record, on whose authority, and whether it could have happened otherwise.
 */
import type { Row } from '../members';
import { fieldOf, isLive, textOf } from './finding';
import { saysYes } from './consent';
import { requiredIn } from './decision';
import { countsBy, signatureText, UNJUDGED } from './signed';
import type { JudgeSignature } from './signed';
import { happenedAt, happenedMs } from './stream';
import { actionTitle, actorOf, dotted, entriesOf, isSamePerson, valueText, versionText, wordsOf } from './words';

export interface Answer {
  readonly question: string;
  /** Empty where no row says. */
  readonly sentences: readonly string[];
  readonly rows: readonly number[];
}

export function answersOf(rows: readonly Row[], judge: JudgeSignature = UNJUDGED): Answer[] {
  const live = rows.filter(isLive);
  return [who(live), what(live), when(live), data(live), authority(live, judge), otherwise(live, judge)];
}

type Say = (text: string | undefined) => void;

/** Each different text once, with the rows that say it. */
function told(question: string, rows: readonly Row[], tell: (row: Row, say: Say) => void): Answer {
  const sentences = new Set<string>();
  const seqs: number[] = [];
  const say: Say = (text) => {
    if (text !== undefined && text !== '') sentences.add(text);
  };
  for (const row of rows) {
    const before = sentences.size;
    tell(row, say);
    if (sentences.size > before) seqs.push(row.seq);
  }
  return { question, sentences: [...sentences], rows: seqs };
}

const PEOPLE = ['actor', 'reviewer', 'approver', 'invoking_identity', 'presented_to'];

function who(rows: readonly Row[]): Answer {
  const named = told('Who', rows, (row, say) => {
    const [agent, version, actor] = [valueText(row.agent), valueText(row.agent_version), valueText(row.actor)];
    if (agent) say(`agent ${agent}${version && ` ${version}`}`);
    // Who set it down may be another than the one of whom it tells.
    if (actor) say(`person ${actor}`);
    for (const name of PEOPLE) {
      const text = textOf(row, name);
      if (text) say(`person ${text}`);
    }
    if (row.action === 'approval') say(`model ${dotted(textOf(row, 'model_provider'), textOf(row, 'model_id'))}`);
    else if (row.model) say(`model ${valueText(row.model)}`);
    say(`account ${valueText(row.by) || 'not said'}`);
  });
  // "Jordan Kim" and "Jordan Kim (FP&A lead)" are said once, in full.
  const isPart = (text: string): boolean =>
    named.sentences.some((other) => other !== text && other.startsWith(`${text} (`));
  return { ...named, sentences: named.sentences.filter((text) => !isPart(text)) };
}

function what(rows: readonly Row[]): Answer {
  const counts = new Map<string, number>();
  for (const { action } of rows) counts.set(action, (counts.get(action) ?? 0) + 1);
  const sentences = [...counts].map(([action, count]) =>
    count === 1 ? actionTitle(action) : `${actionTitle(action)} × ${count}`,
  );
  return { question: 'What', sentences, rows: rows.map(({ seq }) => seq) };
}

function when(rows: readonly Row[]): Answer {
  const byTime = rows.map((row) => ({ row, ms: happenedMs(row) })).sort((a, b) => a.ms - b.ms);
  const [first, last, begun, ended] = [byTime[0]?.row, byTime.at(-1)?.row, rows[0], rows.at(-1)];
  if (first === undefined || last === undefined || begun === undefined || ended === undefined)
    return { question: 'When', sentences: [], rows: [] };
  const [from, to] = [happenedAt(first), happenedAt(last)];
  const set = begun.ts === from && ended.ts === to ? [] : [`set down from ${begun.ts} to ${ended.ts}`];
  return { question: 'When', sentences: [`from ${from} to ${to}`, ...set], rows: [...new Set([first.seq, last.seq])] };
}

function data(rows: readonly Row[]): Answer {
  return told('On which data of record', rows, (row, say) => {
    if (row.data_ref !== undefined)
      say(`${valueText(row.data_ref)}${row.as_of === undefined ? '' : ` as of ${valueText(row.as_of)}`}`);
    if (row.action !== 'tool.call') return;
    const source = textOf(row, 'source');
    say(dotted(textOf(row, 'tool'), valueText(fieldOf(row, 'input_shape')), valueText(fieldOf(row, 'output_shape')), source && `source: ${source}`)); // prettier-ignore
  });
}

const APPROVALS: ReadonlySet<string> = new Set(['approval.added', 'approval', 'approval_resolved', 'proof.approval']);

function authority(rows: readonly Row[], judge: JudgeSignature): Answer {
  const counts = countsBy(judge);
  return told('On whose authority', rows, (row, say) => {
    say(valueText(row.authority));
    const isException = row.action === 'override.added';
    if (!(isException || APPROVALS.has(row.action)) || !counts(row)) return;
    const signed = signatureText(row, judge);
    if (isException) say(dotted(`exception by ${textOf(row, 'actor') ?? 'nobody named'}`, signed));
    else if (saysYes(row)) say(approvalText(row, signed));
  });
}

function approvalText(row: Row, signed: string | undefined): string {
  const by = textOf(row, 'actor') ?? textOf(row, 'approver') ?? 'nobody named';
  const role = textOf(row, 'role');
  const signature = textOf(row, 'signature_ref');
  const of = versionText(textOf(row, 'draft_id'), textOf(row, 'version'));
  return dotted(`${by}${role === undefined ? '' : ` (${role})`} agreed`, of, signed ?? (signature && `signature ${signature} (not checked here)`)); // prettier-ignore
}

const BANDS = ['low', 'medium', 'high', 'critical'];

/** What said no, made an exception, or was said again with less weight, on the way. */
function otherwise(rows: readonly Row[], judge: JudgeSignature): Answer {
  let band = -1;
  let required: ReturnType<typeof requiredIn> | undefined;
  const lowered = (row: Row, say: Say): void => {
    if (row.action === 'risk.scored') {
      const before = band;
      band = BANDS.indexOf(textOf(row, 'band') ?? '');
      if (before > band) say(`the risk had been scored ${BANDS[before] ?? ''} before`);
    }
    if (row.action !== 'authority.required') return;
    const before = required;
    required = requiredIn(row);
    const { signatures, roles } = required;
    if (before !== undefined && before.signatures > signatures)
      say(`${before.signatures} had been required to agree before`);
    for (const role of before?.roles ?? []) if (!roles.includes(role)) say(`${role} had been required to agree before`);
  };
  let agreedMs = -Infinity;
  const early = (row: Row, say: Say): void => {
    if (APPROVALS.has(row.action) && saysYes(row)) agreedMs = Math.max(agreedMs, happenedMs(row));
    if (DONE.has(row.action) && happenedMs(row) < agreedMs)
      say(`${actionTitle(row.action)}: said to have been before the last approval`);
  };
  const asked = rows.find(({ action }) => ASKS.has(action));
  const asker = asked === undefined ? undefined : actorOf(asked);
  return told('Could it have happened otherwise', rows, (row, say) => {
    lowered(row, say);
    objections(row, say);
    if (APPROVALS.has(row.action)) alone(row, asker, say);
    early(row, say);
    if (judge(row).state === 'wrong')
      say(`${row.action} by ${actorOf(row) ?? 'nobody named'}: ${signatureText(row, judge) ?? ''}`);
  });
}

const ASKS: ReadonlySet<string> = new Set(['decision.created', 'run.invocation', 'run_started']);

const DONE: ReadonlySet<string> = new Set(['decision.executed', 'surface.delivery']);

/** Whoever agrees to what they asked for themselves. */
function alone(row: Row, asker: string | undefined, say: Say): void {
  const by = textOf(row, 'actor') ?? textOf(row, 'approver');
  if (saysYes(row) && isSamePerson(by, asker)) say(`${by ?? ''} agreed to what the same person had asked for`);
}

function objections(row: Row, say: Say): void {
  const said = (name: string): string => wordsOf(row, name) ?? 'not said';
  switch (row.action) {
    case 'reviewer.action':
      if (said('type') === 'accept-with-edits')
        say(`changed by ${said('reviewer')}: ${valueText(fieldOf(row, 'diff')) || 'no row says what'}`);
      if (said('type') === 'reject') say(`rejected by ${said('reviewer')}${why(row)}`);
      return;
    case 'draft.production':
      for (const flag of entriesOf(row, 'flags')) say(`the draft was flagged: ${flag}`);
      return;
    case 'approval.added':
    case 'approval_resolved':
      if (!saysYes(row)) say(`${textOf(row, 'actor') ?? 'somebody'} did not agree (${textOf(row, 'intent') ?? said('outcome')})${why(row)}`); // prettier-ignore
      return;
    case 'policy.gate':
      if (said('result') !== 'pass') say(`gate ${said('gate_id')}: ${said('result')}${why(row)}`);
      return;
    case 'enforcement.result':
      if (said('result') !== 'allow') say(`enforcement: ${said('result')}`);
      return;
    case 'override.added':
      say(`an exception was made for ${valueText(fieldOf(row, 'scope'))}${why(row)}`);
      return;
    case 'policy_violation':
    case 'security_event':
    case 'spend.refused':
    case 'decision.expired':
      say(`${actionTitle(row.action)}${why(row)}`);
      return;
    case 'proof.tool_call':
    case 'proof.approval':
      if (/^(?:denied|failed|edited)$/.test(said('verdict')))
        say(`${actionTitle(row.action)}: ${said('verdict')}${why(row)}`);
  }
}

function why(row: Row): string {
  const reason = textOf(row, 'reason') ?? textOf(row, 'comment');
  return reason === undefined ? '' : `: ${reason}`;
}
