/** The same key twice: is it the same row? Meaning decides, not spelling or order. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Row } from '../../src/core/members';
import { sameChecked, sameContent } from '../../src/core/sameContent';
import { chainOf } from '../support/ledgers';
import { checked } from '../support/writers';

const same = (one: Record<string, unknown>, other: Record<string, unknown>): boolean => {
  const stored = JSON.parse(chainOf().add({ action: 'a.b', ...one })) as Row;
  const first = checked({ action: 'a.b', ...one });
  const second = checked({ action: 'a.b', ...other });
  const answer = sameContent(stored, second);
  assert.equal(sameChecked(first, second), answer, 'in one group as across groups');
  assert.equal(sameChecked(second, first), answer);
  return answer;
};

test('order and spelling do not count', () => {
  assert.ok(same({ x: 1, y: { a: 1, b: 2 } }, { y: { b: 2, a: 1 }, x: 1 }));
  assert.ok(same({ cost_usd: '1e-9' }, { cost_usd: '0.000000001' }));
  assert.ok(same({ ts: '2026-01-01T00:00:00Z' }, { occurred_at: '2026-01-01T01:00:00+01:00' }));
  assert.ok(same({ payload: { n: 1e21 } }, { payload: { n: 1e21 } }));
});

test('nor does the span of a call that is repeated under a tracer', () => {
  const [one, other] = ['1', '2'].map((n) => ({ traceparent: `00-${'a'.repeat(32)}-${n.repeat(16)}-01` }));
  assert.ok(same({ x: 1, ...one }, { x: 1, ...other }));
  assert.ok(same({ x: 1, ...one }, { x: 1 }));
});

test('any other difference does', () => {
  assert.ok(!same({ x: 1 }, { x: 2 }));
  assert.ok(!same({ x: 1 }, { x: '1' }));
  assert.ok(!same({ x: 1 }, {}));
  assert.ok(!same({ x: null }, {}));
  assert.ok(!same({ cost_usd: 0 }, {}));
  assert.ok(!same({}, { occurred_at: '2026-01-01T00:00:00Z' }));
  assert.ok(!same({ x: [1, 2] }, { x: [2, 1] }));
});

test('a row that went through the spill file got its time there', () => {
  const spilled = JSON.parse(
    chainOf().add({ action: 'a.b', occurred_at: '2026-01-01T00:00:00Z' }, { spillId: '01JTESTTESTTESTTESTTESTTES' }),
  ) as Row;
  assert.ok(sameContent(spilled, checked({ action: 'a.b' })));
  assert.ok(sameContent(spilled, checked({ action: 'a.b', occurred_at: '2026-01-01T00:00:00Z' })));
  assert.ok(!sameContent(spilled, checked({ action: 'a.b', occurred_at: '2026-01-01T00:00:01Z' })));
});
