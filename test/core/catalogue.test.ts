/** The built-in catalogues: the list of types, the schemas, the types for a compiler and the validators say the same. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { actionsIn, CATALOGUE_NAMES, catalogueOf } from '../../src/core/catalogue';
import type { LedgerAction, LedgerEvent } from '../../src/core/events';
import { faultsOf } from '../../src/core/schemaFaults';
import { builtinSchema, builtinValidators } from '../../src/store/catalogue/builtin';
import type { Validate } from '../../src/store/catalogue/compileCatalogue';
import { ensureBuilt } from '../support/built';

const ROOT = join(__dirname, '..', '..');
const run = { run_id: 'r1' };
const turn = { ...run, turn_id: 't1' };
const access = { run_id: 'access', actor: 'alice', target: 'show 41', outcome: 'allowed' } as const;
const decision = { decision_id: 'd1' };

/** One of each, with all that is asked for. */
const EVENTS: { readonly [A in LedgerAction]: LedgerEvent<A> } = {
  run_started: { action: 'run_started', ...run },
  run_completed: { action: 'run_completed', ...run },
  turn_started: { action: 'turn_started', ...turn },
  turn_completed: { action: 'turn_completed', ...turn },
  context_compiled: { action: 'context_compiled', ...run },
  model_call_started: { action: 'model_call_started', ...run },
  model_call_completed: { action: 'model_call_completed', ...run },
  tool_proposed: { action: 'tool_proposed', ...run },
  policy_decision: { action: 'policy_decision', ...run },
  approval_requested: { action: 'approval_requested', ...run },
  approval_resolved: { action: 'approval_resolved', ...run },
  tool_executed: { action: 'tool_executed', ...run },
  memory_proposed: { action: 'memory_proposed', ...run },
  memory_written: { action: 'memory_written', ...run },
  memory_retrieved: { action: 'memory_retrieved', ...run },
  checkpoint_saved: { action: 'checkpoint_saved', ...run },
  handoff: { action: 'handoff', ...run },
  policy_violation: { action: 'policy_violation', ...run },
  security_event: { action: 'security_event', ...run },
  error: { action: 'error', ...run },
  'decision.created': { action: 'decision.created', ...decision, payload: { action: 'deploy_code', context: { service: 'pay' }, policy_version: '7' } },
  'decision.evaluated': { action: 'decision.evaluated', ...decision, payload: { status: 'evaluated', evaluation_summary: 'one gate failed' } },
  'policy.gate': { action: 'policy.gate', ...decision, payload: { gate_id: 'tests', result: 'pass', reason: 'all green' } },
  'risk.scored': { action: 'risk.scored', ...decision, payload: { score: 0.8, band: 'high', reasons: ['prod'] } },
  'authority.required': { action: 'authority.required', ...decision, payload: { required_roles: ['sre'], min_signatures: 2 } },
  'approval.added': { action: 'approval.added', ...decision, payload: { actor: 'ann', intent: 'approve', method: 'sso', signature_ref: 's1' } },
  'override.added': { action: 'override.added', ...decision, payload: { actor: 'ann', reason: 'outage', scope: 'tests', expires_at: '2026-04-25T21:00:00Z' } },
  'enforcement.result': { action: 'enforcement.result', ...decision, payload: { result: 'allow', allow_if: [], unmet_conditions: [] } },
  'decision.executed': { action: 'decision.executed', ...decision, payload: { executor: 'ci', outcome: 'success', external_refs: ['run/1'] } },
  'decision.expired': { action: 'decision.expired', ...decision, payload: { ttl: '1h', reason: 'nobody agreed' } },
  'run.invocation': { action: 'run.invocation', ...run, payload: { workflow: 'w', workflow_version: '3.2', scope: 'DE-001', invoking_identity: 'jk', surface: 'cli' } },
  'tool.call': { action: 'tool.call', ...run, payload: { tool: 'read', step: 1, input_shape: '1 query', output_shape: '42 rows', duration_ms: 8, status: 'ok' } },
  'draft.production': { action: 'draft.production', ...run, payload: { draft_id: 'd4f1', version: 1, output_shape: '12 lines', flags: [], presented_to: 'jk' } },
  'reviewer.action': { action: 'reviewer.action', ...run, payload: { type: 'accept', reviewer: 'jk', target: 'd4f1 v1' } },
  approval: { action: 'approval', ...run, payload: { draft_id: 'd4f1', version: 1, approver: 'jk', destination: 'tb', model_provider: 'p', model_id: 'm' } },
  'surface.delivery': { action: 'surface.delivery', ...run, payload: { target: '#close', outcome: 'delivered' } },
  'proof.order': { action: 'proof.order', payload: { order_id: 'o1', amount_usd: '49.00', status: 'paid' } },
  'proof.revenue': { action: 'proof.revenue', payload: { amount_usd: 49, order_id: 'o1', source: 'stripe' } },
  'proof.webhook': { action: 'proof.webhook', payload: { source: 'stripe', event_id: 'evt_1', kind: 'checkout.completed' } },
  'proof.crm_activity': { action: 'proof.crm_activity', payload: { deal_id: 'x', kind: 'note', summary: 'called' } },
  'proof.run': { action: 'proof.run', ...run, payload: { state: 'started', purpose: 'leads' } },
  'proof.run_event': { action: 'proof.run_event', ...run, payload: { state: 'done' } },
  'proof.tool_call': { action: 'proof.tool_call', payload: { tool: 'gmail', verdict: 'denied' } },
  'proof.model_decision': { action: 'proof.model_decision', payload: { route: 'nim', model: 'nemotron', decision: 'send' } },
  'proof.approval': { action: 'proof.approval', payload: { subject: 'draft 1', verdict: 'approved', approver: 'ann' } },
  'proof.artifact': { action: 'proof.artifact', payload: { ref: 'out/report.pdf', sha256: 'a'.repeat(64), access: 'customer' } },
  'proof.audit_event': { action: 'proof.audit_event', payload: { what: 'paused', why: 'cap' } },
  'access.read': { action: 'access.read', ...access, reason: 'TICKET-81', payload: { command: 'show', account: 'alice' } },
  'access.export': { action: 'access.export', ...access, payload: { command: 'export', account: 'alice', format: 'csv' } },
}; // prettier-ignore

