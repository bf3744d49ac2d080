/** A table for a terminal that is printed as its rows come: the first ones set the widths, nothing more is held. */
import { printable } from '../core/printable';
import type { Colors } from './color';
import { columnWidths, textLines } from './table';
import type { Column } from './table';

const SAMPLE_ROWS = 200;
const NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;

export interface TableScreen {
  readonly width: number;
  readonly colors: Colors;
}

export class StreamedTable {
  #held: (readonly string[])[] | undefined = [];
  #columns: readonly Column[] = [];
  #widths: readonly number[] = [];

  constructor(
    private readonly titles: readonly string[],
    private readonly screen: TableScreen,
  ) {}

  /** What is to be printed by now. */
  add(rows: readonly (readonly string[])[]): string {
    if (this.#held === undefined) return joined(this.#lines(rows).slice(1));
    this.#held.push(...rows);
    return this.#held.length < SAMPLE_ROWS ? '' : this.end();
  }

  /** What is left to print behind the last row. */
  end(): string {
    const rows = this.#held;
    this.#held = undefined;
    if (rows === undefined || rows.length === 0) return '';
    this.#columns = this.titles.map((title, i) => ({
      title: printable(title),
      align: rows.every((row) => isNumeric(row[i])) ? 'right' : 'left',
    }));
    this.#widths = columnWidths({ columns: this.#columns, rows }, this.screen.width);
    return joined(this.#lines(rows));
  }

  #lines(rows: readonly (readonly string[])[]): string[] {
    const { width, colors } = this.screen;
    const style = (text: string, row: number | undefined): string => (row === undefined ? colors.dim(text) : text);
    return textLines({ columns: this.#columns, rows }, width, style, this.#widths);
  }
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function isNumeric(cell: string | undefined): boolean {
  return cell === undefined || cell === '' || NUMBER.test(cell);
}
