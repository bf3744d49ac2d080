/** What `ledger metrics` tells: the shape that prose, charts, JSON and Prometheus text are printed from. Times are in milliseconds. */

export interface Latency {
  readonly count: number;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
}

export interface GateFigure {
  readonly gate_id: string;
  readonly asked: number;
  readonly failed: number;
  readonly excepted: number;
}

export interface RiskFigure {
  readonly domain: string | null;
  readonly low: number;
  readonly medium: number;
  readonly high: number;
  readonly critical: number;
  readonly p50_score: number | null;
}

/** Something that was as it had been until then. */
export interface DriftFigure {
  readonly kind: 'policy-version' | 'approval-pattern';
  /** The class of action, as decision.created names it. */
  readonly action: string;
  readonly from: string;
  readonly to: string;
  readonly seq: number;
  readonly at: string;
}

export interface DayFigure {
  readonly day: string;
  /** That began. */
  readonly runs: number;
  readonly decisions: number;
  readonly allowed: number;
  readonly denied: number;
  readonly executed: number;
  readonly overrides: number;
  readonly gates_failed: number;
  readonly latency_p50_ms: number | null;
}

export interface Metrics {
  readonly decisions: number;
  readonly critical_decisions: number;
  readonly outcomes: Readonly<Record<'allow' | 'deny' | 'queue' | 'escalate', number>>;
  readonly executed: number;
  readonly expired: number;
  readonly approval_latency: Latency & { readonly by_role: readonly (Latency & { readonly role: string })[] };
  /** Of which enough people have not agreed by now. */
  readonly waiting: number;
  readonly overrides: number;
  /** Exceptions for each critical decision; null where there was no such decision. */
  readonly override_rate: number | null;
  readonly gates: readonly GateFigure[];
  readonly risk: readonly RiskFigure[];
  readonly runs_started: number;
  readonly runs_incomplete: { readonly count: number; readonly newest: readonly string[] };
  readonly drift: readonly DriftFigure[];
  readonly days: readonly DayFigure[];
}

export interface MetricsWindow {
  readonly sinceMs: number;
  readonly untilMs: number;
}
