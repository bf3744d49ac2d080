/** Metrics for people, and in the text format of Prometheus. Every number is one of the answer's. */
import { printable } from '../core/printable';
import type { Latency, Metrics } from '../services/metrics';
import type { Colors } from './color';
import { sparkline } from './spendChart';
import { textLines } from './table';
import type { Cell, Table } from './table';

const NONE = '(none)';
const MAX_DRIFT = 10;

export function metricsText(metrics: Metrics, colors: Colors, width: number): string {
  const { outcomes, approval_latency: latency, runs_incomplete: open } = metrics;
  const rate = metrics.override_rate;
  const lines = [
    ...table(['decisions', 'critical', 'allow', 'deny', 'queue', 'escalate', 'executed', 'expired', 'waiting'], [[metrics.decisions, metrics.critical_decisions, outcomes.allow, outcomes.deny, outcomes.queue, outcomes.escalate, metrics.executed, metrics.expired, metrics.waiting]]), // prettier-ignore
    `exceptions ${metrics.overrides}, for each critical decision ${rate === null ? 'none to count by' : rate}`,
    `runs ${metrics.runs_started} started, ${open.count} not ended${open.count === 0 ? '' : `: ${open.newest.map(printable).join(', ')}${open.count > open.newest.length ? ', …' : ''}`}`, // prettier-ignore
    ...section('approval latency', ['role', 'approvals', 'p50', 'p95'], [['until enough agreed', ...latencyCells(latency)], ...latency.by_role.map(({ role, ...one }) => [role, ...latencyCells(one)])]), // prettier-ignore
    ...section('gates', ['gate', 'asked', 'failed', 'exceptions'], metrics.gates.map((gate) => [gate.gate_id, gate.asked, gate.failed, gate.excepted])), // prettier-ignore
    ...section('risk', ['domain', 'low', 'medium', 'high', 'critical', 'p50 score'], metrics.risk.map((risk) => [risk.domain ?? NONE, risk.low, risk.medium, risk.high, risk.critical, risk.p50_score ?? ''])), // prettier-ignore
    ...section('drift', ['when', 'what', 'action', 'from', 'to', 'row'], metrics.drift.slice(-MAX_DRIFT).map(({ at, kind, action, from, to, seq }) => [at, kind, action, from, to, seq])), // prettier-ignore
    ...dayLines(metrics),
  ];
  return `${lines.join('\n')}\n`;

  function table(titles: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
    return textLines(tableOf(titles, rows), width, (text, row) => (row === undefined ? colors.dim(text) : text));
  }

  function section(name: string, titles: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
    return rows.length === 0 ? [] : ['', name, ...table(titles, rows)];
  }

  function dayLines({ days }: Metrics): string[] {
    if (days.length < 2) return [];
    const of = (name: string, values: readonly number[]): Cell[] => [name, sparkline(values.map((value) => (value === 0 ? undefined : value)), Math.max(...values)), values.reduce((sum, one) => sum + one, 0)]; // prettier-ignore
    const rows = [
      of('runs', days.map((day) => day.runs)),
      of('decisions', days.map((day) => day.decisions)),
      of('gates failed', days.map((day) => day.gates_failed)),
      of('exceptions', days.map((day) => day.overrides)),
      of('executed', days.map((day) => day.executed)),
    ].filter(([, , sum]) => sum !== 0); // prettier-ignore
    return section('by day', ['', `${days[0]?.day ?? ''} … ${days.at(-1)?.day ?? ''}`, 'sum'], rows);
  }
}

/** A column of numbers stands right. */
function tableOf(titles: readonly string[], rows: readonly (readonly Cell[])[]): Table {
  const isNumeric = (i: number): boolean => rows.every((row) => typeof row[i] === 'number' || row[i] === '');
  return { columns: titles.map((title, i) => ({ title, align: isNumeric(i) ? 'right' : 'left' })), rows };
}

