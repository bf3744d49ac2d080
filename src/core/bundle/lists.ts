/** Which rows of a bundle are what, for a reader who looks for the verdicts first: each list holds their seqs. */
import type { Row } from '../members';

const ACTIONS = {
  policyVerdicts: ['policy.gate', 'policy_decision', 'enforcement.result'],
  approvals: ['approval.added', 'approval_resolved', 'approval', 'override.added'],
  proposals: ['tool_proposed', 'decision.created', 'draft.production'],
} as const;

export const LIST_NAMES = ['policyVerdicts', 'approvals', 'proposals', 'chainTransactions'] as const;
export type ListName = (typeof LIST_NAMES)[number];
export type Lists = Readonly<Record<ListName, readonly number[]>>;

/** Whoever writes a line by hand writes anything there. */
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** @param rows in the order of their seqs */
export function listsOf(rows: readonly Row[]): Lists {
  const seqs = (isIn: (row: Row) => boolean): number[] => rows.filter(isIn).map(({ seq }) => seq);
  const having = (actions: readonly string[]): number[] => seqs(({ action }) => actions.includes(action));
  return {
    policyVerdicts: having(ACTIONS.policyVerdicts),
    approvals: having(ACTIONS.approvals),
    proposals: having(ACTIONS.proposals),
    chainTransactions: seqs(({ payload }) => isObject(payload) && Object.hasOwn(payload, 'transaction')),
  };
}
