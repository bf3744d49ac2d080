/** Decisions and runs as they must go, and each way in which they may not: the code, the rows, one sentence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Governance } from '../../src/core/governance/governance';
import { GOVERNANCE_CODES } from '../../src/core/governance/finding';
import type { GovernanceFinding } from '../../src/core/governance/finding';
import { ulidAt } from '../../src/core/ids';
import type { Row } from '../../src/core/members';

type Given = readonly [
  action: string,
  payload?: Readonly<Record<string, unknown>> | undefined,
  members?: Readonly<Record<string, unknown>>,
];

const START_MS = Date.parse('2026-04-25T10:00:00Z');

/** Rows of one stream, a minute apart; the seq is the place in the list, from 1. */
function found(stream: 'decision_id' | 'run_id', given: readonly Given[]): readonly GovernanceFinding[] {
  const all = new Governance();
  given.forEach(([action, payload, members], i) => {
    const ts = new Date(START_MS + i * 60_000).toISOString();
    all.step({ seq: i + 1, ts, action, [stream]: 's', ...(payload && { payload }), ...members } as unknown as Row);
  });
  return all.end().findings;
}

const told = (findings: readonly GovernanceFinding[]): string[] => findings.map(({ code, rows, text }) => `${code} ${rows.join()} ${text}`); // prettier-ignore

const created: Given = ['decision.created', { action: 'deploy_code', context: {}, policy_version: '7' }];
const passed: Given = ['policy.gate', { gate_id: 'tests', result: 'pass', reason: 'green' }];
const failed: Given = ['policy.gate', { gate_id: 'freeze', result: 'fail', reason: 'night' }];
const required: Given = ['authority.required', { required_roles: ['sre', 'security'], min_signatures: 2 }];
const by = (actor: string, role?: string, intent = 'approve'): Given => ['approval.added', { actor, intent, method: 'sso', signature_ref: 's', ...(role && { role }) }]; // prettier-ignore
const except = (scope: unknown, minutes = 60): Given => ['override.added', { actor: 'cto', reason: 'outage', scope, expires_at: new Date(START_MS + minutes * 60_000).toISOString() }]; // prettier-ignore
const enforced = (result: string): Given => ['enforcement.result', { result, allow_if: [], unmet_conditions: [] }];
const executed: Given = ['decision.executed', { executor: 'ci', outcome: 'success', external_refs: [] }];
const expired: Given = ['decision.expired', { ttl: '1h', reason: 'nobody agreed' }];

const decision = (...given: readonly Given[]): string[] => told(found('decision_id', given));

test('a decision that went as it must has no finding', () => {
  const agreed = [required, by('ann', 'sre'), by('bo', 'security')];
  assert.deepEqual(decision(created, passed, enforced('allow'), executed), []);
  assert.deepEqual(decision(created, passed, ...agreed, enforced('queue'), enforced('allow'), executed), []);
  assert.deepEqual(decision(created, failed, ...agreed, except('freeze'), enforced('allow'), executed), []);
  assert.deepEqual(decision(created, failed, passed, ...agreed, ['policy.gate', { gate_id: 'freeze', result: 'pass', reason: 'over' }], enforced('allow'), executed), []); // prettier-ignore
  assert.deepEqual(decision(created, required, except(['signatures', 'x']), enforced('allow'), executed), []);
  assert.deepEqual(
    decision(created, failed, required, except({ what: 'deploy_code' }), enforced('allow'), executed),
    [],
  );
  assert.deepEqual(decision(created, required, by('ann', 'sre'), enforced('deny'), expired), []);
});

test('executed without an allow that stands', () => {
  assert.deepEqual(decision(created, executed), ['EXECUTED_WITHOUT_ALLOW 2 it was executed though nothing allowed it']);
  assert.deepEqual(decision(created, enforced('allow'), enforced('deny'), executed), ['EXECUTED_WITHOUT_ALLOW 4,3 it was executed though the last enforcement said deny']); // prettier-ignore
  assert.deepEqual(decision(created, enforced('allow'), expired, executed), ['EXECUTED_WITHOUT_ALLOW 4,3 it was executed after it had expired']); // prettier-ignore
});

