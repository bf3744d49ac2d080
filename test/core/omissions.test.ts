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
  for (const value of [[0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4], [-1, -2.5, -3, -1, -1, -1, -2, -3], [1, 2, 3, 4, 5, 6, 7, 8], [{ token: 'a' }]])
    assert.deepEqual(by(value), ['payload.output_shape token-level metadata shape'], JSON.stringify(value));
}); // prettier-ignore

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
