/** A rollup report as a table with bars, as Markdown and as CSV. Everything shown is in the report. */
import { printable } from '../core/printable';
import type { CapLine } from '../core/capReport';
import type { ClosedDay, MoneyLine, RollupReport } from '../core/rollup';
import type { Colors } from './color';
import { spendChart } from './spendChart';
import { alike, csv, limits, markdownTable, textLines, withBars } from './table';
import type { Cell, Column, Table } from './table';

const NONE = '(none)';

export interface TextOptions {
  readonly width: number;
  readonly bars: boolean;
  readonly colors: Colors;
}

/** One line of the main table, whatever it stands for. */
interface Line {
  readonly period: string;
  readonly key: string;
  readonly percent: string;
  readonly money: MoneyLine;
  readonly kind: 'line' | 'total';
}

export function rollupText(report: RollupReport, { width, bars, colors }: TextOptions): string {
  const lines = linesOf(report);
  const table = mainTable(report, lines);
  const shown = bars ? withBars(table, partsOf(lines), width) : table;
  const style = (text: string, row: number | undefined): string => {
    if (row === undefined) return colors.dim(text);
    return lines[row]?.kind === 'total' ? colors.bold(text) : text;
  };
  const parts = [
    [colors.bold(titleOf(report)), colors.dim(windowLine(report))],
    textLines(shown, width, style),
    bars ? spendChart(report, { width, colors }) : [],
    capLines(report, { width, bars, colors }),
    [...notes(report)],
  ];
  return parts
    .filter((part) => part.length > 0)
    .map((part) => `${part.join('\n')}\n`)
    .join('\n');
}

export function rollupMarkdown(report: RollupReport): string {
  const caps = report.caps.length === 0 ? [] : [markdownTable(capTable(report.caps))];
  const talk = notes(report).map((note) => `- ${note}\n`);
  const parts = [
    `**${titleOf(report)}** ${windowLine(report)}\n`,
    markdownTable(mainTable(report, linesOf(report))),
    ...caps,
  ];
  return [...parts, ...(talk.length === 0 ? [] : [talk.join('')])].join('\n');
}

/** One record a group (of a period), without totals: what is summed in a spreadsheet must not be in it twice. */
export function rollupCsv(report: RollupReport, options: { readonly guard: boolean }): string {
  const fields = Object.keys(report.total) as (keyof MoneyLine)[];
  const columns: Column[] = [
    ...(report.period === null ? [] : [{ title: report.period, align: 'left' as const }]),
    ...(report.by === null ? [] : [{ title: report.by, align: 'left' as const }]),
    ...fields.map((title) => ({ title, align: 'right' as const })),
  ];
  const record = (period: string, key: string | null, money: MoneyLine): Cell[] => [
    ...(report.period === null ? [] : [period]),
    ...(report.by === null ? [] : [key ?? '']),
    ...fields.map((field) => money[field]),
  ];
  const parts = report.period === null ? [{ label: '', ...report.total, groups: report.groups }] : report.periods;
  const rows = parts.flatMap((part) =>
    report.by === null ? [record(part.label, null, part)] : part.groups.map((g) => record(part.label, g.key, g)),
  );
  return csv({ columns, rows }, options);
}

function titleOf({ window }: RollupReport): string {
  return window.label === 'window' ? 'Spend' : `Spend, ${window.label}`;
}

function windowLine({ window }: RollupReport): string {
  const hours = window.hours === null ? '' : `, ${Number(window.hours.toFixed(2))} h`;
  const start = window.day_start === '00:00' ? '' : `, days start at ${window.day_start}`;
  return `${window.from} to ${window.to} (${window.timezone}${hours}${start})`;
}

function linesOf(report: RollupReport): readonly Line[] {
  const lines: Line[] = report.periods.flatMap((period) => [
    { period: period.label, key: '', percent: '', money: period, kind: 'line' as const },
    ...period.groups.map((group) => ({
      period: '',
      key: group.key ?? NONE,
      percent: group.percent ?? '',
      money: group,
      kind: 'line' as const,
    })),
  ]);
  if (report.period === null) {
    for (const group of report.groups) {
      lines.push({ period: '', key: group.key ?? NONE, percent: group.percent ?? '', money: group, kind: 'line' });
    }
  }
  return [...lines, { period: 'total', key: 'total', percent: '', money: report.total, kind: 'total' }];
}

function mainTable(report: RollupReport, lines: readonly Line[]): Table {
  const { period, by } = report;
  const spent = alike(lines.map(({ money }) => money.spent_usd));
  const columns: Column[] = [
    ...(period === null && by !== null ? [] : [{ title: period ?? '', align: 'left' as const }]),
    ...(by === null ? [] : [{ title: printable(by), align: 'left' as const }]),
    { title: 'spent USD', align: 'right' },
    ...(by === null ? [] : [{ title: '%', align: 'right' as const }]),
    { title: 'rows', align: 'right' },
  ];
  const rows = lines.map((line, i) => [
    ...(period === null && by !== null ? [] : [line.period]),
    ...(by === null ? [] : [period !== null && line.kind === 'total' ? '' : line.key]),
    spent[i] ?? '',
    ...(by === null ? [] : [line.percent]),
    line.money.rows,
  ]);
  return { columns, rows };
}