test('too few different people, a role in which nobody agreed, and who took an approval back', () => {
  const few = 'it was allowed though 1 person agreed, of 2 that must';
  assert.deepEqual(decision(created, required, by('ann', 'sre'), by('ann', 'security'), enforced('allow')), [`TOO_FEW_APPROVERS 5,2,3 ${few}`]); // prettier-ignore
  assert.deepEqual(decision(created, required, by('ann', 'sre'), by('bo', 'sre'), enforced('allow')), ['ROLE_MISSING 5,2,3,4 it was allowed though nobody agreed as security']); // prettier-ignore
  assert.deepEqual(decision(created, required, by('ann', 'sre'), by('bo', 'security'), by('bo', 'security', 'revoke'), enforced('allow')), [`TOO_FEW_APPROVERS 6,2,3 ${few}`, 'ROLE_MISSING 6,2,3 it was allowed though nobody agreed as security']); // prettier-ignore
  assert.deepEqual(decision(created, required, by('ann', 'sre', 'reject'), by('bo', 'security', 'deny'), enforced('allow')).length, 3); // prettier-ignore
  // An agreement that comes after it was allowed is none for that.
  assert.deepEqual(decision(created, required, by('ann', 'sre'), enforced('allow'), by('bo', 'security')).length, 2);
});

test('a gate that failed, and exceptions of another scope or that had ended', () => {
  assert.deepEqual(decision(created, failed, enforced('allow')), [
    'GATE_FAILED 3,2 it was allowed though freeze failed',
  ]);
  assert.deepEqual(decision(created, failed, except('tests'), enforced('allow')), ['GATE_FAILED 4,2 it was allowed though freeze failed']); // prettier-ignore
  const ended = 'freeze failed, and the exception for it had ended';
  assert.deepEqual(decision(created, failed, except('freeze', 1), enforced('allow'), executed), [`OVERRIDE_EXPIRED 4,3 ${ended} (2026-04-25T10:01:00.000Z) when it was allowed`]); // prettier-ignore
  assert.deepEqual(decision(created, failed, except('freeze', 3.5), enforced('allow'), executed), [`OVERRIDE_EXPIRED 5,3 ${ended} (2026-04-25T10:03:30.000Z) when it was executed`]); // prettier-ignore
});

test('an approval after expiry, a row after the end, a decision that nobody created or two created', () => {
  assert.deepEqual(decision(created, required, expired, by('ann', 'sre')), ['APPROVAL_AFTER_EXPIRY 4,3 ann answered after it had expired']); // prettier-ignore
  assert.deepEqual(decision(created, enforced('allow'), executed, by('ann')), ['ROW_AFTER_CLOSE 4,3 approval.added came after it was executed']); // prettier-ignore
  // A run that executed it may have more to say.
  assert.deepEqual(decision(created, enforced('allow'), executed, ['run_completed']), []);
  assert.deepEqual(decision(passed, created), ['NOT_CREATED 1 policy.gate came before decision.created']);
  assert.deepEqual(decision(created, created), ['NOT_CREATED 2 it was created a second time']);
});

test('a row that waited in a spill file counts by when it was set down', () => {
  const spilled = (at: string): Readonly<Record<string, unknown>> => ({ spill_id: ulidAt(Date.parse(at), new Uint8Array(16)), occurred_at: '2026-04-25T10:00:00Z' }); // prettier-ignore
  const [action, payload] = enforced('allow');
  assert.deepEqual(
    decision(created, failed, except('freeze', 1), [action, payload, spilled('2026-04-25T10:00:30Z')]),
    [],
  );
  // What the caller says of the time is no proof.
  assert.deepEqual(decision(created, failed, except('freeze', 1), [action, payload, spilled('2026-04-25T10:02:30Z')]).length, 1); // prettier-ignore
});

const run = (...given: readonly Given[]): string[] => told(found('run_id', given));
const start: Given = ['run_started'];
const end: Given = ['run_completed'];

