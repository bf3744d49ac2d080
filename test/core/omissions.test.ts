/** What a trail leaves out is found by name and by shape, and what it is made of is let through. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toJson } from '../../src/core/json';
import type { JsonObject } from '../../src/core/json';
import { omittedIn, withHashes } from '../../src/core/omissions';
import { sha256Hex } from '../../src/core/digest';

const rowOf = (payload: object, more: object = {}): JsonObject =>
  toJson({ action: 'tool.call', ...more, payload }) as JsonObject;
const found = (payload: object, more: object = {}): string[] => omittedIn(rowOf(payload, more)).map(({ omission, path, by }) => `${path} ${omission} ${by}`); // prettier-ignore

test('the rows of a real trail hold nothing that is left out', () => {
  const clean = [
    { workflow: 'ic-clearing-recon', workflow_version: 'v3.2', scope: { entity: 'DE-001', period: '2026-04', counterparties: ['US-001', 'UK-002', 'SG-001'] }, invoking_identity: 'Jordan Kim (FP&A lead, AD-provisioned)', surface: 'Slack DM #close-de-001' },
    { tool: 'ledger-read', step: 1, input_shape: 'DE-001 IC clearing', output_shape: '42 rows · 2 currencies', status: 'ok' },
    { tool: 'fx-rate-read', step: 3, input_shape: { pair: 'USD/EUR', kind: 'closing' }, output_shape: { rows: 1 }, source: 'customer fx table', status: 'ok' },
    { draft_id: 'd4f1', version: 1, output_shape: 'variance schedule · 12 line items · 1 flag', flags: ['line 7 · $14,200 unmatched · timing-difference candidate'], presented_to: 'jordan.kim@acme.example' },
    { type: 'flag-resolve', reviewer: 'Jordan Kim', target: 'line 7', comment: 'Cleared 2026-05-02 post-period accrual of 14,200.00 EUR; not adjusting.' },
    { type: 'accept-with-edits', reviewer: 'Jordan Kim', target: 'd4f1 v1', diff: 'line 11 commentary expanded (12 words → 18 words)', resulting_version: 2 },
    { draft_id: 'd4f1', version: '1.20', approver: 'x@y.example', destination: 'trial balance', model_provider: 'p', model_id: 'm-4.15' },
    { target: 'Word footnote', outcome: 'failed', reason: 'host said 503', anchor: '12.75' },
    { rows: 42, tokens: 1200, output: null, input: true },
  ]; // prettier-ignore
  for (const payload of clean) assert.deepEqual(found(payload), []);
});

test('each of the four is found by the name of a field, however it is spelled and however deep it lies', () => {
  assert.deepEqual(found({ chainOfThought: 'a' }), ['payload.chainOfThought chain-of-thought name']);
  assert.deepEqual(found({ steps: [{ reasoning_content: ['b'] }] }), [
    'payload.steps[0].reasoning_content chain-of-thought name',
  ]);
  assert.deepEqual(found({ a: { 'retrieved-documents': [] } }), ['payload.a.retrieved-documents unused context name']);
  assert.deepEqual(found({ raw_output: 'c' }), ['payload.raw_output raw business content name']);
  assert.deepEqual(found({ rows: [[1, 2]] }), ['payload.rows raw business content name']);
  assert.deepEqual(found({ temperature: 0, logprobs: -0.5 }), ['payload.temperature token-level metadata name', 'payload.logprobs token-level metadata name']); // prettier-ignore
  assert.deepEqual(found({}, { thinking: 'beside the payload' }), ['thinking chain-of-thought name']);
});

test('each of the four is found by its shape, under whatever name', () => {
  const by = (value: unknown): string[] => found({ output_shape: value });
  for (const text of ['<think>so</think>', "Let's think about it", 'going step-by-step'])
    assert.deepEqual(by(text), ['payload.output_shape chain-of-thought shape'], text);
  assert.deepEqual(by([{ text: 'a', score: 0.3 }]), ['payload.output_shape unused context shape']);
  for (const value of ['14,200.50', '€ 5', 'USD 12', '12.75', 'mail a@b.example', 'DE44500105175407324931', 'x'.repeat(401), 'a\nb\nc\nd', [{ account: 'x', amount: 12.5 }], [['a']], [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5]])
    assert.deepEqual(by(value), ['payload.output_shape raw business content shape'], JSON.stringify(value));
  for (const value of [[0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4], [-1, -2.5, -3, -1, -1, -1, -2, -3], Array.from({ length: 300 }, (_, i) => i), [{ token: 'a' }]])
    assert.deepEqual(by(value), ['payload.output_shape token-level metadata shape'], JSON.stringify(value));
}); // prettier-ignore

test('counts, moments, versions and identities are no values', () => {
  const texts = ['1,204 rows · 2 currencies', '1.204 Zeilen', '2026-04-30T23:59:59.123456+00:00', '2026-04-30T23:59:59.123456', '2026-04-30 23:59:59', '42 rows: 30 EUR rows, 12 USD rows', '99.95 % matched', '1.25 MB', '12.50 s', 'python 3.12', 'journal entry JE20260430000123', 'git@github.com:acme/app', 'USD/EUR closing', '30.04.2026']; // prettier-ignore
  for (const text of texts) assert.deepEqual(found({ output_shape: text }), [], text);
  const clean = [
    { as_of: '30.04' },
    { scope: { periods: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], mailbox: 'close@acme.example' } },
    { edited_lines: [3, 7, 11, 12, 19, 23, 40, 41] },
    { workflow: 'step-by-step-onboarding' },
    { diff: 'a\nb\nc\nd' },
    { sampling: 'random, 25 of 412' },
    { documents: { count: 3 }, rows: '42 rows' },
    { output_shape: [{ kind: 'EUR rows', count: 30 }, { kind: 'USD rows', count: 12 }] },
    { latency_ms: 12.75, match_ratio: 0.995, size_mb: 1.25, score: 71.5 },
    { prompt_version: '3.1', prompt_tokens: 1200, reasoning_effort: 'high', rows_output: false },
    { context: { service: 'pay' } },
  ]; // prettier-ignore
  for (const payload of clean) assert.deepEqual(found(payload), [], JSON.stringify(payload));
});

test('values are found where they stand alone, are whole, or in another currency', () => {
  const by = (value: unknown): string[] =>
    found({ output_shape: value }).map((one) => one.split(' ').slice(1).join(' '));
  const values = [
    { account: '4711', balance: 14200.55 },
    { account: '4711', balance: 14200 },
    { account: '4711', kurs: 14200.55 },
    { balance: '14200' },
    [{ account: '4711', amount: 14200 }, { account: '4712', amount: 33 }],
    [{ name: 'Jane Doe', city: 'Berlin', dob: '1980' }, { name: 'Jo Poe', city: 'Bonn', dob: '1981' }],
    'Saldo 14200 €', 'PLN 14200', 'CAD 33', '14 200,50 kr', '14.200,50', '14200 EUR', '14200 EUR open', '33 kr',
    'DE44 5001 0517 5407 3249 31', { omitted: 'x 14,200.50', sha256: '' },
    { omitted: 'raw business content', sha256: 'total 14,200.50' },
  ]; // prettier-ignore
  for (const value of values) assert.deepEqual(by(value), ['raw business content shape'], JSON.stringify(value));
  assert.deepEqual(found({}, { target: 'invoice of 14,200.50 EUR', data_ref: 'DE44, 12 €' }), [
    'target raw business content shape',
    'data_ref raw business content shape',
  ]);
});

test('a name is read in its parts', () => {
  const content = 'tool_output tool_input system_prompt user_prompt response_text tool_result sample_rows toolOutput';
  for (const name of content.split(' ')) assert.deepEqual(found({ [name]: 'x' }), [`payload.${name} raw business content name`]); // prettier-ignore
  for (const name of 'thought_process model_reasoning llm_thoughts chain.of.thought'.split(' '))
    assert.deepEqual(found({ [name]: 'x' }), [`payload.${name} chain-of-thought name`]);
  for (const name of ['search_results', 'retrieved', 'context'])
    assert.deepEqual(found({ [name]: ['x'] }), [`payload.${name} unused context name`]);
  assert.deepEqual(found({ token_logprobs_raw: [1] }), ['payload.token_logprobs_raw token-level metadata name']);
});

test("of a person's words the names are looked at, and no shape", () => {
  assert.deepEqual(found({ flags: [{ id: 'f1', text: '$14,200', reasoning: 'x' }], comment: { text: '€ 5', thinking: 'y' } }), [
    'payload.flags[0].reasoning chain-of-thought name',
    'payload.comment.thinking chain-of-thought name',
  ]); // prettier-ignore
});

test('a hash stands where the value stood, whatever its name is made of', () => {
  const row = rowOf({ 'a.reasoning': 4, a: { reasoning: 'cot' } });
  const payload = withHashes(row, omittedIn(row)).get('payload') as JsonObject;
  assert.equal(payload.get('a.reasoning'), 4);
  assert.ok((payload.get('a') as JsonObject).get('reasoning') instanceof Map);
});

test('rows of a decision that say who and which version stay as they are; a text that must be one stays a text', () => {
  for (const payload of [{ actor: 'ann@acme.example', role: 'sre', intent: 'approve', method: 'sso', signature_ref: 's/1.25' }, { executor: 'deploy-bot 3.12' }, { gate_id: 'g 1.25' }])
    assert.deepEqual(found(payload, { action: 'approval.added' }), []); // prettier-ignore
  assert.deepEqual(found({ amount_usd: '49.00', status: 'paid' }, { action: 'proof.order' }), []);
  assert.deepEqual(found({ context: 'a deploy' }, { action: 'decision.created' }), []);
  const row = rowOf({ target: 'invoice of € 5' }, { target: 'invoice of € 5' });
  const hashed = withHashes(row, omittedIn(row));
  const text = `raw business content omitted, sha256 ${sha256Hex('"invoice of € 5"')}`;
  assert.equal(hashed.get('target'), text);
  assert.equal((hashed.get('payload') as JsonObject).get('target'), text);
  assert.deepEqual(omittedIn(hashed), []);
});

test('a hash in the place of what is left out is the hash of that value, and is not found again', () => {
  const row = rowOf({ steps: [{ reasoning: { b: 2, a: 1 }, n: 1 }], n: 2 });
  const hashed = withHashes(row, omittedIn(row));
  assert.deepEqual(omittedIn(hashed), []);
  const expected = toJson({ action: 'tool.call', payload: { steps: [{ reasoning: { omitted: 'chain-of-thought', sha256: sha256Hex('{"a":1,"b":2}') }, n: 1 }], n: 2 } }); // prettier-ignore
  assert.deepEqual(hashed, expected);
  assert.equal(omittedIn(row).length, 1);
});

test('what looks inherited is a name like any other', () => {
  assert.deepEqual(found(JSON.parse('{"__proto__":{"thinking":"x"},"constructor":1}') as object), ['payload.__proto__.thinking chain-of-thought name']); // prettier-ignore
});
