/**
 * One row of a run as lines of a story: what happened, and below it what it says.
 *
 *   Reviewer action · accept-with-edits
 *     Diff: line 11 commentary expanded (12 words → 18 words)
 *     Resulting version: d4f1 v2
 */
import type { Row } from '../members';
import { fieldOf, textOf } from './finding';
import { actionTitle, dotted, entriesOf, isSamePerson, named, valueText, versionText, wordsOf } from './words';

export interface TrailLine {
  readonly head: string;
  readonly details: readonly string[];
}

/** What the rows before say: who started the run, which draft is on the table. */
export interface TrailContext {
  readonly invoker: string | undefined;
  readonly draftId: string | undefined;
}

type Teller = (row: Row, context: TrailContext) => TrailLine;

const GOOD: ReadonlySet<string | undefined> = new Set([undefined, 'ok', 'success', 'done', 'completed']);

const TELLERS: Readonly<Record<string, Teller>> = {
  'run.invocation': (row) => ({
    head: dotted('Run invocation', textOf(row, 'invoking_identity')),
    details: [...named('Surface', textOf(row, 'surface')), ...named('Scope', scopeText(fieldOf(row, 'scope')))],
  }),
  'tool.call': (row) => {
    const called = [textOf(row, 'tool'), valueText(fieldOf(row, 'input_shape'))].filter(Boolean).join(' ');
    const [source, status] = [textOf(row, 'source'), textOf(row, 'status')];
    return {
      head: dotted(
        'Tool call',
        called,
        valueText(fieldOf(row, 'output_shape')),
        source && `source: ${source}`,
        GOOD.has(status) ? undefined : status,
      ),
      details: reason(row),
    };
  },
  'draft.production': (row, { invoker }) => {
    const shown = textOf(row, 'presented_to');
    return {
      head: dotted('Draft production', versionText(textOf(row, 'draft_id'), textOf(row, 'version'))),
      details: [
        ...named('Output', valueText(fieldOf(row, 'output_shape'))),
        ...entriesOf(row, 'flags').map((flag) => `Flag: ${flag}`),
        ...(isSamePerson(shown, invoker) ? [] : named('Presented to', shown)),
      ],
    };
  },
  'reviewer.action': (row, { invoker, draftId }) => {
    const [type, target, who] = [textOf(row, 'type'), valueText(fieldOf(row, 'target')), textOf(row, 'reviewer')];
    const [comment, version] = [textOf(row, 'comment'), textOf(row, 'resulting_version')];
    const isDraft = draftId !== undefined && target.startsWith(draftId);
    return {
      head: dotted(
        'Reviewer action',
        isDraft || target === '' ? type : `${type ?? ''} (${target})`,
        isSamePerson(who, invoker) ? undefined : `by ${who ?? 'nobody named'}`,
      ),
      details: [
        ...(comment === undefined ? [] : [`Comment: "${comment}"`]),
        ...named('Diff', valueText(fieldOf(row, 'diff'))),
        ...(version === undefined ? [] : named('Resulting version', versionText(textOf(row, 'draft_id') ?? draftId, version))), // prettier-ignore
      ],
    };
  },
  approval: (row) => ({
    head: dotted(
      'Approval',
      versionText(textOf(row, 'draft_id'), textOf(row, 'version')),
      `approved by ${textOf(row, 'approver') ?? 'nobody named'}`,
    ),
    details: named('Destination', textOf(row, 'destination')),
  }),
  'surface.delivery': (row) => {
    const outcome = textOf(row, 'outcome');
    const to = textOf(row, 'target') ?? 'nowhere named';
    return {
      head: dotted('Surface delivery', outcome === 'failed' ? `failed: ${to}` : `${outcome ?? ''} to ${to}`),
      details: [...named('Anchor recorded', textOf(row, 'anchor')), ...reason(row)],
    };
  },
};