/** Each line's part of the dearest one. */
function partsOf(lines: readonly Line[]): number[] {
  const sizes = lines.map(({ money, kind }) => (kind === 'total' ? 0 : Number(money.spent_usd)));
  const most = Math.max(...sizes, 0);
  return sizes.map((size) => (most > 0 ? size / most : 0));
}

function capLines(report: RollupReport, { width, bars, colors }: TextOptions): readonly string[] {
  if (report.caps.length === 0) return [];
  const periods = report.caps.flatMap((cap) => cap.periods);
  const table = capTable(report.caps);
  const parts = periods.map(({ percent }) => Number(percent ?? 0) / 100);
  const shown = bars ? withBars(table, parts, width) : table;
  return textLines(shown, width, (text, row) => {
    if (row === undefined) return colors.dim(text);
    const period = periods[row];
    if (period?.over === true) return colors.bad(text);
    return (period?.threshold ?? 0) >= 0.8 ? colors.warn(text) : colors.good(text);
  });
}

function capTable(caps: readonly CapLine[]): Table {
  const rows = caps.flatMap((cap) => cap.periods.map((period) => ({ cap, period })));
  const limit = limits(rows.map(({ cap, period }) => ({ usd: cap.cap_usd, raised: period.raised })));
  const spent = alike(rows.map(({ period }) => period.spent_usd));
  const left = alike(rows.map(({ period }) => period.remaining_usd));
  return {
    columns: [
      { title: 'cap', align: 'right' },
      { title: 'on', align: 'left' },
      { title: 'spent', align: 'right' },
      { title: 'left', align: 'right' },
      { title: '%', align: 'right' },
      { title: '', align: 'left' },
    ],
    rows: rows.map(({ cap, period }, i) => [
      limit[i] ?? '',
      onOf(cap, period.label),
      spent[i] ?? '',
      left[i] ?? '',
      period.percent ?? '',
      period.over ? 'OVER' : 'ok',
    ]),
  };
}

function onOf({ per, scope }: CapLine, label: string): string {
  const names = Object.entries(scope).map(([name, value]) => `${name}=${value}`);
  return [...(per === 'run' ? ['run'] : []), label, ...names].join(' ');
}

/** What else there is to say, one note a line. */
function notes(report: RollupReport): readonly string[] {
  const { total, window } = report;
  const found: string[] = [];
  if (report.burn_usd_per_hour !== null) {
    const what = window.is_day ? 'the day' : 'the window';
    const forecast = report.forecast_usd === null ? '' : `, forecast for ${what}: ${report.forecast_usd} USD`;
    found.push(`burn rate: ${report.burn_usd_per_hour} USD/h${forecast}`);
  }
  const say = (count: number, text: string): void => {
    if (count > 0) found.push(text);
  };
  const { reserved } = report;
  if (reserved !== null && reserved.reservations > 0)
    found.push(`reserved: ${reserved.reserved_usd} USD, ${reserved.reservations} open ("ledger caps")`);
  say(total.rows_without_cost, `without a cost: ${rows(total.rows_without_cost)}`);
  say(total.refund_rows, `refunds: ${total.refund_usd} USD in ${rows(total.refund_rows)} (in the sums)`);
  say(total.imported_rows, `imported: ${total.imported_usd} USD in ${rows(total.imported_rows)} (in the sums)`);
  say(total.late_rows, `late: ${rows(total.late_rows)}, recorded after the day they count in had ended`);
  for (const day of report.closed_days) found.push(...closedText(day, window.label));
  say(total.excluded_rows, `sample or fallback: ${rows(total.excluded_rows)}, not counted`);
  for (const cap of report.caps) {
    const unseen = cap.judged - cap.periods.length;
    const unit = cap.per === 'window' ? (report.period ?? 'window') : cap.per;
    say(unseen, `cap ${cap.cap_usd} per ${unit}: ${unseen} more ${unit}${unseen === 1 ? '' : 's'} within it`);
    say(cap.judged === 0 ? 1 : 0, `cap ${cap.cap_usd} per ${cap.per}: nothing to hold it against`);
  }
  for (const cap of report.caps)
    for (const { label, raised } of cap.periods)
      if (raised !== null)
        found.push(
          `cap ${cap.cap_usd} on ${onOf(cap, label)}: raised to ${raised.to_usd} until ${raised.until} (row ${raised.seq})`,
        );
  for (const cap of report.caps_not_judged) found.push(`cap ${cap.cap_usd} per ${cap.per}: not judged, ${cap.why}`);
  return found;
}

/** What there is to say of a closed day; nothing where it is as it was. */
export function closedText({ day, seq, closed_at: at, ...close }: ClosedDay, label: string): readonly string[] {
  const on = day === label ? '' : `${day}: `;
  const row = `row ${seq}, ${at}`;
  if (close.state === 'as-closed') return [];
  if (close.state === 'other-hours')
    return [`${on}closed at ${close.closed_usd} USD with other hours (${close.calendar}; ${row}): not compared`];
  const { adjusted_usd: usd, adjusted_rows: count, closed_usd: closed, now_usd: now } = close;
  const signed = usd?.startsWith('-') === true ? usd : `+${usd}`;
  const adjusted = `adjusted after the day was closed (${row}): ${signed} USD in ${rows(count ?? 0)}`;
  const changed = close.state === 'changed' ? `; the rows counted then add up to ${close.counted_then_usd} now` : '';
  return [`${on}${adjusted}; closed at ${closed}, now ${now}${changed}`];
}

const rows = (count: number): string => `${count} row${count === 1 ? '' : 's'}`;