test('a run: what begins ends, and nothing comes after the end', () => {
  const turn = (action: string, id: string): Given => [action, undefined, { turn_id: id }];
  assert.deepEqual(run(start, turn('turn_started', 't1'), ['tool_executed'], turn('turn_completed', 't1'), end), []);
  assert.deepEqual(run(['pulse.probe'], ['pulse.probe']), []);
  assert.deepEqual(run(start), ['START_WITHOUT_END 1 the run began, and no row says that it ended']);
  assert.deepEqual(run(end), ['END_WITHOUT_START 1 run_completed came without run_started']);
  assert.deepEqual(run(start, turn('turn_started', 't1'), turn('turn_completed', 't2'), end), ['START_WITHOUT_END 2 turn_started came, and no row says that it ended', 'END_WITHOUT_START 3 turn_completed came without turn_started']); // prettier-ignore
  assert.deepEqual(run(start, end, ['error']), ['ROW_AFTER_CLOSE 3,2 error came after the run had ended']);
  assert.deepEqual(run(start, ['approval_requested', { approval_id: 'a' }], ['approval_resolved', { approval_id: 'a' }], end), []); // prettier-ignore
});

const draft = (version: number): Given => ['draft.production', { draft_id: 'd4f1', version, output_shape: 'x', flags: [], presented_to: 'jk' }]; // prettier-ignore
const edited = (version: number): Given => ['reviewer.action', { type: 'accept-with-edits', reviewer: 'jk', target: 'd4f1', resulting_version: version }]; // prettier-ignore
const approved = (version: number): Given => ['approval', { draft_id: 'd4f1', version, approver: 'jk', destination: 'tb', model_provider: 'p', model_id: 'm' }]; // prettier-ignore
const delivered = (outcome = 'delivered', more: object = {}): Given => ['surface.delivery', { target: '#close', outcome, ...more }]; // prettier-ignore

test('what was delivered is what was approved', () => {
  assert.deepEqual(run(draft(1), edited(2), approved(2), delivered()), []);
  assert.deepEqual(run(draft(1), approved(1), delivered('failed'), draft(2)), []);
  assert.deepEqual(run(draft(1), approved(1), draft(2), delivered('delivered', { version: 1 })), []);
  assert.deepEqual(run(draft(1), approved(1), draft(2), delivered()), ['DELIVERED_OTHER_VERSION 4,3,2 it was delivered when d4f1 v2 was the last version and v1 was approved: no row says which one it was']); // prettier-ignore
  assert.deepEqual(run(draft(1), delivered('queued')), ['DELIVERED_WITHOUT_APPROVAL 2 it was queued for delivery, and no row says that somebody approved it']); // prettier-ignore
  assert.deepEqual(run(draft(1), approved(3), delivered()), ['APPROVED_UNKNOWN_VERSION 2 d4f1 v3 was approved, and no row says that there is one', 'DELIVERED_OTHER_VERSION 3,1,2 it was delivered when d4f1 v1 was the last version and v3 was approved: no row says which one it was']); // prettier-ignore
});

test('each code is reached by one of these', () => {
  const all = [
    found('decision_id', [
      passed,
      created,
      required,
      failed,
      except('freeze', 1),
      enforced('allow'),
      executed,
      by('ann'),
    ]),
    found('decision_id', [created, executed]),
    found('decision_id', [created, ['enforcement.result', { result: 'allow', unmet_conditions: ['x'] }]]),
    found('decision_id', [created, expired, by('ann')]),
    found('decision_id', [created, failed, enforced('allow')]),
    found('run_id', [end, start, draft(1), delivered(), approved(2), delivered()]),
  ].flat();
  assert.deepEqual([...new Set(all.map(({ code }) => code))].sort(), [...GOVERNANCE_CODES].sort());
});

test('streams do not mix, and the ledger’s own rows are in none', () => {
  const all = new Governance();
  const row = (seq: number, more: object): Row => ({ seq, ts: '2026-04-25T10:00:00.000Z', ...more }) as unknown as Row;
  all.step(row(1, { action: 'decision.created', decision_id: 'a' }));
  all.step(row(2, { action: 'enforcement.result', decision_id: 'b', run_id: 'r', payload: { result: 'allow' } }));
  all.step(row(3, { action: 'decision.executed', decision_id: 'a', run_id: 'r' }));
  all.step(row(4, { action: 'audit.checkpoint', decision_id: 'a' }));
  const { decisions, runs, findings } = all.end();
  assert.deepEqual([decisions, runs], [2, 1]);
  assert.deepEqual(findings.map(({ code, stream }) => `${code} ${stream.id}`), ['NOT_CREATED b', 'EXECUTED_WITHOUT_ALLOW a']); // prettier-ignore
});