function latencyCells({ count, p50_ms: p50, p95_ms: p95 }: Latency): Cell[] {
  return [count, durationText(p50), durationText(p95)];
}

const UNITS: readonly (readonly [number, string])[] = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'm'], [1_000, 's']]; // prettier-ignore

/** `4m20s`: the two largest units. */
export function durationText(ms: number | null): string {
  if (ms === null) return '';
  if (ms < 1_000) return `${ms}ms`;
  const at = UNITS.findIndex(([size]) => ms >= size);
  const [[size, unit] = [1_000, 's'], next] = [UNITS[at], UNITS[at + 1]];
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[0]);
  return `${Math.floor(ms / size)}${unit}${next === undefined || rest === 0 ? '' : `${rest}${next[1]}`}`;
}

/** The text format of Prometheus, for a textfile collector. */
export function prometheusText(metrics: Metrics): string {
  const lines: string[] = [];
  const family = (name: string, help: string, samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number | null])[]): void => {
    const there = samples.filter(([, value]) => value !== null);
    if (there.length === 0) return;
    lines.push(`# HELP ledger_${name} ${help}`, `# TYPE ledger_${name} gauge`);
    for (const [labels, value] of there) lines.push(`ledger_${name}${labelsText(labels)} ${value}`);
  }; // prettier-ignore
  const latency = metrics.approval_latency;
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  family('decisions', 'Decisions that were created.', [[{}, metrics.decisions]]);
  family('decisions_critical', 'Decisions that were scored critical.', [[{}, metrics.critical_decisions]]);
  family('decisions_waiting', 'Decisions in which not enough people have agreed.', [[{}, metrics.waiting]]);
  family('enforcement_results', 'Enforcement results.', Object.entries(metrics.outcomes).map(([result, count]) => [{ result }, count])); // prettier-ignore
  family('decisions_executed', 'Decisions that were executed.', [[{}, metrics.executed]]);
  family('decisions_expired', 'Decisions that expired.', [[{}, metrics.expired]]);
  family('overrides', 'Exceptions that were made.', [[{}, metrics.overrides]]);
  family('override_rate', 'Exceptions for each critical decision.', [[{}, metrics.override_rate]]);
  family('approval_latency_seconds', 'From when authority was asked for until enough had agreed, and by role until each agreed.', [
    [{ role: '', quantile: '0.5' }, seconds(latency.p50_ms)],
    [{ role: '', quantile: '0.95' }, seconds(latency.p95_ms)],
    ...latency.by_role.flatMap(({ role, p50_ms: p50, p95_ms: p95 }) => [[{ role, quantile: '0.5' }, seconds(p50)], [{ role, quantile: '0.95' }, seconds(p95)]] as const),
  ]); // prettier-ignore
  family(
    'gates_asked',
    'How often a gate was asked.',
    metrics.gates.map((gate) => [{ gate: gate.gate_id }, gate.asked]),
  );
  family(
    'gates_failed',
    'How often a gate failed.',
    metrics.gates.map((gate) => [{ gate: gate.gate_id }, gate.failed]),
  );
  family('risk_scores', 'Risk scores by domain and band.', metrics.risk.flatMap(({ domain, low, medium, high, critical }) => Object.entries({ low, medium, high, critical }).map(([band, count]) => [{ domain: domain ?? '', band }, count] as const))); // prettier-ignore
  family('runs_started', 'Runs that began.', [[{}, metrics.runs_started]]);
  family('runs_incomplete', 'Of these, runs that have not ended.', [[{}, metrics.runs_incomplete.count]]);
  family('drift_changes', 'Policy versions and approval patterns that changed.', (['policy-version', 'approval-pattern'] as const).map((kind) => [{ kind }, metrics.drift.filter((one) => one.kind === kind).length])); // prettier-ignore
  return `${lines.join('\n')}\n`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

const escaped = (value: string): string => printable(value).replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
