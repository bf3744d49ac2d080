/** A decision in seven steps, each with the rows that it rests on, or none. Nothing is guessed. */
import type { Row } from '../members';
import { saysNo, saysYes } from './consent';
import { requiredIn } from './decision';
import { fieldOf, isLive, listOf, textOf } from './finding';
import { signatureText } from './signed';
import type { JudgeSignature } from './signed';
import { happenedAt } from './stream';
import type { StreamIntegrity } from './stream';
import { actorOf, dotted, entriesOf, named, valueText, wordsOf } from './words';

export interface Step {
  readonly title: string;
  readonly sentences: readonly string[];
  /** The seqs of its evidence. */
  readonly rows: readonly number[];
}

export function decisionSteps(rows: readonly Row[], integrity: StreamIntegrity, judge: JudgeSignature): Step[] {
  const live = rows.filter(isLive);
  return [
    identify(live),
    policy(live),
    risk(live),
    authority(live, judge),
    enforcement(live),
    execution(live),
    integrityStep(rows, integrity),
  ];
}

const ofAction = (rows: readonly Row[], action: string): Row[] => rows.filter((row) => row.action === action);
const said = (row: Row, name: string): string => wordsOf(row, name) ?? '(not said)';
const seqs = (rows: readonly (Row | undefined)[]): number[] =>
  rows.flatMap((row) => (row === undefined ? [] : [row.seq]));

function identify(rows: readonly Row[]): Step {
  const title = 'Identify decision';
  const [created] = ofAction(rows, 'decision.created');
  if (created === undefined) return { title, sentences: [], rows: [] };
  const who = actorOf(created);
  const what = valueText(created.payload?.['action']);
  return {
    title,
    sentences: [
      `${what === '' ? '(not said)' : what} was asked for${who === undefined ? '' : ` by ${who}`}, ${happenedAt(created)}`,
      ...named('context', valueText(created.payload?.['context'])),
      ...named('correlation id', created.correlation_id),
    ],
    rows: seqs([created]),
  };
}

function policy(rows: readonly Row[]): Step {
  const [created] = ofAction(rows, 'decision.created');
  const asked = ofAction(rows, 'policy.gate');
  const version = created === undefined ? undefined : textOf(created, 'policy_version');
  const isLast = (row: Row): boolean => asked.findLast((other) => textOf(other, 'gate_id') === textOf(row, 'gate_id')) === row; // prettier-ignore
  return {
    title: 'Confirm policy context',
    sentences: [
      ...named('policy version', version),
      ...asked.map((row) => {
        const later = isLast(row) ? '' : ' (asked again later)';
        return `gate ${said(row, 'gate_id')}: ${said(row, 'result')}${later}: ${said(row, 'reason')}`;
      }),
    ],
    rows: seqs([version === undefined ? undefined : created, ...asked]),
  };
}

/** Every score is told: one that was lowered later was a reason until then. */
function risk(rows: readonly Row[]): Step {
  const scored = ofAction(rows, 'risk.scored');
  const evaluated = ofAction(rows, 'decision.evaluated');
  return {
    title: 'Confirm risk rationale',
    sentences: [
      ...scored.flatMap((row) => {
        const domain = textOf(row, 'domain');
        const later = row === scored.at(-1) ? '' : ', scored again later';
        return [
          dotted(`${said(row, 'band')} (score ${said(row, 'score')}${later})`, domain && `domain ${domain}`),
          ...listOf(row, 'reasons').map((reason) => `because: ${valueText(reason)}`),
        ];
      }),
      ...evaluated.map((row) => `evaluated: ${said(row, 'status')}: ${valueText(fieldOf(row, 'evaluation_summary'))}`),
    ],
    rows: seqs([...scored, ...evaluated]),
  };
}

function authority(rows: readonly Row[], judge: JudgeSignature): Step {
  const required = ofAction(rows, 'authority.required');
  const given = ofAction(rows, 'approval.added');
  const excepted = ofAction(rows, 'override.added');
  return {
    title: 'Confirm authority path',
    sentences: [
      ...required.map((row) => {
        const { signatures, roles } = requiredIn(row);
        const later = row === required.at(-1) ? '' : ' (asked for anew later)';
        return `${signatures} must agree${roles.length === 0 ? '' : `, in the roles ${roles.join(', ')}`}${later}`;
      }),
      ...given.map((row) => {
        const role = textOf(row, 'role');
        const who = `${textOf(row, 'actor') ?? 'nobody named'}${role === undefined ? '' : ` (${role})`}`;
        const counts = saysYes(row) ? '' : saysNo(row) ? ' (a no)' : ' (neither a yes nor a no)';
        return dotted(`${who}: ${said(row, 'intent')}${counts}, by ${said(row, 'method')}, signature ${said(row, 'signature_ref')}, ${happenedAt(row)}`, signatureText(row, judge)); // prettier-ignore
      }),
      ...excepted.map(
        (row) =>
        dotted(`exception by ${textOf(row, 'actor') ?? 'nobody named'} for ${valueText(fieldOf(row, 'scope'))} until ${said(row, 'expires_at')}: ${said(row, 'reason')}`, signatureText(row, judge)), // prettier-ignore
      ),
    ],
    rows: seqs([...required, ...given, ...excepted]),
  };
}

function enforcement(rows: readonly Row[]): Step {
  const results = ofAction(rows, 'enforcement.result');
  return {
    title: 'Confirm enforcement outcome',
    sentences: results.map((row) => {
      const [unmet, allowIf] = [entriesOf(row, 'unmet_conditions'), entriesOf(row, 'allow_if')];
      return dotted(
        `${said(row, 'result')}, ${happenedAt(row)}`,
        unmet.length === 0 ? undefined : `not met: ${unmet.join(', ')}`,
        allowIf.length === 0 ? undefined : `would be allowed with: ${allowIf.join(', ')}`,
      );
    }),
    rows: seqs(results),
  };
}

function execution(rows: readonly Row[]): Step {
  const [executed, expired] = [ofAction(rows, 'decision.executed'), ofAction(rows, 'decision.expired')];
  const sentences = executed.flatMap((row) => {
    const refs = valueText(fieldOf(row, 'external_refs'));
    return [
      `executed by ${said(row, 'executor')}: ${said(row, 'outcome')}, ${happenedAt(row)}`,
      ...(refs === '' || refs === '[]' ? [] : [`traces elsewhere: ${refs}`]),
    ];
  });
  sentences.push(
    ...expired.map((row) => `expired after ${said(row, 'ttl')}: ${said(row, 'reason')}, ${happenedAt(row)}`),
  );
  return { title: 'Confirm execution', sentences, rows: seqs([...executed, ...expired]) };
}

function integrityStep(rows: readonly Row[], { isIntact, faults }: StreamIntegrity): Step {
  const count = rows.length === 1 ? '1 row' : `${rows.length} rows`;
  return {
    title: 'Verify integrity',
    sentences: isIntact
      ? [
          `${count} of the decision: each as its writer wrote it, numbered 1 to ${rows.length} and linked, without a gap`,
        ]
      : faults,
    rows: seqs(rows),
  };
}
