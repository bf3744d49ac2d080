/** A decision in seven steps, each with the rows that it rests on, or none. Nothing is guessed. */
import type { Row } from '../members';
import type { DecisionAudit } from './decision';
import { fieldOf, listOf, textOf } from './finding';
import type { StreamIntegrity } from './stream';
import { actorOf, dotted, entriesOf, valueText } from './words';

export interface Step {
  readonly title: string;
  readonly sentences: readonly string[];
  /** The seqs of its evidence. */
  readonly rows: readonly number[];
}

export function decisionSteps(audit: DecisionAudit, rows: readonly Row[], integrity: StreamIntegrity): Step[] {
  return [
    identify(audit),
    policy(audit, rows),
    risk(audit, rows),
    authority(audit, rows),
    enforcement(rows),
    execution(audit),
    integrityStep(rows, integrity),
  ];
}

const seqs = (rows: readonly (Row | undefined)[]): number[] =>
  rows.flatMap((row) => (row === undefined ? [] : [row.seq]));
const at = (row: Row): string => row.occurred_at ?? row.ts;

function identify({ created }: DecisionAudit): Step {
  const title = 'Identify decision';
  if (created === undefined) return { title, sentences: [], rows: [] };
  const who = actorOf(created);
  return {
    title,
    sentences: [
      `${valueText(created.payload?.['action'])} was asked for${who === undefined ? '' : ` by ${who}`}, ${at(created)}`,
      ...optional('context', valueText(created.payload?.['context'])),
      ...optional('correlation id', created.correlation_id),
    ],
    rows: seqs([created]),
  };
}

function policy({ created, gates }: DecisionAudit, rows: readonly Row[]): Step {
  const asked = rows.filter(({ action }) => action === 'policy.gate');
  const version = created === undefined ? undefined : textOf(created, 'policy_version');
  const isLast = (row: Row): boolean => gates.get(textOf(row, 'gate_id') ?? '') === row;
  return {
    title: 'Confirm policy context',
    sentences: [
      ...optional('policy version', version),
      ...asked.map((row) => {
        const later = isLast(row) ? '' : ' (asked again later)';
        return `gate ${textOf(row, 'gate_id') ?? ''}: ${textOf(row, 'result') ?? ''}${later}: ${textOf(row, 'reason') ?? ''}`;
      }),
    ],
    rows: seqs([version === undefined ? undefined : created, ...asked]),
  };
}

function risk({ risk: scored }: DecisionAudit, rows: readonly Row[]): Step {
  const evaluated = rows.filter(({ action }) => action === 'decision.evaluated');
  const domain = scored && textOf(scored, 'domain');
  const rationale =
    scored === undefined
      ? []
      : [
          dotted(
            `${textOf(scored, 'band') ?? ''} (score ${textOf(scored, 'score') ?? ''})`,
            domain && `domain ${domain}`,
          ),
          ...listOf(scored, 'reasons').map((reason) => `because: ${valueText(reason)}`),
        ];
  return {
    title: 'Confirm risk rationale',
    sentences: [
      ...rationale,
      ...evaluated.map(
        (row) => `evaluated: ${textOf(row, 'status') ?? ''}: ${valueText(fieldOf(row, 'evaluation_summary'))}`,
      ),
    ],
    rows: seqs([scored, ...evaluated]),
  };
}

function authority(audit: DecisionAudit, rows: readonly Row[]): Step {
  const { required, authority: asked } = audit;
  const given = rows.filter(({ action }) => action === 'approval.added');
  const excepted = rows.filter(({ action }) => action === 'override.added');
  const must =
    required === undefined
      ? []
      : [`${asked.signatures} must agree${asked.roles.length === 0 ? '' : `, in the roles ${asked.roles.join(', ')}`}`];
  return {
    title: 'Confirm authority path',
    sentences: [
      ...must,
      ...given.map((row) => {
        const role = textOf(row, 'role');
        const who = `${textOf(row, 'actor') ?? 'nobody named'}${role === undefined ? '' : ` (${role})`}`;
        return `${who}: ${textOf(row, 'intent') ?? ''}, by ${textOf(row, 'method') ?? ''}, signature ${textOf(row, 'signature_ref') ?? 'none'}, ${at(row)}`;
      }),
      ...excepted.map(
        (row) =>
          `exception by ${textOf(row, 'actor') ?? 'nobody named'} for ${valueText(fieldOf(row, 'scope'))} until ${textOf(row, 'expires_at') ?? ''}: ${textOf(row, 'reason') ?? ''}`,
      ),
    ],
    rows: seqs([required, ...given, ...excepted]),
  };
}

function enforcement(rows: readonly Row[]): Step {
  const results = rows.filter(({ action }) => action === 'enforcement.result');
  return {
    title: 'Confirm enforcement outcome',
    sentences: results.map((row) => {
      const [unmet, allowIf] = [entriesOf(row, 'unmet_conditions'), entriesOf(row, 'allow_if')];
      return dotted(
        `${textOf(row, 'result') ?? ''}, ${at(row)}`,
        unmet.length === 0 ? undefined : `not met: ${unmet.join(', ')}`,
        allowIf.length === 0 ? undefined : `would be allowed with: ${allowIf.join(', ')}`,
      );
    }),
    rows: seqs(results),
  };
}

function execution({ executed, expired }: DecisionAudit): Step {
  const sentences: string[] = [];
  if (executed !== undefined) {
    sentences.push(`executed by ${textOf(executed, 'executor') ?? 'nobody named'}: ${textOf(executed, 'outcome') ?? ''}, ${at(executed)}`); // prettier-ignore
    const refs = valueText(fieldOf(executed, 'external_refs'));
    if (refs !== '' && refs !== '[]') sentences.push(`traces elsewhere: ${refs}`);
  }
  if (expired !== undefined)
    sentences.push(`expired after ${textOf(expired, 'ttl') ?? ''}: ${textOf(expired, 'reason') ?? ''}, ${at(expired)}`);
  return { title: 'Confirm execution', sentences, rows: seqs([executed, expired]) };
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

function optional(name: string, text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : [`${name}: ${text}`];
}
