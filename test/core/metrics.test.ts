/** Figures of decisions and runs: each counts by when it happened, in the window alone, and sample rows never. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openZone } from '../../src/core/day';
import { MetricsTally } from '../../src/core/governance/metrics';
import type { Metrics } from '../../src/core/governance/metricsReport';
import type { Row } from '../../src/core/members';

const UTC = { zone: openZone('UTC'), dayStartMs: 0 };

type Given = readonly [at: string, action: string, stream: string, payload?: object, members?: object];

function metricsOf(given: readonly Given[], since?: string, until?: string): Metrics {
  const window = { sinceMs: since === undefined ? -Infinity : Date.parse(since), untilMs: until === undefined ? Infinity : Date.parse(until) }; // prettier-ignore
  const tally = new MetricsTally(window, UTC);
  given.forEach(([at, action, stream, payload, members], i) => {
    const name = action.startsWith('run_') ? 'run_id' : 'decision_id';
    tally.step({ seq: i + 1, ts: `2026-06-${at}Z`, action, [name]: stream, payload, ...members } as unknown as Row);
  });
  return tally.result();
}

const created = (at: string, id: string, version = '7', action = 'deploy'): Given => [at, 'decision.created', id, { action, context: {}, policy_version: version }]; // prettier-ignore
const required = (at: string, id: string, signatures: number, ...roles: string[]): Given => [at, 'authority.required', id, { required_roles: roles, min_signatures: signatures }]; // prettier-ignore
const agreed = (at: string, id: string, actor: string, role?: string, intent = 'approve'): Given => [at, 'approval.added', id, { actor, intent, method: 'm', signature_ref: 's', ...(role && { role }) }]; // prettier-ignore
const scored = (at: string, id: string, band: string, score: number, domain?: string): Given => [at, 'risk.scored', id, { band, score, reasons: [], ...(domain && { domain }) }]; // prettier-ignore

test('approval latency ends with the approval that makes it enough, in every role', () => {
  const { approval_latency: latency, waiting } = metricsOf([
    created('01T10:00:00', 'a'),
    required('01T10:00:00', 'a', 2, 'sre'),
    agreed('01T10:01:00', 'a', 'ann'),
    agreed('01T10:02:00', 'a', 'bo'),
    agreed('01T10:05:00', 'a', 'cy', 'sre'),
    agreed('01T11:00:00', 'a', 'dee', 'sre'),
    required('01T10:00:00', 'b', 1),
    agreed('01T10:00:10', 'b', 'ann', 'lead'),
    required('01T10:00:00', 'c', 2),
    agreed('01T10:00:30', 'c', 'ann'),
    agreed('01T10:00:40', 'c', 'ann', undefined, 'revoke'),
    agreed('01T10:00:50', 'c', 'bo'),
  ]);
  assert.deepEqual(latency, {
    count: 2,
    p50_ms: 10_000,
    p95_ms: 300_000,
    by_role: [
      { role: 'lead', count: 1, p50_ms: 10_000, p95_ms: 10_000 },
      { role: 'sre', count: 2, p50_ms: 300_000, p95_ms: 3_600_000 },
    ],
  });
  assert.equal(waiting, 1);
});

test('exceptions for each critical decision; gates; risk by domain', () => {
  const figures = metricsOf([
    scored('01T10:00:00', 'a', 'critical', 0.9, 'pay'),
    scored('01T10:00:01', 'a', 'critical', 0.8, 'pay'),
    scored('01T10:00:02', 'b', 'low', 0.1),
    ['01T10:00:03', 'override.added', 'a', { actor: 'x' }],
    ['01T10:00:04', 'override.added', 'b', { actor: 'x' }],
    ['01T10:00:05', 'override.added', 'b', { actor: 'x' }],
    ['01T10:00:06', 'policy.gate', 'a', { gate_id: 'g', result: 'pass' }],
    ['01T10:00:07', 'policy.gate', 'a', { gate_id: 'h', result: 'fail' }],
    ['01T10:00:08', 'policy.gate', 'b', { gate_id: 'h', result: 'exception' }],
    ['01T10:00:09', 'override.added', 'b', { actor: 'x' }, { provenance: 'sample' }],
  ]);
  assert.deepEqual([figures.critical_decisions, figures.overrides, figures.override_rate], [1, 3, 3]);
  assert.deepEqual(figures.gates, [
    { gate_id: 'h', asked: 2, failed: 1, excepted: 1 },
    { gate_id: 'g', asked: 1, failed: 0, excepted: 0 },
  ]);
  assert.deepEqual(figures.risk, [
    { domain: null, low: 1, medium: 0, high: 0, critical: 0, p50_score: 0.1 },
    { domain: 'pay', low: 0, medium: 0, high: 0, critical: 2, p50_score: 0.8 },
  ]);
  assert.equal(metricsOf([['01T10:00:00', 'override.added', 'a', {}]]).override_rate, null);
});

test('a policy version, and a pattern of approvals, that is not as it was for that action', () => {
  const { drift } = metricsOf([
    created('01T10:00:00', 'a', '7'),
    required('01T10:00:01', 'a', 2, 'sre', 'security'),
    created('02T10:00:00', 'b', '7'),
    required('02T10:00:01', 'b', 2, 'security', 'sre'),
    created('03T10:00:00', 'c', '8'),
    required('03T10:00:01', 'c', 1, 'sre'),
    created('03T11:00:00', 'd', '1', 'transfer_funds'),
  ]);
  assert.deepEqual(drift, [
    { kind: 'policy-version', action: 'deploy', from: '7', to: '8', seq: 5, at: '2026-06-03T10:00:00Z' },
    { kind: 'approval-pattern', action: 'deploy', from: '2 of security, sre', to: '1 of sre', seq: 6, at: '2026-06-03T10:00:01Z' }, // prettier-ignore
  ]);
});

test('the window takes events by their own time; what was asked before it may be answered in it', () => {
  const rows: Given[] = [
    created('01T10:00:00', 'a'),
    required('01T10:00:00', 'a', 1),
    agreed('02T10:00:00', 'a', 'ann'),
    ['02T10:00:01', 'enforcement.result', 'a', { result: 'allow' }],
    ['02T10:00:02', 'decision.executed', 'a', { outcome: 'success' }],
    ['03T00:00:00', 'run_started', 'r1'],
    ['03T00:00:00', 'run_started', 'r2'],
    ['04T00:00:00', 'run_completed', 'r1'],
  ];
  const second = metricsOf(rows, '2026-06-02T00:00:00Z', '2026-06-03T00:00:00Z');
  assert.deepEqual([second.decisions, second.outcomes.allow, second.executed, second.runs_started], [0, 1, 1, 0]);
  assert.equal(second.approval_latency.p50_ms, 86_400_000);
  assert.deepEqual(second.days.map(({ day, executed, latency_p50_ms: p50 }) => [day, executed, p50]), [['2026-06-02', 1, 86_400_000]]); // prettier-ignore
  const third = metricsOf(rows, '2026-06-03T00:00:00Z');
  assert.deepEqual([third.runs_started, third.runs_incomplete], [2, { count: 1, newest: ['r2'] }]);
  const all = metricsOf(rows);
  assert.deepEqual(all.days.map(({ day }) => day), ['2026-06-01', '2026-06-02', '2026-06-03']); // prettier-ignore
});

test('runs of every catalogue: each began once, and has an end or none; who was asked in one took so long', () => {
  const run = (at: string, action: string, id: string, payload: object, members: object = {}): Given =>
    [at, action, id, payload, { run_id: id, decision_id: undefined, ...members }]; // prettier-ignore
  const figures = metricsOf([
    run('01T10:00:00', 'run.invocation', 'close', { workflow: 'ic' }),
    run('01T10:01:00', 'draft.production', 'close', { draft_id: 'd1', version: 1 }),
    run('01T10:02:00', 'draft.production', 'close', { draft_id: 'd1', version: 2 }),
    run('01T10:11:00', 'approval', 'close', { draft_id: 'd1', version: 2 }, { role: 'lead' }),
    run('01T10:12:00', 'surface.delivery', 'close', { outcome: 'failed' }),
    run('01T10:13:00', 'surface.delivery', 'close', { outcome: 'delivered' }),
    run('01T10:00:00', 'proof.run', 'order', { state: 'started' }),
    run('01T10:20:00', 'proof.run_event', 'order', { state: 'completed' }),
    // Begun by a program: what it delivered is not its end.
    run('01T10:00:00', 'run_started', 'agent', {}),
    run('01T10:00:01', 'run.invocation', 'agent', { workflow: 'ic' }),
    run('01T10:00:02', 'approval_requested', 'agent', {}, { call_id: 'c1' }),
    run('01T10:00:03', 'approval_requested', 'agent', {}, { call_id: 'c2' }),
    run('01T10:00:04', 'approval_requested', 'agent', {}, { call_id: 'c3' }),
    run('01T10:00:12', 'approval_resolved', 'agent', {}, { call_id: 'c1', outcome: 'approved' }),
    run('01T10:00:13', 'approval_resolved', 'agent', {}, { call_id: 'c2', outcome: 'denied' }),
    run('01T10:01:00', 'surface.delivery', 'agent', { outcome: 'delivered' }),
    run('01T10:00:00', 'run.invocation', 'walked-away', { workflow: 'ic' }),
    run('01T10:00:30', 'draft.production', 'walked-away', { draft_id: 'd1', version: 1 }),
    run('01T10:00:40', 'reviewer.action', 'walked-away', { type: 'reject', target: 'd1 v1' }),
  ]);
  const { runs_started: started, runs_incomplete: incomplete, approval_latency: latency, waiting } = figures;
  assert.deepEqual([started, incomplete], [4, { count: 2, newest: ['walked-away', 'agent'] }]);
  assert.deepEqual(latency, {
    count: 2,
    p50_ms: 10_000,
    p95_ms: 600_000,
    by_role: [{ role: 'lead', count: 1, p50_ms: 600_000, p95_ms: 600_000 }],
  });
  assert.equal(waiting, 1);
});
