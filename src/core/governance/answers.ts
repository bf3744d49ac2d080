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
import { happenedMs } from './stream';
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

/** Each different text once, with the rows that say it. */
function told(question: string, rows: readonly Row[], textsOf: (row: Row) => readonly (string | undefined)[]): Answer {
  const sentences = new Set<string>();
  const seqs: number[] = [];
  for (const row of rows) {
    const before = sentences.size;
    for (const text of textsOf(row)) if (text !== undefined && text !== '') sentences.add(text);
    if (sentences.size > before) seqs.push(row.seq);
  }
  return { question, sentences: [...sentences], rows: seqs };
}

const PEOPLE = ['actor', 'reviewer', 'approver', 'invoking_identity', 'presented_to'];

function who(rows: readonly Row[]): Answer {
  const named = told('Who', rows, (row) => [
    row.agent && `agent ${row.agent}${row.agent_version === undefined ? '' : ` ${valueText(row.agent_version)}`}`,
    // Who set it down may be another than the one of whom it tells.
    row.actor && `person ${row.actor}`,
    ...PEOPLE.map((name) => textOf(row, name) && `person ${textOf(row, name) ?? ''}`),
    row.action === 'approval' ? `model ${dotted(textOf(row, 'model_provider'), textOf(row, 'model_id'))}` : row.model && `model ${valueText(row.model)}`, // prettier-ignore
    `account ${row.by}`,
  ]);
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
  const [from, to] = [first.occurred_at ?? first.ts, last.occurred_at ?? last.ts];
  const set = begun.ts === from && ended.ts === to ? [] : [`set down from ${begun.ts} to ${ended.ts}`];
  return { question: 'When', sentences: [`from ${from} to ${to}`, ...set], rows: [...new Set([first.seq, last.seq])] };
}

function data(rows: readonly Row[]): Answer {
  return told('On which data of record', rows, (row) => {
    const source = row.action === 'tool.call' ? textOf(row, 'source') : undefined;
    const read = row.action === 'tool.call' ? dotted(textOf(row, 'tool'), valueText(fieldOf(row, 'input_shape')), valueText(fieldOf(row, 'output_shape')), source && `source: ${source}`) : undefined; // prettier-ignore
    return [row.data_ref === undefined ? undefined : `${valueText(row.data_ref)}${row.as_of === undefined ? '' : ` as of ${row.as_of}`}`, read]; // prettier-ignore
  });
}

const APPROVALS: ReadonlySet<string> = new Set(['approval.added', 'approval', 'approval_resolved', 'proof.approval']);

function authority(rows: readonly Row[], judge: JudgeSignature): Answer {
  const counts = countsBy(judge);
  return told('On whose authority', rows, (row) => {
    if (!counts(row)) return [row.authority];
    const signed = signatureText(row, judge);
    if (row.action === 'override.added')
      return [row.authority, dotted(`exception by ${textOf(row, 'actor') ?? 'nobody named'}`, signed)];
    return [row.authority, APPROVALS.has(row.action) && saysYes(row) ? approvalText(row, signed) : undefined];
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
  const lowered = (row: Row): string[] => {
    if (row.action === 'risk.scored') {
      const before = band;
      band = BANDS.indexOf(textOf(row, 'band') ?? '');
      return before > band ? [`the risk had been scored ${BANDS[before] ?? ''} before`] : [];
    }
    if (row.action !== 'authority.required') return [];
    const before = required;
    required = requiredIn(row);
    const { signatures, roles } = required;
    const gone = before?.roles.filter((role) => !roles.includes(role)) ?? [];
    return [
      ...(before !== undefined && before.signatures > signatures ? [`${before.signatures} had been required to agree before`] : []),
      ...gone.map((role) => `${role} had been required to agree before`),
    ]; // prettier-ignore
  };
  let agreedMs = -Infinity;
  const early = (row: Row): string[] => {
    if (APPROVALS.has(row.action) && saysYes(row)) agreedMs = Math.max(agreedMs, happenedMs(row));
    return DONE.has(row.action) && happenedMs(row) < agreedMs
      ? [`${actionTitle(row.action)}: said to have been before the last approval`]
      : [];
  };
  const asked = rows.find(({ action }) => ASKS.has(action));
  const asker = asked === undefined ? undefined : actorOf(asked);
  return told('Could it have happened otherwise', rows, (row) => [
    ...lowered(row),
    ...objections(row),
    ...alone(row, asker),
    ...early(row),
    ...unproved(row, judge),
  ]);
}

const ASKS: ReadonlySet<string> = new Set(['decision.created', 'run.invocation', 'run_started']);

const DONE: ReadonlySet<string> = new Set(['decision.executed', 'surface.delivery']);

/** Whoever agrees to what they asked for themselves. */
function alone(row: Row, asker: string | undefined): string[] {
  if (!APPROVALS.has(row.action) || !saysYes(row)) return [];
  const by = textOf(row, 'actor') ?? textOf(row, 'approver');
  return isSamePerson(by, asker) ? [`${by ?? ''} agreed to what the same person had asked for`] : [];
}

function unproved(row: Row, judge: JudgeSignature): string[] {
  if (judge(row).state !== 'wrong') return [];
  return [`${row.action} by ${actorOf(row) ?? 'nobody named'}: ${signatureText(row, judge) ?? ''}`];
}

function objections(row: Row): string[] {
  const said = (name: string): string => wordsOf(row, name) ?? 'not said';
  switch (row.action) {
    case 'reviewer.action':
      if (said('type') === 'accept-with-edits')
        return [`changed by ${said('reviewer')}: ${valueText(fieldOf(row, 'diff')) || 'no row says what'}`];
      return said('type') === 'reject' ? [`rejected by ${said('reviewer')}${why(row)}`] : [];
    case 'draft.production':
      return entriesOf(row, 'flags').map((flag) => `the draft was flagged: ${flag}`);
    case 'approval.added':
    case 'approval_resolved':
      return saysYes(row) ? [] : [`${textOf(row, 'actor') ?? 'somebody'} did not agree (${textOf(row, 'intent') ?? said('outcome')})${why(row)}`]; // prettier-ignore
    case 'policy.gate':
      return said('result') === 'pass' ? [] : [`gate ${said('gate_id')}: ${said('result')}${why(row)}`];
    case 'enforcement.result':
      return said('result') === 'allow' ? [] : [`enforcement: ${said('result')}`];
    case 'override.added':
      return [`an exception was made for ${valueText(fieldOf(row, 'scope'))}${why(row)}`];
    case 'policy_violation':
    case 'security_event':
    case 'spend.refused':
    case 'decision.expired':
      return [`${actionTitle(row.action)}${why(row)}`];
    case 'proof.tool_call':
    case 'proof.approval':
      return /^(?:denied|failed|edited)$/.test(said('verdict')) ? [`${actionTitle(row.action)}: ${said('verdict')}${why(row)}`] : []; // prettier-ignore
    default:
      return [];
  }
}

function why(row: Row): string {
  const reason = textOf(row, 'reason') ?? textOf(row, 'comment');
  return reason === undefined ? '' : `: ${reason}`;
}