test('rows that are gone from a stream are counted', () => {
  const all = new Governance();
  const row = (seq: number, place: number): Row => ({ seq, ts: '2026-04-25T10:00:00.000Z', action: 'x.y', run_id: 'r', run_seq: place }) as unknown as Row; // prettier-ignore
  for (const [i, place] of [2, 3, 6].entries()) all.step(row(i + 1, place));
  assert.equal(all.end().gone_rows, 3);
});

test('only words that say yes count, and whoever is named twice is one', () => {
  const one: Given = ['authority.required', { required_roles: [], min_signatures: 1 }];
  const two: Given = ['authority.required', { required_roles: [], min_signatures: 2 }];
  for (const yes of ['approve', 'Approved', 'yes', 'sign', 'LGTM', 'authorise'])
    assert.deepEqual(decision(created, one, by('ann', undefined, yes), enforced('allow')), [], yes);
  for (const no of [
    'not approved',
    'disapprove',
    'veto',
    'no, too risky',
    'changes requested',
    'comment',
    'block',
    '-1',
  ])
    assert.equal(decision(created, one, by('ann', undefined, no), enforced('allow')).length, 1, no);
  assert.equal(decision(created, two, by('Ann'), by('ann '), enforced('allow')).length, 1);
  assert.deepEqual(decision(created, one, by('ann'), enforced('allow'), by('ann', undefined, 'revoked'), executed), ['TOO_FEW_APPROVERS 6,2 it was executed though 0 people agreed, of 1 that must']); // prettier-ignore
});

test('what is not live counts for nothing, and an exception that nobody made neither', () => {
  const one: Given = ['authority.required', { required_roles: [], min_signatures: 1 }];
  const labelled = ([action, payload]: Given, provenance: string): Given => [action, payload, { provenance }];
  const allowed = [enforced('allow'), executed];
  for (const kind of ['sample', 'fallback']) {
    assert.equal(decision(created, one, labelled(by('ann'), kind), ...allowed).length, 1, kind);
    assert.equal(decision(created, failed, labelled(except('freeze'), kind), ...allowed).length, 1, kind);
    assert.equal(decision(created, labelled(enforced('allow'), kind), executed).length, 1, kind);
  }
  assert.deepEqual(decision(created, one, labelled(by('ann'), 'imported'), ...allowed), []);
  const [action, payload] = except('freeze');
  assert.equal(decision(created, failed, [action, { ...payload, actor: ' ' }], ...allowed).length, 1);
});

test('one person under two spellings is one', () => {
  for (const again of ['ANN ODE', 'Ann  Ode ', 'Ann Ode (security)', 'Ann\u00a0Ode', 'A\u200bnn Ode', 'Ａnn Ode'])
    assert.equal(decision(created, required, by('Ann Ode', 'sre'), by(again, 'security'), enforced('allow')).length, 1, again); // prettier-ignore
});

test('once somebody has answered, asking for less takes an exception', () => {
  const less: Given = ['authority.required', { required_roles: ['sre'], min_signatures: 1 }];
  assert.equal(decision(created, required, by('ann', 'sre'), less, enforced('allow')).length, 2);
  assert.deepEqual(decision(created, required, by('ann', 'sre'), less, except('approvals'), enforced('allow')), []);
  assert.deepEqual(decision(created, required, less, by('ann', 'sre'), enforced('allow')), []);
});

test('that nobody created it is told once, and what comes then is held against the rest', () => {
  assert.deepEqual(decision(failed, created, enforced('allow'), executed), ['NOT_CREATED 1 policy.gate came before decision.created', 'GATE_FAILED 3,1 it was allowed though freeze failed']); // prettier-ignore
  assert.deepEqual(decision(passed, created, created), ['NOT_CREATED 1 policy.gate came before decision.created', 'NOT_CREATED 3 it was created a second time']); // prettier-ignore
  assert.deepEqual(decision(created, enforced('allow'), executed, executed), ['ROW_AFTER_CLOSE 4,3 it was executed a second time']); // prettier-ignore
});

