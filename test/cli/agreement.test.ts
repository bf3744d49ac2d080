/**
 * Every command that adds up money says the same: rollup, query, sql, caps, report, and a sum that is made here from the
 * stored text, digit by digit, with nothing of the product's.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

const AGENTS = ['coder', 'writer', "o'brien", 'a"b', 'größe', undefined];
const MODELS = ['large', 'small', undefined];
const ROWS = 400;

/** Numbers that are the same every time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % below;
  };
}

/** Nano-dollars of a stored line, from its text alone; undefined where it has no cost or does not count. */
function nanosOf(line: string): bigint | undefined {
  if (/"action":"audit\.|"provenance":"(?:sample|fallback)"/.test(line)) return undefined;
  const match = /"cost_usd":(-?)([0-9]+)(?:\.([0-9]+))?[,}]/.exec(line);
  if (match === null) return undefined;
  const [, sign, whole, fraction = ''] = match;
  return BigInt(`${sign}${whole}${fraction.padEnd(9, '0')}`);
}

function usd(nanos: bigint): string {
  const text = (nanos < 0n ? -nanos : nanos).toString().padStart(10, '0');
  const fraction = text.slice(-9).replace(/0+$/, '');
  return `${nanos < 0n ? '-' : ''}${text.slice(0, -9)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** What each value of a member cost, by the stored lines. */
function sumsBy(lines: readonly string[], member: string): Map<string | null, bigint> {
  const sums = new Map<string | null, bigint>();
  for (const line of lines) {
    const nanos = nanosOf(line);
    if (nanos === undefined) continue;
    const value = (JSON.parse(line) as Record<string, unknown>)[member];
    const key = typeof value === 'string' ? value : null;
    sums.set(key, (sums.get(key) ?? 0n) + nanos);
  }
  return sums;
}

function input(): string {
  const below = numbers(20261122);
  const now = Date.now();
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const refund = below(12) === 0;
    const cost = `${refund ? '-' : ''}${below(3) === 0 ? below(900) : 0}.${String(below(1_000_000_000)).padStart(9, '0')}`;
    return {
      action: refund ? 'cost.refund' : 'model.call',
      ...(refund ? { ref: `r${i}` } : {}),
      agent: AGENTS[below(AGENTS.length)],
      model: MODELS[below(MODELS.length)],
      ...(below(9) === 0 ? {} : { cost_usd: cost }),
      provenance: ['live', 'live', 'live', 'sample', 'fallback', 'imported'][below(6)],
      occurred_at: new Date(now - below(20) * 60_000).toISOString(),
    };
  });
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

async function answer(box: Sandbox, args: readonly string[]): Promise<unknown> {
  const { status, stdout, stderr } = await ledger(box, args);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test('rollup, query, sql, caps and report agree with a sum of the stored digits', async (t) => {
  const box = sandbox(t);
  writeFileSync(join(box.root, 'ledger.config.json'), '{"caps":[{"usd":"999999","per":"month"}],"timezone":"UTC"}');
  const appended = await ledger(box, ['append', '-q', '-'], { stdin: input() });
  assert.equal(appended.status, 0, appended.stderr);
  const lines = readFileSync(box.ledger, 'utf8').trimEnd().split('\n');
  for (const by of ['agent', 'model']) {
    const expected = [...sumsBy(lines, by)].map(([key, nanos]) => [key, usd(nanos)]).sort();
    const rollup = (await answer(box, ['rollup', '--since', '@0', '--by', by, '--json'])) as {
      groups: { key: string | null; spent_usd: string; rows_with_cost: number }[];
    };
    const rolled = rollup.groups.filter(({ rows_with_cost: rows }) => rows > 0);
    assert.deepEqual(rolled.map(({ key, spent_usd: spent }) => [key, spent]).sort(), expected);
    const query = (await answer(box, [
      'query', 'provenance!=sample', 'provenance!=fallback', '--group-by', by, '--sum', 'cost_usd', '--json',
    ])) as { groups: { key: Record<string, string | null>; sum: { cost_usd: string | null } }[] }; // prettier-ignore
    const summed = query.groups.filter(({ sum }) => sum.cost_usd !== null);
    assert.deepEqual(summed.map(({ key, sum }) => [key[by], sum.cost_usd]).sort(), expected);
    const sql = (await answer(box, [
      'sql', `SELECT ${by} AS key, sum(cost_nanos) AS nanos FROM rows WHERE counts GROUP BY ${by} HAVING nanos IS NOT NULL`, '--json',
    ])) as { key: string | null; nanos: number }[]; // prettier-ignore
    assert.deepEqual(sql.map(({ key, nanos }) => [key, usd(BigInt(nanos))]).sort(), expected);
  }
  const total = usd(lines.reduce((sum, line) => sum + (nanosOf(line) ?? 0n), 0n));
  const caps = (await answer(box, ['caps', '--json'])) as { caps: { spent_usd: string }[] };
  const report = (await answer(box, ['report', 'daily', '--day', 'today', '--json'])) as {
    spend: { total: { spent_usd: string } }[];
  };
  // A month or a day that began within the last minutes has a part of the rows only.
  const all = (await answer(box, ['rollup', '--since', '@0', '--json'])) as { total: { spent_usd: string } };
  assert.equal(all.total.spent_usd, total);
  const month = (await answer(box, ['rollup', '--period', 'month', '--since', '@0', '--json'])) as {
    periods: { spent_usd: string }[];
  };
  const today = (await answer(box, ['rollup', '--json'])) as { total: { spent_usd: string } };
  assert.equal(report.spend[0]?.total.spent_usd, today.total.spent_usd);
  // Gates count a row where it was appended, which is now: all of it is this month's.
  assert.equal(caps.caps[0]?.spent_usd, total);
  assert(month.periods.length <= 2);
});
