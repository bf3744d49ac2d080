/**
 * The members of a row: which there are, in which order they stand, who may set them, and what they hold.
 * The order of `CALLER_MEMBERS` is the order of the stored line.
 */

export type MemberKind = 'string' | 'action' | 'time' | 'cost' | 'count' | 'provenance' | 'payload';

/** What a caller may set, in stored order. */
export const CALLER_MEMBERS = {
  occurred_at: 'time',
  run_id: 'string',
  turn_id: 'string',
  decision_id: 'string',
  call_id: 'string',
  correlation_id: 'string',
  parent_run_id: 'string',
  order_id: 'string',
  agent: 'string',
  agent_version: 'string',
  actor: 'string',
  role: 'string',
  authority: 'string',
  customer_id: 'string',
  action: 'action',
  target: 'string',
  outcome: 'string',
  cost_usd: 'cost',
  duration_ms: 'count',
  reason: 'string',
  playbook: 'string',
  playbook_version: 'string',
  data_ref: 'string',
  as_of: 'time',
  input_tokens: 'count',
  output_tokens: 'count',
  cached_tokens: 'count',
  model: 'string',
  provider: 'string',
  policy_version: 'string',
  traceparent: 'string',
  ref: 'string',
  provenance: 'provenance',
  idempotency_key: 'string',
  payload: 'payload',
} as const satisfies Readonly<Record<string, MemberKind>>;

export type CallerMember = keyof typeof CALLER_MEMBERS;

export const CALLER_MEMBER_NAMES = Object.keys(CALLER_MEMBERS) as CallerMember[];

export interface Member {
  readonly name: CallerMember;
  readonly kind: MemberKind;
  /** Its place in the stored order. */
  readonly rank: number;
  /** Its name as it stands in a line. */
  readonly prefix: string;
}

export const MEMBERS: ReadonlyMap<string, Member> = new Map(
  CALLER_MEMBER_NAMES.map((name, rank) => [name, { name, kind: CALLER_MEMBERS[name], rank, prefix: `"${name}":` }]),
);

/** In input this says when it happened: it is taken as `occurred_at`. In a line it is the ledger's. */
export const LEDGER_TIME_MEMBER = 'ts';

/** What only the ledger sets; refused in input (`ts` is taken as `occurred_at` before this is looked at). */
export const LEDGER_MEMBERS: ReadonlySet<string> = new Set([
  'seq',
  'ts',
  'id',
  'by',
  'run_seq',
  'run_prev_hash',
  'decision_seq',
  'decision_prev_hash',
  'content_hash',
  'nonce',
  'prev_hash',
  'hash',
  'spill_id',
  'imported_from',
  'signature',
  'sealed',
]);

/** A row as read back: the members that code looks at by name. Extra members are there too. */
export interface Row {
  readonly seq: number;
  readonly ts: string;
  readonly id: string;
  readonly by: string;
  readonly action: string;
  readonly occurred_at?: string;
  readonly run_id?: string;
  readonly turn_id?: string;
  readonly decision_id?: string;
  readonly call_id?: string;
  readonly correlation_id?: string;
  readonly parent_run_id?: string;
  readonly order_id?: string;
  readonly agent?: string;
  readonly agent_version?: string;
  readonly actor?: string;
  readonly role?: string;
  readonly authority?: string;
  readonly customer_id?: string;
  readonly target?: string;
  readonly outcome?: string;
  readonly cost_usd?: number;
  readonly duration_ms?: number;
  readonly reason?: string;
  readonly playbook?: string;
  readonly playbook_version?: string;
  readonly data_ref?: string;
  readonly as_of?: string;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cached_tokens?: number;
  readonly model?: string;
  readonly provider?: string;
  readonly policy_version?: string;
  readonly traceparent?: string;
  readonly ref?: string;
  readonly provenance?: 'live' | 'sample' | 'fallback' | 'imported';
  readonly idempotency_key?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly spill_id?: string;
  readonly imported_from?: Readonly<Record<string, unknown>>;
  readonly run_seq?: number;
  readonly run_prev_hash?: string;
  readonly decision_seq?: number;
  readonly decision_prev_hash?: string;
  readonly content_hash?: string;
  readonly nonce: string;
  readonly prev_hash: string;
  readonly hash: string;
  readonly [extra: string]: unknown;
}

/** What a caller gives: any known member it may set, `ts` in place of `occurred_at`, a cost as number or decimal string, and extra members. */
export type RowInput = Partial<Omit<Pick<Row, CallerMember>, 'cost_usd'>> & {
  readonly action: string;
  readonly cost_usd?: number | string;
  readonly ts?: string;
  readonly [extra: string]: unknown;
};
