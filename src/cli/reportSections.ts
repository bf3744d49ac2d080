/** A report as sections of text and tables, for whatever it is printed as. Everything said is in its data. */
import type { NamedRows } from '../core/activity';
import type { CapLine } from '../core/capReport';
import type { GroupLine, RollupReport } from '../core/rollup';
import type { ActivityReport } from '../services/report';
import { closedText } from './rollupText';
import { alike } from './table';
import type { Cell, Table } from './table';

export interface Section {
  readonly title: string;
  readonly notes: readonly string[];
  readonly table?: Table;
  /** The column of the table that is read, where the others say whose it is: on a phone it stands below them. */
  readonly textColumn?: number;
  /** A part of a whole for each row of the table. */
  readonly bars?: readonly number[];
}

export interface Report {
  readonly done: ActivityReport;
  /** The same window by several members; the first by day, where it is a week. */
  readonly spend: readonly RollupReport[];
}

const MAX_GROUPS = 10;
const NONE = '(none)';

export function sectionsOf({ done, spend }: Report): Section[] {
  const [first] = spend as [RollupReport];
  return [
    summary(done, first),
    ...(first.period === null ? [] : [byPeriod(first)]),
    ...spend.filter(({ groups }) => groups.some(hasSpendOfOne)).map(byMember),
    ...(first.caps.length === 0 ? [] : [capsSection(first.caps)]),
    countSection('What was done', 'action', done.activity.actions),
    countSection('How it ended', 'outcome', done.activity.outcomes),
    ...named('Went wrong', done.activity.failures),
    ...named('Refused spends', done.activity.refused),
    ...named('Caps that were raised', done.activity.overrides),
    ...named('Thresholds crossed', done.activity.thresholds),
    ...named('What the ledger says of itself', done.activity.ledger),
    howToCheck(done),
  ];
}

const hasSpendOfOne = ({ key, rows_with_cost: count }: GroupLine): boolean => key !== null && count > 0;

function summary(done: ActivityReport, spend: RollupReport): Section {
  const { activity, notes } = done;
  const { total } = spend;
  const left = [
    ...(done.isOver ? [] : ['The period is not over: this is what there is so far.']),
    ...spend.closed_days.flatMap((day) => closedText(day, '')),
    ...(total.rows_without_cost > 0 ? [`${total.rows_without_cost === 1 ? '1 row has' : `${total.rows_without_cost} rows have`} no cost; absent is not zero.`] : []), // prettier-ignore
    ...(total.late_rows > 0 ? [`${total.late_rows} rows were recorded after their day had ended.`] : []),
    ...(notes.broken.count > 0 ? [`${notes.broken.count} lines are no rows and not in this report.`] : []),
    ...(notes.spilledRows > 0 ? [`${notes.spilledRows} rows wait in the spill file and are not in this report.`] : []),
  ];
  const rows: Cell[][] = [
    ['spent', `${total.spent_usd} USD`],
    ['refunds in it', `${total.refund_usd} USD in ${total.refund_rows} rows`],
    ['rows', activity.rows],
    ['seq', activity.first_seq === null ? 'none' : `${activity.first_seq} to ${activity.last_seq}`],
    ['runs', `${activity.runs_started} started, ${activity.runs_completed} completed`],
    ['went wrong', activity.failures.count],
    ['refused spends', activity.refused.count],
  ];
  return { title: 'In short', notes: left, table: { columns: columnsOf(['', 'left'], ['', 'left']), rows } };
}

function columnsOf(...columns: readonly (readonly [string, 'left' | 'right'])[]): Table['columns'] {
  return columns.map(([title, align]) => ({ title, align }));
}

