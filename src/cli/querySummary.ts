/** Figures over rows as a table and as JSON; both say the same. */
import { formatLocal } from '../core/day';
import type { Group } from '../core/query/groups';
import type { QuerySummary, SummaryRequest } from '../services/query';
import type { Colors } from './color';
import { alike, textLines, withBars } from './table';
import type { Cell, Column, Table } from './table';

export interface SummaryScreen {
  readonly width: number;
  readonly bars: boolean;
  readonly colors: Colors;
}

const NONE = '(none)';

export function summaryText(summary: QuerySummary, request: SummaryRequest, screen: SummaryScreen): string {
  const { width, bars, colors } = screen;
  const table = tableOf(summary, request);
  const shown = bars && request.by.length > 0 ? withBars(table, partsOf(summary, request), width) : table;
  const style = (text: string, row: number | undefined): string => {
    if (row === undefined) return colors.dim(text);
    return row === summary.groups.length ? colors.bold(text) : text;
  };
  return [...windowLines(summary, colors), ...textLines(shown, width, style), ...missingLines(summary, request)]
    .map((line) => `${line}\n`)
    .join('');
}

/** The window is printed back, since a word such as "yesterday" means another one in another zone. */
function windowLines({ window, zone }: QuerySummary, colors: Colors): string[] {
  if (window === undefined) return [];
  const at = (ms: number): string =>
    Number.isFinite(ms) ? formatLocal(zone, ms) : ms < 0 ? 'the beginning' : 'the end';
  return [colors.dim(`${at(window.sinceMs)} to ${at(window.untilMs)} (${zone.name})`), ''];
}

function tableOf({ groups, total }: QuerySummary, { by, measures }: SummaryRequest): Table {
  const columns: Column[] = [
    ...by.map((title) => ({ title, align: 'left' as const })),
    ...measures.map(({ kind, field }) => ({ title: `${kind} ${field}`, align: 'right' as const })),
    { title: 'rows', align: 'right' },
  ];
  const values = measures.map((_, i) => aligned([...groups, total].map((group) => group.values[i] ?? null)));
  const line = (keys: readonly Cell[], group: Group, at: number): Cell[] => [
    ...keys,
    ...measures.map((_, i) => values[i]?.[at] ?? ''),
    group.rows,
  ];
  const lines = groups.map((group, at) =>
    line(
      group.keys.map((key) => key ?? NONE),
      group,
      at,
    ),
  );
  const totals = by.map((_, i) => (i === 0 ? 'total' : ''));
  return { columns, rows: [...lines, line(totals, total, groups.length)] };
}

/** Dots below each other, where there are any. */
function aligned(values: readonly (string | null)[]): string[] {
  const known = values.map((value) => value ?? '');
  if (!known.some((value) => value.includes('.'))) return known;
  const padded = alike(known.map((value) => value || '0'));
  return known.map((value, i) => (value === '' ? '' : (padded[i] ?? '')));
}

/** What a bar stands for: the first figure, else the rows; each as a part of the largest. */
function partsOf({ groups }: QuerySummary, { measures }: SummaryRequest): number[] {
  const weights = groups.map(({ values, rows }) => Math.max(0, measures.length > 0 ? Number(values[0] ?? 0) : rows));
  const most = Math.max(...weights);
  return [...weights.map((weight) => (most > 0 ? weight / most : 0)), 0];
}

function missingLines({ missing, total }: QuerySummary, { measures }: SummaryRequest): string[] {
  const fields = new Map(measures.map(({ field }, i) => [field, missing[i] ?? 0]));
  return [...fields]
    .filter(([, count]) => count > 0 && total.rows > 0)
    .map(([field, count]) => `without a number in ${field}: ${count} of ${total.rows} rows; absent is not zero`);
}

export function summaryJson(summary: QuerySummary, { by, measures }: SummaryRequest): object {
  const { window, groups, total, missing, notLiveRows, source, notes, zone } = summary;
  const at = (ms: number): string | null => (Number.isFinite(ms) ? new Date(ms).toISOString() : null);
  const figures = (group: Group): object => {
    const values: Record<string, Record<string, string | null>> = {};
    for (const [i, { kind, field }] of measures.entries()) (values[kind] ??= {})[field] = group.values[i] ?? null;
    return { rows: group.rows, ...values };
  };
  return {
    count: total.rows,
    window: window === undefined ? null : { since: at(window.sinceMs), until: at(window.untilMs), timezone: zone.name },
    by,
    groups: groups.map((group) => ({
      key: Object.fromEntries(by.map((name, i) => [name, group.keys[i]])),
      ...figures(group),
    })),
    total: figures(total),
    rows_without: Object.fromEntries(measures.map(({ field }, i) => [field, missing[i] ?? 0])),
    not_live_rows: notLiveRows,
    broken_lines: notes.broken.count,
    torn_bytes: notes.tornBytes,
    lost_rows: notes.lostRows,
    spilled_rows: notes.spilledRows,
    source,
  };
}
