/** An order's links, and what orders earned and cost: by order, customer and day the same money, and none that is not live. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openZone } from '../../src/core/day';
import { MARGIN_KEYS, Margins } from '../../src/core/governance/margins';
import { LINKS, orderProof } from '../../src/core/governance/orderProof';
import type { Row } from '../../src/core/members';

const UTC = { zone: openZone('UTC'), dayStartMs: 0 };
const ALL = { sinceMs: -Infinity, untilMs: Infinity };

const rowOf = (seq: number, members: object): Row =>
  ({ seq, ts: new Date(Date.UTC(2026, 5, 1 + (seq % 3))).toISOString(), action: 'x.y', ...members }) as unknown as Row;

const nanos = (usd: string): bigint => {
  const [, sign = '', whole = '0', part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(usd) ?? [];
  const amount = BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0'));
  return sign === '-' ? -amount : amount;
};

test('whatever rows there are, the sums by order, customer and day are the same, and leave out what is not live', () => {
  const member = fc.option(fc.constantFrom('a', 'b', '__proto__'), { nil: undefined });
  const row = fc.record({
    order_id: member,
    run_id: member,
    customer_id: member,
    cost_usd: fc.option(fc.integer({ min: -500, max: 500 }).map((cents) => cents / 100), { nil: undefined }),
    provenance: fc.constantFrom(undefined, 'imported', 'sample', 'fallback'),
    amount: fc.option(fc.integer({ min: 0, max: 999 }).map((cents) => cents / 100), { nil: undefined }),
  }); // prettier-ignore
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), (given) => {
      const rows = given.map(({ amount, ...members }, i) =>
        rowOf(i + 1, amount === undefined ? members : { ...members, action: 'proof.revenue', payload: { amount_usd: amount, source: 's' } }),
      ); // prettier-ignore
      const live = given.filter(({ provenance }) => provenance === undefined || provenance === 'imported');
      const cents = (of: (one: (typeof given)[number]) => number | undefined): bigint =>
        live.reduce((sum, one) => sum + BigInt(Math.round((of(one) ?? 0) * 100)) * 10_000_000n, 0n);
      for (const by of MARGIN_KEYS) {
        const margins = new Margins(by, UTC, ALL);
        for (const one of rows) margins.step(one);
        const lines = margins.lines();
        const sum = (of: (line: (typeof lines)[number]) => string): bigint => lines.reduce((all, line) => all + nanos(of(line)), 0n); // prettier-ignore
        assert.equal(sum(({ revenue_usd: usd }) => usd), cents(({ amount }) => amount), by); // prettier-ignore
        assert.equal(sum(({ spend_usd: usd }) => usd), cents(({ cost_usd: usd }) => usd), by); // prettier-ignore
        for (const line of lines) assert.equal(nanos(line.margin_usd), nanos(line.revenue_usd) - nanos(line.spend_usd));
      }
    }),
  );
});

test('what a run spent belongs to its order, also where that is said later', () => {
  const margins = new Margins('order', UTC, ALL);
  margins.step(rowOf(1, { run_id: 'r1', cost_usd: 0.5 }));
  margins.step(rowOf(2, { run_id: 'r2', cost_usd: 0.25 }));
  margins.step(rowOf(3, { run_id: 'r1', order_id: 'o1', action: 'proof.run' }));
  assert.deepEqual(margins.lines(), [
    { key: 'o1', revenue_usd: '0', spend_usd: '0.5', margin_usd: '-0.5' },
    { key: null, revenue_usd: '0', spend_usd: '0.25', margin_usd: '-0.25' },
  ]);
});

test('an amount that was summed in binary is the amount that was meant', () => {
  const margins = new Margins('order', UTC, ALL);
  for (const amount of [0.1 + 0.2, '0.30', 1e-7]) margins.step(rowOf(1, { action: 'proof.revenue', payload: { amount_usd: amount } })); // prettier-ignore
  assert.equal(margins.lines()[0]?.revenue_usd, '0.6000001');
});

test('each link without a row that counts is missing; what was denied or failed shows nothing', () => {
  const link = (action: string, members: object = {}): Row => rowOf(1, { action, ...members });
  const missing = (rows: readonly Row[]): readonly string[] => orderProof('o', rows, new Map()).missing;
  assert.deepEqual(missing([]), [...LINKS]);
  const all = [
    link('proof.order'),
    link('proof.webhook'),
    link('proof.revenue', { payload: { amount_usd: '1' } }),
    link('proof.run'),
    link('proof.tool_call'),
    link('proof.approval', { payload: { verdict: 'approved' } }),
    link('proof.artifact'),
    link('surface.delivery', { payload: { outcome: 'delivered' } }),
  ];
  assert.deepEqual(missing(all), []);
  for (const [i, row] of all.entries()) {
    const without = all.with(i, { ...row, provenance: 'sample' });
    assert.deepEqual(missing(without), [LINKS[i]]);
  }
  assert.deepEqual(missing(all.with(5, link('proof.approval', { payload: { verdict: 'denied' } }))), ['approvals']);
  assert.deepEqual(missing([...all, link('proof.approval', { payload: { verdict: 'denied' } })]), ['approvals']);
  assert.deepEqual(missing(all.with(7, link('surface.delivery', { payload: { outcome: 'failed' } }))), ['delivery']);
});