before(ensureBuilt);

const validatorOf = (action: string): Validate => {
  const validate = builtinValidators(catalogueOf(action) ?? 'plain').get(action);
  assert.ok(validate, action);
  return validate;
};

function faults(row: Readonly<Record<string, unknown>>): string[] {
  const validate = validatorOf(String(row['action']));
  return validate(row) ? [] : faultsOf(validate.errors ?? [], row).map(({ path, text }) => `${path}: ${text}`);
}

test('the list of types is that of the schemas, in their order', () => {
  assert.deepEqual(readdirSync(join(ROOT, 'schemas')).sort(), CATALOGUE_NAMES.map((name) => `${name}.json`).sort());
  for (const name of CATALOGUE_NAMES) assert.deepEqual(Object.keys(builtinSchema(name).$defs ?? {}), actionsIn(name));
  assert.deepEqual(Object.keys(EVENTS), CATALOGUE_NAMES.flatMap(actionsIn));
});

test('a row of every type is as its schema has it, and without any field that is asked for it is not', () => {
  for (const [action, event] of Object.entries(EVENTS)) {
    assert.deepEqual(faults(event), [], action);
    const { payload = {}, ...members } = event as Record<string, unknown> & { payload?: Record<string, unknown> };
    for (const name of Object.keys(members).filter((one) => one !== 'action')) {
      const { [name]: left, ...rest } = members;
      assert.deepEqual(
        faults({ ...rest, payload }),
        [`${name}: missing`],
        `${action} without ${name} (${String(left)})`,
      );
    }
    for (const name of Object.keys(payload)) {
      const { [name]: left, ...rest } = payload;
      const [fault = '', ...more] = faults({ ...members, payload: rest });
      assert.deepEqual(more, [], `${action} without ${name} (${JSON.stringify(left)})`);
      assert.ok(
        fault === `payload.${name}: missing` || fault.startsWith(`${name}: missing, in the payload or`),
        `${action}: ${fault}`,
      );
      if (name === 'action') continue;
      const beside = faults({ ...members, [name]: left, payload: rest });
      assert.deepEqual(
        beside,
        fault.startsWith('payload.') ? [fault] : [],
        `${action} with ${name} beside the payload`,
      );
    }
  }
});

test('all that is wrong is told at once, by its path', () => {
  const row = { action: 'risk.scored', payload: { score: '0.8', band: 'huge', reasons: ['a', 1], domain: '' } };
  assert.deepEqual(faults(row), [
    'decision_id: missing',
    'payload.score: expected number, found "0.8"',
    'payload.band: expected one of "low", "medium", "high", "critical", found "huge"',
    'payload.reasons[1]: expected string, found 1',
    'payload.domain: expected a text of at least 1 characters, found ""',
  ]);
  assert.deepEqual(faults({ action: 'surface.delivery', ...run, outcome: 'lost', target: 'x' }), [
    'outcome: expected one of "delivered", "queued", "failed", found "lost"',
  ]);
  assert.deepEqual(faults({ action: 'proof.artifact', payload: { ref: 'r', sha256: 'x', access: 'y' } }), [
    'payload.sha256: expected a text that matches ^[0-9a-fA-F]{64}$, found "x"',
  ]);
});

test('the validators that are built say what those made now say', () => {
  const load = createRequire(__filename);
  for (const [action, event] of Object.entries(EVENTS)) {
    const built = load(join(ROOT, 'dist', 'validators', `${catalogueOf(action) ?? ''}.cjs`)) as Record<
      string,
      Validate
    >;
    const now = validatorOf(action);
    const ready = built[action];
    assert.ok(ready, action);
    for (const row of [
      event,
      { action },
      { action, payload: {} },
      { ...event, payload: { ...event.payload, reason: 1, actor: [] } },
    ]) {
      assert.equal(ready(row), now(row), `${action} ${JSON.stringify(row)}`);
      assert.deepEqual(ready.errors?.map(({ instancePath, keyword }) => [instancePath, keyword]), now.errors?.map(({ instancePath, keyword }) => [instancePath, keyword])); // prettier-ignore
    }
  }
});

test('the schemas are documents that stand alone: no reference leaves the file', () => {
  for (const name of CATALOGUE_NAMES) {
    const text = readFileSync(join(ROOT, 'schemas', `${name}.json`), 'utf8');
    for (const [, reference = ''] of text.matchAll(/"\$ref": "([^"]*)"/g)) assert.match(reference, /^#\/\$defs\//);
    assert.match(text, /"https:\/\/json-schema\.org\/draft\/2020-12\/schema"/);
  }
});
