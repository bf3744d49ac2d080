/** The chart of spend by group and period: one scale, gaps where nothing was recorded, no wider than the terminal. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { GroupLine, MoneyLine, PeriodLine, RollupReport } from '../../src/core/rollup';
import { NO_COLORS } from '../../src/cli/color';
import { sparkline, spendChart } from '../../src/cli/spendChart';
import { widthOf } from '../../src/cli/table';

const DAY_MS = 86_400_000;

const money = (usd: string): MoneyLine => ({
  spent_usd: usd,
  rows: 1,
  rows_with_cost: 1,
  rows_without_cost: 0,
  refund_usd: '0',
  refund_rows: 0,
  imported_usd: '0',
  imported_rows: 0,
  excluded_rows: 0,
  late_rows: 0,
});

const group = (key: string, usd: string): GroupLine => ({ key, percent: null, ...money(usd) });

function day(label: string, groups: Readonly<Record<string, string>>): PeriodLine {
  const startMs = Date.parse(`${label}T00:00:00Z`);
  return {
    label,
    since: new Date(startMs).toISOString(),
    until: new Date(startMs + DAY_MS).toISOString(),
    ...money('1'),
    groups: Object.entries(groups).map(([key, usd]) => group(key, usd)),
  };
}

function chart(periods: readonly PeriodLine[], groups: readonly GroupLine[], width: number): string[] {
  const report = { period: 'day', by: 'agent', periods, groups } as unknown as RollupReport;
  return spendChart(report, { width, colors: NO_COLORS });
}

test('marks grow with the value, a gap is no mark, and nothing at all is the lowest', () => {
  assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 8), '▁▂▃▄▅▆▇██');
  assert.equal(sparkline([1, undefined, 0], 1), '█ ▁');
  assert.equal(sparkline([0, 0], 0), '▁▁');
  assert.equal(sparkline([-5, 9], 1), '▁█');
});

test('lines share one scale; a day without a row is a gap, also where several are missing', () => {
  const periods = [
    day('2026-11-10', { coder: '8', writer: '1' }),
    day('2026-11-11', { coder: '4' }),
    day('2026-11-14', { writer: '8' }),
  ];
  const lines = chart(periods, [group('coder', '12'), group('writer', '9')], 80);
  assert.deepEqual(lines, ['agent          spent USD', 'coder   █▅         12.00', 'writer  ▂   █       9.00']);
});

test('on any terminal the newest days are shown, in lines that fit', () => {
  const periods = Array.from({ length: 90 }, (_, i) =>
    day(new Date(Date.parse('2026-06-01') + i * DAY_MS).toISOString().slice(0, 10), { a: String(i) }),
  );
  for (const width of [50, 80, 120]) {
    const lines = chart(periods, [group('a', '4005')], width);
    for (const line of lines) assert.ok(widthOf(line) <= width, `${width}: ${line}`);
    assert.match(lines[1] ?? '', /█ +4005/, 'the last day is the dearest');
  }
});

test('one period, or no group, is no chart; many groups are told', () => {
  assert.deepEqual(chart([day('2026-11-10', { a: '1' })], [group('a', '1')], 80), []);
  const names = Array.from({ length: 14 }, (_, i) => `agent-${i}`);
  const periods = ['2026-11-10', '2026-11-11'].map((label) => day(label, { 'agent-0': '1' }));
  const lines = chart(periods, names.map((name) => group(name, '1')), 80); // prettier-ignore
  assert.equal(lines.at(-1), 'and 2 more values of agent');
});