test('work on an order has no drafts: the last word of a person on it counts', () => {
  const said = (verdict: string): Given => ['proof.approval', { subject: 'report', verdict, approver: 'eve' }];
  assert.deepEqual(run(said('approved'), delivered()), []);
  assert.deepEqual(run(said('denied'), said('edited'), delivered()), []);
  for (const no of [[said('denied')], [said('approved'), said('denied')], []]) assert.equal(run(...no, delivered()).length, 1); // prettier-ignore
  assert.equal(run(draft(1), said('approved'), delivered()).length, 1);
});

test('an exception covers what its scope names, and no more', () => {
  const gate = (id: string): Given => ['policy.gate', { gate_id: id, result: 'fail', reason: 'x' }];
  const codes = (scope: unknown, ...ids: string[]): number => decision(created, ...ids.map(gate), except(scope), enforced('allow')).length; // prettier-ignore
  assert.equal(codes('freeze only, for this decision', 'tests'), 1);
  assert.equal(codes('only if all tests pass again', 'g1'), 1);
  assert.equal(codes('', 'g1'), 1);
  assert.equal(codes('all', 'g1', 'g2'), 0);
  assert.equal(codes('freeze window', 'freeze window'), 0);
  assert.equal(codes('a, freeze window; b', 'freeze window'), 0);
  assert.equal(codes({ gates: ['freeze', 'tests'] }, 'freeze', 'tests'), 0);
  assert.equal(codes(['*'], 'g1'), 0);
  assert.equal(codes({ risk: 'all' }, 'g1'), 1);
});

test('a gate that asked for an exception, and what an allow itself names as not met', () => {
  const asked: Given = ['policy.gate', { gate_id: 'g', result: 'exception', reason: 'x' }];
  assert.deepEqual(decision(created, asked, enforced('allow')), ['GATE_FAILED 3,2 it was allowed though g asked for an exception']); // prettier-ignore
  assert.deepEqual(decision(created, asked, except('g'), enforced('allow')), []);
  const unmet: Given = ['enforcement.result', { result: 'allow', allow_if: [], unmet_conditions: ['two approvals'] }];
  assert.deepEqual(decision(created, unmet), ['UNMET_CONDITIONS 2 it was allowed though the same row names what is not met: two approvals']); // prettier-ignore
});

test('what was set down later than it is said to have happened is not said to have been late', () => {
  const [action, payload] = enforced('allow');
  const [finding = ''] = decision(created, failed, except('freeze', 1), [action, payload, { occurred_at: '2026-04-25T10:00:30Z' }]); // prettier-ignore
  assert.match(
    finding,
    /when it was set down that it was allowed \(.*; it is said to have been at 2026-04-25T10:00:30Z\)$/,
  );
});

test('several drafts in one run are told apart; versions are numbers, however they are spelled', () => {
  const of = (id: string, version: number | string): Given => ['draft.production', { draft_id: id, version, output_shape: 'x', flags: [], presented_to: 'jk' }]; // prettier-ignore
  const review = (target: string, type: string, version?: number): Given => ['reviewer.action', { type, reviewer: 'jk', target, ...(version && { resulting_version: version }) }]; // prettier-ignore
  const agree = (id: string, version: number | string): Given => ['approval', { draft_id: id, version, approver: 'jk', destination: 'tb', model_provider: 'p', model_id: 'm' }]; // prettier-ignore
  assert.deepEqual(run(of('d1', 1), of('d2', 1), review('d2 v1', 'reject'), review('d1 v1', 'accept'), agree('d1', 1), delivered()), []); // prettier-ignore
  assert.deepEqual(run(of('d1', 1), of('d2', 1), review('d1 v1', 'accept-with-edits', 2), agree('d1', 2), delivered()), []); // prettier-ignore
  assert.deepEqual(run(of('d1', 'v2'), agree('d1', 2), delivered()), []);
  assert.equal(run(of('d1', 1), agree('d1', 1), review('d1', 'reject'), delivered()).length, 1);
});

test('pairs belong together by any id that they share; what a run spent may be settled after it', () => {
  const both: Given = ['model_call_started', undefined, { turn_id: 't', call_id: 'c' }];
  assert.deepEqual(run(start, both, ['model_call_completed', undefined, { turn_id: 't' }], end), []);
  assert.deepEqual(run(start, end, ['spend.settled'], ['model.call', undefined, { idempotency_key: 'reservation:x' }]), []); // prettier-ignore
  assert.deepEqual(run(['run.invocation'], end), []);
});
