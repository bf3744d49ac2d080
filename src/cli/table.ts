/**
 * Tables for people, Markdown and spreadsheets, from the same columns and rows. Cells may come from anybody: what could
 * move a terminal's cursor is shown as `\u....`, what could be a formula in a spreadsheet is defused with a quote mark.
 */
import { printable } from '../core/printable';

export type Cell = string | number;

export interface Column {
  readonly title: string;
  /** Numbers stand right, text left. */
  readonly align: 'left' | 'right';
}

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

const GAP = 2;
/** A date fits: without its day it says nothing. */
const SHORTEST = 10;

/** How wide the columns of a table are where it is at most `width` wide: the widest text column is cut first. */
export function columnWidths(table: Table, width: number): number[] {
  const cells = table.rows.map((row) => row.map((cell) => printable(String(cell))));
  return fit(table.columns, [table.columns.map(({ title }) => title), ...cells], width);
}

/**
 * Lines of a table at most `width` wide where that can be: what is too long is cut, with an ellipsis.
 * @param style colours a finished line; it is told the row, or undefined for the titles
 * @param widths those of the columns, where the rows are only a part of the table
 */
export function textLines(
  table: Table,
  width: number,
  style?: (line: string, row: number | undefined) => string,
  widths: readonly number[] = columnWidths(table, width),
): string[] {
  const cells = table.rows.map((row) => row.map((cell) => printable(String(cell))));
  const titles = table.columns.map(({ title }) => title);
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, table.columns[i]?.align))
      .join(' '.repeat(GAP))
      .trimEnd();
  const styled = style ?? ((text: string): string => text);
  return [styled(line(titles), undefined), ...cells.map((row, i) => styled(line(row), i))];
}

/** How wide each column may be. */
function fit(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): number[] {
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => widthOf(row[i] ?? ''))));
  const total = (): number => widths.reduce((sum, one) => sum + one, GAP * (columns.length - 1));
  while (total() > width) {
    const texts = widths.map((one, i) => (columns[i]?.align === 'left' ? one : 0));
    const widest = Math.max(...texts);
    if (widest <= SHORTEST) break;
    const second = Math.max(SHORTEST, ...texts.filter((one) => one < widest));
    const excess = total() - width;
    widths[texts.indexOf(widest)] = Math.max(second, widest - excess, SHORTEST);
    if (second === widest) break;
  }
  return widths;
}

function pad(cell: string, width: number, align: Column['align'] | undefined): string {
  const text = cut(cell, width);
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? space + text : text + space;
}

/** The text, or as much of it as fits with an ellipsis. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (widthOf(kept) + widthOf(segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

const PLAIN = /^[\x20-\x7e]*$/;
const ZERO_WIDTH = /\p{M}|[\u200b-\u200d]/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += ZERO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** A bar of `width` columns for a part of a whole, to an eighth of a column. */
export function bar(part: number, width: number): string {
  const eighths = Math.round(Math.min(Math.max(part, 0), 1) * width * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (' ▏▎▍▌▋▊▉'[eighths % 8] ?? '').trim();
}

const LONGEST_BAR = 30;
const SHORTEST_BAR = 6;

/** The table with a bar a row, for a part of a whole each; as it is where there is no room for bars. */
export function withBars(table: Table, parts: readonly number[], width: number): Table {
  const used = Math.max(...textLines(table, width).map((line) => line.length));
  const barWidth = Math.min(LONGEST_BAR, width - used - GAP);
  if (barWidth < SHORTEST_BAR) return table;
  return {
    columns: [...table.columns, { title: '', align: 'left' }],
    rows: table.rows.map((row, i) => [...row, bar(parts[i] ?? 0, barWidth)]),
  };
}

/** Amounts with the same number of places, at least two, so that their dots stand below each other. */
export function alike(amounts: readonly string[]): readonly string[] {
  const places = amounts.map((amount) => amount.split('.')[1]?.length ?? 0);
  const most = Math.max(2, ...places);
  return amounts.map((amount, i) => `${amount}${places[i] === 0 ? '.' : ''}${'0'.repeat(most - (places[i] ?? 0))}`);
}

/** Caps as amounts that stand below each other; one that is raised with what it is raised to: "5.00 → 8.00". */
export function limits(
  caps: readonly { readonly usd: string; readonly raised: { readonly to_usd: string } | null }[],
): readonly string[] {
  const amounts = alike(caps.flatMap(({ usd, raised }) => [usd, raised?.to_usd ?? usd]));
  return caps.map(({ raised }, i) => amounts.slice(2 * i, 2 * i + (raised === null ? 1 : 2)).join(' → '));
}

/** A Markdown table. */
export function markdownTable(table: Table): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map(markdownCell).join(' | ')} |`;
  const rule = table.columns.map(({ align }) => (align === 'right' ? '---:' : '---'));
  return [line(table.columns.map(({ title }) => title)), `| ${rule.join(' | ')} |`, ...table.rows.map(line), ''].join(
    '\n',
  );
}

function markdownCell(cell: Cell): string {
  return printable(String(cell))
    .replace(/[\\|`*_[\]]/g, '\\$&')
    .replace(/</g, '&lt;');
}

/** A cell that a spreadsheet is to read as a number. */
const NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;
/** What a spreadsheet may take for a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r\n]/;

/**
 * Comma-separated values, RFC 4180: text always in quotes, numbers of right-aligned columns bare.
 * @param guard puts `'` before text that a spreadsheet would run as a formula
 */
export function csv(table: Table, { guard }: { readonly guard: boolean }): string {
  const isNumber = (i: number): boolean => table.columns[i]?.align === 'right';
  const titles = table.columns.map(({ title }) => title);
  return [csvRecord(titles, guard, () => false), ...table.rows.map((row) => csvRecord(row, guard, isNumber))].join('');
}

/** One record with its line end. */
export function csvRecord(
  cells: readonly Cell[],
  guard: boolean,
  isNumber: (i: number) => boolean = () => true,
): string {
  const text = (cell: string): string => `"${(guard && FORMULA.test(cell) ? `'${cell}` : cell).replace(/"/g, '""')}"`;
  const fields = cells.map((cell, i) => {
    const plain = String(cell);
    return isNumber(i) && NUMBER.test(plain) ? plain : text(plain);
  });
  return `${fields.join(',')}\r\n`;
}
