/**
 * Spend of several periods by group as a small chart: a line a group, a column a period, all to one scale, so that lines
 * can be compared. A period without a row is a gap; one with a row and no spend is the lowest mark.
 *
 *   coder    ▁▂▅█▃ ▂   12.31
 *   writer   ▂▁▁▁▁ ▁    3.20
 *            11-16 … 11-22
 */
import { printable } from '../core/printable';
import type { PeriodLine, RollupReport } from '../core/rollup';
import type { Colors } from './color';
import { alike, textLines, widthOf } from './table';

const MARKS = '▁▂▃▄▅▆▇█';
const GAP = ' ';
const NONE = '(none)';
const MAX_LINES = 12;
/** Room for names and sums beside the marks. */
const BESIDE = 40;
const HOUR_MS = 3_600_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 7 * 24 * HOUR_MS,
  month: 30.44 * 24 * HOUR_MS,
};

/** One mark a value, `undefined` for a gap; `most` is the value of the highest mark. */
export function sparkline(values: readonly (number | undefined)[], most: number): string {
  return values.map((value) => (value === undefined ? GAP : markOf(value, most))).join('');
}

function markOf(value: number, most: number): string {
  const part = most > 0 ? Math.min(Math.max(value / most, 0), 1) : 0;
  return MARKS[Math.min(MARKS.length - 1, Math.floor(part * MARKS.length))] ?? GAP;
}

/** Nothing where there is no more than one period, or no group. */
export function spendChart(
  report: RollupReport,
  { width, colors }: { readonly width: number; readonly colors: Colors },
): string[] {
  const { period, by, groups } = report;
  if (period === null || by === null || report.periods.length < 2) return [];
  const columns = withGaps(report.periods, UNIT_MS[period] ?? NaN).slice(-Math.max(1, width - BESIDE));
  const shown = groups.slice(0, MAX_LINES);
  const values = shown.map(({ key }) => columns.map((column) => spentIn(column, key)));
  const most = Math.max(...values.flat().map((value) => value ?? 0));
  const spent = alike(shown.map((group) => group.spent_usd));
  const table = {
    columns: [
      { title: printable(by), align: 'left' as const },
      { title: rangeText(columns, columns.length), align: 'left' as const },
      { title: 'spent USD', align: 'right' as const },
    ],
    rows: shown.map(({ key }, i) => [key ?? NONE, sparkline(values[i] ?? [], most), spent[i] ?? '']),
  };
  const more = groups.length - shown.length;
  const rest = more > 0 ? [colors.dim(`and ${more} more ${more === 1 ? 'value' : 'values'} of ${printable(by)}`)] : [];
  return [...textLines(table, width, (text, row) => (row === undefined ? colors.dim(text) : text)), ...rest];
}

/** Periods without a row have no line in a report. */
function withGaps(periods: readonly PeriodLine[], unitMs: number): (PeriodLine | undefined)[] {
  return periods.flatMap((one, i) => {
    const before = periods[i - 1];
    const missing = before === undefined ? 0 : Math.round((Date.parse(one.since) - Date.parse(before.until)) / unitMs);
    return [...new Array<undefined>(Math.max(0, missing)).fill(undefined), one];
  });
}

function spentIn(period: PeriodLine | undefined, key: string | null): number | undefined {
  const group = period?.groups.find((one) => one.key === key);
  return group === undefined ? undefined : Number(group.spent_usd);
}

/** First and last period, where there is room for both; without the year that they share. */
function rangeText(columns: readonly (PeriodLine | undefined)[], room: number): string {
  const labels = columns.flatMap((column) => (column === undefined ? [] : [column.label]));
  const [first = '', last = ''] = [labels[0], labels.at(-1)];
  const sameYear = first.slice(0, 5) === last.slice(0, 5);
  const text = sameYear ? `${first.slice(5)} … ${last.slice(5)}` : `${first} … ${last}`;
  return widthOf(text) <= room ? text : '';
}
