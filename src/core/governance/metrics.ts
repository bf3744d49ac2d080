/**
 * Figures of how decisions and runs went, over a window and by day. Each figure counts by the moment of the event that it is
 * about: an approval latency by the approval that was the last one needed, a gate by its row, an open run by its start.
 */
import { dayAt, dayPeriod } from '../day';
import type { Calendar } from '../day';
import type { Row } from '../members';
import { Authority } from './authority';
import type { Agreement } from './authority';
import { RunFigures, RUN_FIGURE_ACTIONS } from './runFigures';
import { isLive, textOf } from './finding';
import type { DriftFigure, Latency, Metrics, MetricsWindow } from './metricsReport';
import { happenedAt, happenedMs } from './stream';

const NONE = '(none)';

interface OpenDecision {
  action: string;
  readonly authority: Authority;
}

interface Day {
  runs: number;
  decisions: number;
  allowed: number;
  denied: number;
  executed: number;
  overrides: number;
  gatesFailed: number;
  readonly latenciesMs: number[];
}

interface Risk {
  readonly bands: Record<'low' | 'medium' | 'high' | 'critical', number>;
  readonly scores: number[];
}

export class MetricsTally {
  readonly #decisions = new Map<string, OpenDecision>();
  readonly #critical = new Set<string>();
  readonly #outcomes = { allow: 0, deny: 0, queue: 0, escalate: 0 };
  readonly #latenciesMs: number[] = [];
  readonly #byRole = new Map<string, number[]>();
  readonly #gates = new Map<string, { asked: number; failed: number; excepted: number }>();
  readonly #risk = new Map<string, Risk>();
  readonly #runs: RunFigures;
  readonly #drift: DriftFigure[] = [];
  readonly #versions = new Map<string, string>();
  readonly #patterns = new Map<string, string>();
  readonly #days = new Map<string, Day>();
  #created = 0;
  #executed = 0;
  #expired = 0;
  #overrides = 0;

  constructor(
    private readonly window: MetricsWindow,
    private readonly calendar: Calendar,
    /** Whether what a row says counts: an approval whose signature is wrong does not. */
    private readonly counts: (row: Row) => boolean = () => true,
  ) {
    this.#runs = new RunFigures((row, count) => this.#count(row, count));
  }

