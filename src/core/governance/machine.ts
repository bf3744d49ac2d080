/**
 * State machines as data: from which states an event may come, and where it leads. What a state machine cannot say (how
 * many people agreed, until when an exception held) stands beside it in decision.ts and run.ts.
 */
import type { GovernanceCode } from './finding';

export interface Step<S extends string> {
  readonly from: readonly S[];
  /** Undefined: the state stays. */
  readonly to?: S;
  /** What it is to come from another state, where that is not the machine's `otherwise`. */
  readonly unless?: Partial<Readonly<Record<S, GovernanceCode>>>;
}

export interface Machine<S extends string> {
  readonly start: S;
  readonly steps: Readonly<Record<string, Step<S>>>;
  /** What it is for an event to come in a state that it may not come from. */
  readonly otherwise: Readonly<Record<S, GovernanceCode | undefined>>;
}

/** What is no event of a machine is a row of the stream all the same. */
const ANY_ROW = 'any row';

/** @returns the next state, and what is wrong with getting there */
export function stepOf<S extends string>(
  { steps, otherwise }: Machine<S>,
  state: S,
  event: string,
): { readonly state: S; readonly wrong: GovernanceCode | undefined } {
  const step = (Object.hasOwn(steps, event) ? steps[event] : undefined) ?? steps[ANY_ROW];
  if (step === undefined) return { state, wrong: undefined };
  const { from, to = state, unless } = step;
  if (from.includes(state)) return { state: to, wrong: undefined };
  return { state: unless?.[state] === undefined ? state : to, wrong: unless?.[state] ?? otherwise[state] };
}

export type DecisionState = 'none' | 'open' | 'held' | 'allowed' | 'executed' | 'expired';

const RUNNING: readonly DecisionState[] = ['open', 'held', 'allowed'];

/** An enforcement is two events: of what allows, and of what does not. */
export const DECISION_MACHINE: Machine<DecisionState> = {
  start: 'none',
  steps: {
    'decision.created': { from: ['none'], to: 'open' },
    'decision.evaluated': { from: RUNNING },
    'policy.gate': { from: RUNNING },
    'risk.scored': { from: RUNNING },
    'authority.required': { from: RUNNING },
    'approval.added': { from: RUNNING, unless: { expired: 'APPROVAL_AFTER_EXPIRY' } },
    'override.added': { from: RUNNING },
    'enforcement.result: allow': { from: RUNNING, to: 'allowed' },
    'enforcement.result: other': { from: RUNNING, to: 'held' },
    'decision.executed': {
      from: ['allowed'],
      to: 'executed',
      unless: {
        none: 'EXECUTED_WITHOUT_ALLOW',
        open: 'EXECUTED_WITHOUT_ALLOW',
        held: 'EXECUTED_WITHOUT_ALLOW',
        expired: 'EXECUTED_WITHOUT_ALLOW',
      },
    },
    'decision.expired': { from: RUNNING, to: 'expired' },
    // A run that executed it may have more to say.
    [ANY_ROW]: { from: ['none', ...RUNNING, 'executed', 'expired'] },
  },
  otherwise: {
    none: 'NOT_CREATED',
    open: 'NOT_CREATED',
    held: 'NOT_CREATED',
    allowed: 'NOT_CREATED',
    executed: 'ROW_AFTER_CLOSE',
    expired: 'ROW_AFTER_CLOSE',
  },
};

export type RunState = 'none' | 'open' | 'closed';

export const RUN_MACHINE: Machine<RunState> = {
  start: 'none',
  steps: {
    run_started: { from: ['none', 'open'], to: 'open' },
    'run.invocation': { from: ['none', 'open'], to: 'open' },
    run_completed: { from: ['open'], to: 'closed', unless: { none: 'END_WITHOUT_START' } },
    [ANY_ROW]: { from: ['none', 'open'] },
  },
  otherwise: { none: undefined, open: undefined, closed: 'ROW_AFTER_CLOSE' },
};

/** Events that come in twos: what begins, what ends it, and the member that ties them together. */
export const PAIRS: readonly { readonly start: string; readonly end: string; readonly by: readonly string[] }[] = [
  { start: 'turn_started', end: 'turn_completed', by: ['turn_id'] },
  { start: 'model_call_started', end: 'model_call_completed', by: ['call_id', 'turn_id'] },
  { start: 'approval_requested', end: 'approval_resolved', by: ['approval_id', 'call_id', 'turn_id'] },
];
