/** Costs from the index are what the rows of the file add up to, to the nano-dollar. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { COST_MEMBERS, costsOfRow, emptyCosts, mergeCosts } from '../../../src/core/costs';
import type { CostGroup, CostMember } from '../../../src/core/costs';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { costGroups } from '../../../src/store/index/indexCosts';
import type { CostWindow } from '../../../src/store/index/indexCosts';
import type { IndexedRow } from '../../../src/store/index/indexRows';
import { indexOf, ledgerOf, rowsOf, testFolder } from '../../support/indexes';
import { chainOf, TEST_START_MS, writeLedger } from '../../support/ledgers';

const MINUTE_MS = 60_000;

function groupsOfRows(rows: readonly IndexedRow[], window: CostWindow): CostGroup[] {
  const groups = new Map<string | null, CostGroup>();
  for (const row of rows) {
    if (row.effectiveMs < (window.fromMs ?? -Infinity) || row.effectiveMs >= (window.toMs ?? Infinity)) continue;
    const key = window.by === undefined ? null : row[window.by];
    groups.set(key, mergeCosts(groups.get(key) ?? emptyCosts(key), costsOfRow(key, row, window.lateAfterMs)));
  }
  const order = (key: string | null) => (key === null ? '' : `+${key}`);
  return [...groups.values()].filter((group) => group.rows > 0).sort((a, b) => (order(a.key) < order(b.key) ? -1 : 1));
}

test('groups, windows, refunds, imported, excluded, missing and late rows: as the rows give them', async (t) => {
  const chain = chainOf();
  const provenances = [undefined, 'live', 'imported', 'sample', 'fallback'];
  for (let i = 0; i < 400; i++) {
    const provenance = provenances[i % 5];
    const refund = i % 11 === 0;
    chain.add({
      action: refund ? 'cost.refund' : `act.${i % 3}`,
      ...(provenance === undefined ? {} : { provenance }),
      ...(i % 4 === 0 ? {} : { agent: ['__proto__', 'a', 'constructor'][i % 3] }),
      ...(i % 7 === 0 && !refund
        ? {}
        : { cost_usd: refund ? '-0.000000001' : `${i * 2499}.${String(i).padStart(9, '0')}` }),
      ...(refund ? { ref: 'x' } : {}),
      ...(i % 6 === 0 ? { occurred_at: new Date(TEST_START_MS - i * MINUTE_MS).toISOString() } : {}),
      ...(i % 2 === 0 ? { run_id: `r${i % 8}`, model: 'm', customer_id: 'c"\n' } : {}),
    });
  }
  chain.addOwn('audit.rows-lost', { from_seq: 1, to_seq: 1, head: '0' });
  const paths = writeLedger(testFolder(t), chain.lines);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const rows = rowsOf(ledgerOf(t, paths));
  const windows: CostWindow[] = [
    {},
    { fromMs: TEST_START_MS, toMs: TEST_START_MS + 200_000 },
    { fromMs: TEST_START_MS - 100 * MINUTE_MS, toMs: TEST_START_MS },
    { toMs: TEST_START_MS + 100_000, lateAfterMs: TEST_START_MS + 50_000 },
    { fromMs: TEST_START_MS + 300_000 },
    { fromMs: 0, toMs: 1 },
  ];
  const members: (CostMember | undefined)[] = [undefined, ...COST_MEMBERS];
  for (const window of windows)
    for (const by of members)
      assert.deepEqual(costGroups(index, { ...window, by }), groupsOfRows(rows, { ...window, by }), `${by}`);
});

test('sums beyond 2^63 nano-dollars stay exact', async (t) => {
  const chain = chainOf();
  for (let i = 0; i < 10_000; i++) chain.add({ action: 'a.b', cost_usd: '999999.999999999' });
  const paths = writeLedger(testFolder(t), chain.lines);
  await rebuildIndex(paths);
  assert.equal(costGroups(indexOf(t, paths))[0]?.spentNanos, 999_999_999_999_999n * 10_000n);
});