  /** Rows of all time, in their order: what was asked for before the window may be answered in it. */
  step(row: Row): void {
    if (!isLive(row)) return;
    const id = row.decision_id;
    if (row.run_id !== undefined) this.#stepRun(row, row.run_id);
    if (id === undefined) return;
    const decision = this.#decision(id);
    switch (row.action) {
      case 'decision.created':
        this.#create(row, decision);
        return;
      case 'policy.gate':
        this.#gate(row);
        return;
      case 'risk.scored':
        this.#score(row, id);
        return;
      case 'authority.required':
        this.#noteChange(row, 'approval-pattern', this.#patterns, decision.action, decision.authority.ask(row));
        return;
      case 'approval.added':
        if (this.counts(row)) this.#approve(row, decision);
        return;
      case 'override.added':
        if (!this.counts(row)) return;
        this.#count(row, (day) => {
          this.#overrides++;
          day.overrides++;
        });
        return;
      case 'enforcement.result':
        this.#enforce(row);
        return;
      case 'decision.executed':
        this.#count(row, (day) => {
          this.#executed++;
          day.executed++;
        });
        return;
      case 'decision.expired':
        decision.authority.isWaiting = false;
        this.#count(row, () => this.#expired++);
        return;
    }
  }

  result(): Metrics {
    const critical = this.#critical.size;
    return {
      decisions: this.#created,
      critical_decisions: critical,
      outcomes: this.#outcomes,
      executed: this.#executed,
      expired: this.#expired,
      approval_latency: {
        ...latencyOf(this.#latenciesMs),
        by_role: [...this.#byRole].sort().map(([role, all]) => ({ role, ...latencyOf(all) })),
      },
      waiting: this.#runs.waiting + [...this.#decisions.values()].filter(({ authority }) => authority.isWaiting).length,
      overrides: this.#overrides,
      override_rate: critical === 0 ? null : Number((this.#overrides / critical).toFixed(4)),
      gates: [...this.#gates]
        .map(([gate, counts]) => ({ gate_id: gate, ...counts }))
        .sort((a, b) => b.failed - a.failed || b.asked - a.asked || (a.gate_id < b.gate_id ? -1 : 1)),
      risk: [...this.#risk].sort().map(([domain, { bands, scores }]) => ({
        domain: domain === NONE ? null : domain,
        ...bands,
        p50_score: atRank(scores, 0.5),
      })),
      ...this.#runs.result(),
      drift: this.#drift,
      days: [...this.#days].sort().map(([day, { gatesFailed, latenciesMs, ...counts }]) => ({
        day,
        ...counts,
        gates_failed: gatesFailed,
        latency_p50_ms: atRank(latenciesMs, 0.5),
      })),
    };
  }

  #decision(id: string): OpenDecision {
    const known = this.#decisions.get(id);
    if (known !== undefined) return known;
    const made = { action: NONE, authority: new Authority() };
    this.#decisions.set(id, made);
    return made;
  }

  /** Does it where the row is in the window. */
  #count(row: Row, count: (day: Day) => void): void {
    const ms = happenedMs(row);
    if (ms < this.window.sinceMs || ms >= this.window.untilMs) return;
    const { label } = dayPeriod(this.calendar, dayAt(this.calendar, ms));
    const day = this.#days.get(label) ?? { runs: 0, decisions: 0, allowed: 0, denied: 0, executed: 0, overrides: 0, gatesFailed: 0, latenciesMs: [] }; // prettier-ignore
    this.#days.set(label, day);
    count(day);
  }

  #create(row: Row, decision: OpenDecision): void {
    const asked = row.payload?.['action'];
    decision.action = typeof asked === 'string' ? asked : NONE;
    this.#count(row, (day) => {
      this.#created++;
      day.decisions++;
    });
    this.#noteChange(row, 'policy-version', this.#versions, decision.action, textOf(row, 'policy_version') ?? NONE);
  }

  /** What differs from the last one of its kind, where that was in the window. */
  #noteChange(row: Row, kind: DriftFigure['kind'], last: Map<string, string>, action: string, to: string): void {
    const from = last.get(action);
    last.set(action, to);
    if (from === undefined || from === to) return;
    this.#count(row, () => this.#drift.push({ kind, action, from, to, seq: row.seq, at: happenedAt(row) }));
  }

  #gate(row: Row): void {
    this.#count(row, (day) => {
      const id = textOf(row, 'gate_id') ?? NONE;
      const gate = this.#gates.get(id) ?? { asked: 0, failed: 0, excepted: 0 };
      this.#gates.set(id, gate);
      gate.asked++;
      const result = textOf(row, 'result');
      if (result === 'exception') gate.excepted++;
      if (result !== 'fail') return;
      gate.failed++;
      day.gatesFailed++;
    });
  }

  #score(row: Row, id: string): void {
    this.#count(row, () => {
      const domain = textOf(row, 'domain') ?? NONE;
      const risk = this.#risk.get(domain) ?? { bands: { low: 0, medium: 0, high: 0, critical: 0 }, scores: [] };
      this.#risk.set(domain, risk);
      const band = textOf(row, 'band');
      if (band === 'low' || band === 'medium' || band === 'high' || band === 'critical') risk.bands[band]++;
      if (band === 'critical') this.#critical.add(id);
      const score = Number(textOf(row, 'score'));
      if (Number.isFinite(score)) risk.scores.push(score);
    });
  }

  #approve(row: Row, { authority }: OpenDecision): void {
    const agreement = authority.answer(row);
    if (agreement === undefined) return;
    this.#noteAgreement(row, agreement);
  }

  #noteAgreement(row: Row, { role, tookMs, wasLast }: Agreement): void {
    this.#count(row, (day) => {
      if (role !== undefined) this.#ofRole(role).push(tookMs);
      if (!wasLast) return;
      this.#latenciesMs.push(tookMs);
      day.latenciesMs.push(tookMs);
    });
  }

  #ofRole(role: string): number[] {
    const all = this.#byRole.get(role) ?? [];
    this.#byRole.set(role, all);
    return all;
  }

  #enforce(row: Row): void {
    const result = textOf(row, 'result');
    this.#count(row, (day) => {
      if (result !== 'allow' && result !== 'deny' && result !== 'queue' && result !== 'escalate') return;
      this.#outcomes[result]++;
      if (result === 'allow') day.allowed++;
      if (result === 'deny') day.denied++;
    });
  }

  #stepRun(row: Row, id: string): void {
    const tookMs = this.#runs.step(row, id);
    if (tookMs !== undefined && this.counts(row)) this.#noteAgreement(row, { role: row.role, tookMs, wasLast: true });
  }
}

/** Whether a row of this action says something that is counted. */
export const METRIC_ACTIONS: ReadonlySet<string> = new Set([
  'decision.created',
  'policy.gate',
  'risk.scored',
  'authority.required',
  'approval.added',
  'override.added',
  'enforcement.result',
  'decision.executed',
  'decision.expired',
  ...RUN_FIGURE_ACTIONS,
]);

function latencyOf(all: readonly number[]): Latency {
  return { count: all.length, p50_ms: atRank(all, 0.5), p95_ms: atRank(all, 0.95) };
}

/** The value at a rank (nearest rank): one that was there. */
function atRank(values: readonly number[], part: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? null;
}
