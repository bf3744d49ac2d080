/**
 * The types of rows that the built-in catalogues describe, as they are given to `append`. The files in `schemas/` say what
 * holds; these say it to a compiler.
 *
 *   const gate: LedgerEvent<'policy.gate'> = {
 *     action: 'policy.gate', decision_id: 'd1', reason: 'all green', payload: { gate_id: 'tests', result: 'pass' },
 *   };
 */
import type { RowInput } from './members';

/** A field that is also a member of the row may stand beside the payload or in it. */
type Either<K extends string, T> = { readonly [k in K]: T } | { readonly payload: { readonly [k in K]: T } };
type Optional<K extends string, T> = { readonly [k in K]?: T } & { readonly payload?: { readonly [k in K]?: T } };
type Payload<T> = { readonly payload: T };

type RunRow = { readonly run_id: string };
type TurnRow = RunRow & { readonly turn_id: string };
type AccessRow = {
  readonly run_id: 'access';
  readonly actor: string;
  readonly target: string;
  readonly outcome: 'allowed' | 'denied';
};
type DecisionRow = { readonly decision_id: string };

type Anything = string | readonly unknown[] | Readonly<Record<string, unknown>>;
type Version = number | string;
/** Kinds and counts: "42 rows, 2 currencies". */
export type Shape = string | readonly unknown[] | Readonly<Record<string, unknown>>;
/** A decimal in USD; as a text where a number would lose places. */
export type UsdAmount = number | string;

interface TraceEvents {
  run_started: RunRow;
  run_completed: RunRow;
  turn_started: TurnRow;
  turn_completed: TurnRow;
  context_compiled: RunRow;
  model_call_started: RunRow;
  model_call_completed: RunRow;
  tool_proposed: RunRow;
  policy_decision: RunRow;
  approval_requested: RunRow;
  approval_resolved: RunRow;
  tool_executed: RunRow;
  memory_proposed: RunRow;
  memory_written: RunRow;
  memory_retrieved: RunRow;
  checkpoint_saved: RunRow;
  handoff: RunRow;
  policy_violation: RunRow;
  security_event: RunRow;
  error: RunRow;
}

interface DecisionEvents {
  'decision.created': DecisionRow &
    Payload<{ readonly action: string; readonly context: Anything }> &
    Either<'policy_version', string>;
  'decision.evaluated': DecisionRow & Payload<{ readonly status: string; readonly evaluation_summary: Anything }>;
  'policy.gate': DecisionRow &
    Payload<{ readonly gate_id: string; readonly result: 'pass' | 'fail' | 'exception' }> &
    Either<'reason', string>;
  'risk.scored': DecisionRow &
    Payload<{
      readonly score: number;
      readonly band: 'low' | 'medium' | 'high' | 'critical';
      readonly reasons: readonly string[];
      readonly domain?: string;
    }>;
  'authority.required': DecisionRow &
    Payload<{ readonly required_roles: readonly string[]; readonly min_signatures: number }>;
  'approval.added': DecisionRow &
    Payload<{ readonly intent: string; readonly method: string; readonly signature_ref: string }> &
    Either<'actor', string> &
    Optional<'role', string>;
  'override.added': DecisionRow &
    Payload<{ readonly scope: Anything; readonly expires_at: string }> &
    Either<'actor', string> &
    Either<'reason', string>;
  'enforcement.result': DecisionRow &
    Payload<{
      readonly result: 'allow' | 'deny' | 'queue' | 'escalate';
      readonly allow_if: readonly unknown[];
      readonly unmet_conditions: readonly unknown[];
    }>;
  'decision.executed': DecisionRow &
    Payload<{ readonly executor: string; readonly external_refs: Anything }> &
    Either<'outcome', string>;
  'decision.expired': DecisionRow & Payload<{ readonly ttl: number | string }> & Either<'reason', string>;
}

interface TrailEvents {
  'run.invocation': RunRow &
    Payload<{
      readonly workflow: string;
      readonly workflow_version: string;
      readonly scope: Anything;
      readonly invoking_identity: string;
      readonly surface: string;
    }>;
  'tool.call': RunRow &
    Payload<{
      readonly tool: string;
      readonly step: number;
      readonly input_shape: Shape;
      readonly output_shape: Shape;
      readonly status: string;
      readonly source?: string;
    }> &
    Either<'duration_ms', number>;
  'draft.production': RunRow &
    Payload<{
      readonly draft_id: string;
      readonly version: Version;
      readonly output_shape: Shape;
      readonly flags: readonly unknown[];
      readonly presented_to: string;
    }>;
  'reviewer.action': RunRow &
    Payload<{
      readonly type: 'accept' | 'reject' | 'accept-with-edits' | 'comment' | 'flag-resolve';
      readonly reviewer: string;
      readonly diff?: Anything;
      readonly comment?: string;
      readonly resulting_version?: Version;
    }> &
    Either<'target', string>;
  approval: RunRow &
    Payload<{
      readonly draft_id: string;
      readonly version: Version;
      readonly approver: string;
      readonly destination: string;
      readonly model_provider: string;
      readonly model_id: string;
    }>;
  'surface.delivery': RunRow &
    Either<'target', string> &
    Either<'outcome', 'delivered' | 'queued' | 'failed'> &
    Optional<'reason', string> & { readonly payload?: { readonly anchor?: string } };
}

interface ProofEvents {
  'proof.order': Payload<{ readonly amount_usd: UsdAmount; readonly status: string; readonly product?: string }> &
    Either<'order_id', string>;
  'proof.revenue': Payload<{ readonly amount_usd: UsdAmount; readonly source: string }> & Either<'order_id', string>;
  'proof.webhook': Payload<{ readonly source: string; readonly event_id: string; readonly kind: string }>;
  'proof.crm_activity': Payload<{ readonly deal_id: string; readonly kind: string; readonly summary: string }>;
  'proof.run': RunRow & Payload<{ readonly state: string; readonly purpose: string }>;
  'proof.run_event': RunRow & Payload<{ readonly state: string; readonly detail?: string }>;
  'proof.tool_call': Payload<{ readonly tool: string; readonly verdict: 'allowed' | 'denied' | 'failed' }> &
    Optional<'reason', string>;
  'proof.model_decision': Payload<{ readonly route: string; readonly decision: string }> & Either<'model', string>;
  'proof.approval': Payload<{
    readonly subject: string;
    readonly verdict: 'approved' | 'denied' | 'edited';
    readonly approver: string;
  }>;
  'proof.artifact': Payload<{ readonly ref: string; readonly sha256: string; readonly access: string }>;
  'proof.audit_event': Payload<{ readonly what: string; readonly why: string }>;
}

interface AccessEvents {
  'access.read': AccessRow &
    Payload<{ readonly command: string; readonly account: string }> & { readonly reason: string };
  'access.export': AccessRow &
    Payload<{ readonly command: 'export' | 'bundle'; readonly account: string; readonly format: string }>;
}

interface Events extends TraceEvents, DecisionEvents, TrailEvents, ProofEvents, AccessEvents {}

/** An action that a built-in catalogue describes. */
export type LedgerAction = keyof Events;

/** A row of one type, or of any. */
export type LedgerEvent<A extends LedgerAction = LedgerAction> = {
  readonly [a in A]: RowInput & { readonly action: a } & Events[a];
}[A];
