/**
 * The rows of the ledger that attacks are played on: always the same ones in the same places, so that an attack is caught
 * at a row that is known before. Two runs lie under the first checkpoint, a third one under the second, a fourth one and an
 * approval behind both. On the anchored ground two rows with sealed fields follow, and a third checkpoint.
 */

/** Where rows stand that attacks are about. */
export const SEQ = {
  genesis: 1,
  run1Tool: 4,
  /** Of run 2, which is in no bundle; what came of it is one of a few likely things. */
  hidden: 5,
  run1End: 6,
  /** Of the first checkpoint, which is over the rows before it. */
  firstCheckpoint: 9,
  run3Tool: 10,
  run4Probe: 14,
  /** Signed by alice. */
  approval: 17,
  last: 18,
  /** Of the anchored ground: two rows with sealed fields. The last of them is the last that anchors know. */
  sealed: 19,
  otherSealed: 20,
} as const;

export const HIDDEN_OUTCOMES = ['success', 'error', 'refused', 'timeout', 'skipped'] as const;

type Input = Readonly<Record<string, unknown>>;

const coder = { agent: 'coder' };

/** Row 2 to 7. */
export const RUNS_UNDER_FIRST: readonly Input[] = [
  { ...coder, action: 'run_started', run_id: 'run-1' },
  { agent: 'probe', action: 'run_started', run_id: 'run-2' },
  { ...coder, action: 'tool.used', run_id: 'run-1', target: 'repo', cost_usd: '0.0312', payload: { n: 1 } },
  { agent: 'probe', action: 'pulse.probe', run_id: 'run-2', outcome: 'success' },
  { ...coder, action: 'run_completed', run_id: 'run-1', outcome: 'success' },
  { agent: 'probe', action: 'run_completed', run_id: 'run-2', outcome: 'success' },
];

/** Row 8. */
export const PROBE: Input = { agent: 'probe', action: 'pulse.probe', target: 'payments', outcome: 'error' };

/** Row 10 and 11: row 9 and row 12 are those of the checkpoints. */
export const RUN_UNDER_SECOND: readonly Input[] = [
  { ...coder, action: 'tool.used', run_id: 'run-3', target: 'repo', cost_usd: '1.5' },
  { ...coder, action: 'run_completed', run_id: 'run-3', outcome: 'success' },
];

/** Row 13 to 16. The mark in row 14 is what lenient readers put in place of bytes that are no UTF-8. */
export const RUN_BEHIND: readonly Input[] = [
  { ...coder, action: 'run_started', run_id: 'run-4' },
  { ...coder, action: 'pulse.probe', run_id: 'run-4', reason: 'status=green, caf\uFFFD', payload: { n: 1 } },
  { ...coder, action: 'tool.used', run_id: 'run-4', target: 'repo', cost_usd: '0.02' },
  { ...coder, action: 'run_completed', run_id: 'run-4', outcome: 'success' },
];

/** Row 17, without who approves and signs. */
export const APPROVAL: Input = {
  action: 'approval.added',
  decision_id: 'decision-1',
  payload: { role: 'release-manager', intent: 'approve', method: 'ssh key', signature_ref: 'self' },
};

/** Row 18. */
export const LAST: Input = { agent: 'probe', action: 'pulse.probe', target: 'env', outcome: 'success' };

/** Row 19 and 20: of the first two fields are sealed, of the second one. */
export const SEALED_ROWS: readonly Input[] = [
  { agent: 'desk', action: 'refund.made', reason: 'moved to Lyon', payload: { email: 'k@example.org' } },
  { agent: 'desk', action: 'refund.made', reason: 'moved to Bern' },
];

export const SEALED_FIELDS = ['reason', 'payload.email'] as const;