function byPeriod({ periods, period }: RollupReport): Section {
  const spent = alike(periods.map(({ spent_usd: usd }) => usd));
  const rows = periods.map(({ label, rows: count }, i) => [label, spent[i] ?? '', count]);
  return {
    title: `Spend by ${period}`,
    notes: periods.length === 0 ? ['Nothing was spent.'] : [],
    table: { columns: columnsOf([period ?? '', 'left'], ['USD', 'right'], ['rows', 'right']), rows },
    bars: partsOf(periods.map(({ spent_usd: usd }) => Number(usd))),
  };
}

function byMember({ by, groups: all }: RollupReport): Section {
  const groups = all.filter(({ rows_with_cost: count }) => count > 0);
  const shown: readonly GroupLine[] = groups.slice(0, MAX_GROUPS);
  const spent = alike(shown.map(({ spent_usd: usd }) => usd));
  const rows = shown.map(({ key, percent, rows: count }, i) => [key ?? NONE, spent[i] ?? '', percent ?? '', count]);
  const more = groups.length - shown.length;
  return {
    title: `Spend by ${by}`,
    notes: more > 0 ? [`The ${MAX_GROUPS} dearest of ${groups.length}.`] : [],
    table: { columns: columnsOf([by ?? '', 'left'], ['USD', 'right'], ['%', 'right'], ['rows', 'right']), rows },
    bars: partsOf(shown.map(({ spent_usd: usd }) => Number(usd))),
  };
}

function capsSection(caps: readonly CapLine[]): Section {
  const periods = caps.flatMap((cap) => cap.periods.map((period) => ({ cap, period })));
  const rows = periods.map(({ cap, period }) => [
    `${cap.cap_usd}${period.raised === null ? '' : ` → ${period.raised.to_usd}`}`,
    cap.per,
    [period.label, ...Object.entries(cap.scope).map(([name, value]) => `${name}=${value}`)].join(' '),
    period.spent_usd,
    period.percent ?? '',
    period.over ? 'OVER' : 'ok',
  ]);
  const columns = columnsOf(
    ['cap', 'right'],
    ['per', 'left'],
    ['on', 'left'],
    ['spent', 'right'],
    ['%', 'right'],
    ['', 'left'],
  );
  const bars = periods.map(({ period }) => Math.min(1, Number(period.percent ?? 0) / 100));
  return { title: 'Caps', notes: [], table: { columns, rows }, bars };
}

function countSection(
  title: string,
  name: string,
  values: readonly { readonly value: string; readonly rows: number }[],
): Section {
  if (values.length === 0) return { title, notes: ['Nothing.'] };
  const rows = values.map(({ value, rows: count }) => [value, count]);
  return {
    title,
    notes: [],
    table: { columns: columnsOf([name, 'left'], ['rows', 'right']), rows },
    bars: partsOf(values.map(({ rows: count }) => count)),
  };
}

function named(title: string, { count, newest }: NamedRows): Section[] {
  if (count === 0) return [];
  const rows = newest.map(({ seq, time, agent, action, text }) => [seq, time, agent, action, text]);
  const columns = columnsOf(
    ['seq', 'right'],
    ['time (UTC)', 'left'],
    ['agent', 'left'],
    ['action', 'left'],
    ['', 'left'],
  );
  const notes = count > newest.length ? [`The newest ${newest.length} of ${count}.`] : [];
  return [{ title, notes, table: { columns, rows }, textColumn: columns.length - 1 }];
}

function howToCheck({ head, ledgerId }: ActivityReport): Section {
  const at = head === undefined ? 'unknown' : `${head.hash} (row ${head.seq})`;
  return {
    title: 'How to check this',
    notes: [
      `This report says what ledger ${ledgerId ?? 'unknown'} holds, up to the head ${at}. Whether anything was changed, it does not say:`,
      `ledger verify${head === undefined ? '' : ` --min-rows ${head.seq}`}`,
      'That everything that happened was logged, nothing can say.',
    ],
  };
}

function partsOf(values: readonly number[]): number[] {
  const most = Math.max(0, ...values);
  return values.map((value) => (most > 0 ? Math.max(0, value) / most : 0));
}