/** Members that stand in the head of a row that no type of the trail tells, or are told beside it. */
const IN_HEAD: ReadonlySet<string> = new Set(['action', 'actor', 'agent', 'target', 'outcome', 'model', 'cost_usd', 'reason']); // prettier-ignore

function plainLine(row: Row, { invoker }: TrailContext): TrailLine {
  const who = row.actor ?? row.agent;
  const why = row.reason === undefined ? [] : [`Reason: ${valueText(row.reason)}`];
  return {
    head: dotted(
      actionTitle(row.action),
      isSamePerson(who, invoker) ? undefined : who,
      valueText(row.target),
      valueText(row.outcome),
      row.model && `model ${valueText(row.model)}`,
      row.cost_usd === undefined ? undefined : `${row.cost_usd} USD`,
    ),
    details:
      row.payload === undefined
        ? why
        : [...why, ...restOf(row, (name, value) => IN_HEAD.has(name) && row[name] === value)],
  };
}

/** The fields of the payload that were not told: nothing that a row says is left out. */
function restOf(row: Row, isTold: (name: string, value: unknown) => boolean): string[] {
  return Object.entries(row.payload ?? {}).flatMap(([name, value]) =>
    isTold(name, value) ? [] : [`${actionTitle(name)}: ${valueText(value)}`],
  );
}

/** What the lines of the trail tell of each type, in their order. */
export const TRAIL_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'run.invocation': ['workflow', 'workflow_version', 'scope', 'invoking_identity', 'surface'],
  'tool.call': ['tool', 'step', 'input_shape', 'output_shape', 'duration_ms', 'status', 'source', 'reason'],
  'draft.production': ['draft_id', 'version', 'output_shape', 'flags', 'presented_to'],
  'reviewer.action': ['type', 'reviewer', 'target', 'draft_id', 'diff', 'comment', 'resulting_version'],
  approval: ['draft_id', 'version', 'approver', 'destination', 'model_provider', 'model_id'],
  'surface.delivery': ['target', 'outcome', 'reason', 'anchor'],
};

export function trailLine(row: Row, context: TrailContext): TrailLine {
  const tell = Object.hasOwn(TELLERS, row.action) ? TELLERS[row.action] : undefined;
  const line = tell === undefined ? plainLine(row, context) : typedLine(row, tell(row, context));
  if (row.provenance === undefined || row.provenance === 'live') return line;
  return { ...line, details: [...line.details, `Not live: ${valueText(row.provenance)}`] };
}

/** What a line leaves out to be short, and somebody who checks one row after the other asks for. */
const BESIDE = ['actor', 'role', 'reviewer', 'presented_to', 'authority', 'data_ref', 'as_of', 'step', 'duration_ms', 'status', 'turn_id', 'call_id', 'decision_id', 'order_id']; // prettier-ignore

export function besideOf(row: Row, { head, details }: TrailLine): string[] {
  const lines = [head, ...details];
  const isTold = (text: string): boolean =>
    lines.some((line) => line.includes(text) && line.split(/ \u00b7 |: /).includes(text));
  const beside = BESIDE.flatMap((name) => {
    const text = textOf(row, name);
    return text === undefined || isTold(text) ? [] : [`${actionTitle(name)}: ${text}`];
  });
  return row.occurred_at === undefined ? beside : [...beside, `Set down: ${row.ts}`];
}

const reason = (row: Row): string[] => named('Reason', wordsOf(row, 'reason'));

/** `DE-001 · 2026-04 · counterparties [US-001, UK-002]`: what is one value needs no name. */
function scopeText(scope: unknown): string {
  if (typeof scope !== 'object' || scope === null || Array.isArray(scope)) return valueText(scope);
  const parts = Object.entries(scope).map(([name, value]) =>
    typeof value === 'object' ? `${name} ${valueText(value)}` : valueText(value),
  );
  return dotted(...parts);
}

function typedLine(row: Row, { head, details }: TrailLine): TrailLine {
  const told = TRAIL_FIELDS[row.action] ?? [];
  return { head, details: [...details, ...restOf(row, (name) => told.includes(name))] };
}
