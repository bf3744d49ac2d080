/**
 * Rows that a query found, as they are printed: the stored bytes in a pipe, a line of columns on a terminal; or chosen
 * fields, as tab-separated text, as JSON, or as a table. Everything is printed as it comes; nothing is gathered but the
 * first rows of a table, which set its widths.
 */
import { FieldReader, fieldText, parseField } from '../core/query/field';
import type { Row } from '../core/members';
import { printable, printableLines } from '../core/printable';
import { completeObject, missingRows } from '../core/rowText';
import type { QueriedLine } from '../services/query';
import { gapLine, rowLine } from './rowLines';
import type { RowLineOptions } from './rowLines';
import { StreamedTable } from './streamedTable';
import { cut } from './table';

export interface Printer {
  /** What is printed for these lines; the bytes as they are, or text. */
  readonly print: (lines: readonly QueriedLine[]) => Buffer | string;
  /** What is left to print behind the last of them. */
  readonly end: () => string;
}

const NEWLINE = Buffer.from('\n');
const APART = Buffer.from('--\n');
const NOTHING = (): string => '';

/** The stored lines, byte for byte, with a rule between rows that are not neighbours. */
export function storedLines(options: { readonly rules: boolean; readonly isTTY: boolean }): Printer {
  const print = (lines: readonly QueriedLine[]): Buffer =>
    Buffer.concat(
      lines.flatMap(({ line, isApart }) => (options.rules && isApart ? [APART, line, NEWLINE] : [line, NEWLINE])),
    );
  return { print: options.isTTY ? (lines) => printableLines(print(lines).toString('utf8')) : print, end: NOTHING };
}

/** One line a row, in columns. */
export function rowLines(screen: RowLineOptions): Printer {
  const shown = (line: Buffer): string => {
    const row = completeObject(line) ?? {};
    // A JSON object that is no row: whoever reads is to see it, as it is.
    if (typeof row['action'] !== 'string')
      return screen.colors.warn(cut(printable(line.toString('utf8')), screen.width));
    const gap = row['action'] === 'audit.tombstone' ? missingRows(row) : undefined;
    return gap === undefined ? rowLine(row as unknown as Row, screen) : gapLine(gap.seq, gap.lastSeq, screen);
  };
  const print = (lines: readonly QueriedLine[]): string =>
    lines
      .map(({ line, isMatch, isApart }) => {
        const text = isMatch ? shown(line) : screen.colors.dim(plainly(shown(line)));
        return `${isApart ? `${screen.colors.dim('--')}\n` : ''}${text}\n`;
      })
      .join('');
  return { print, end: NOTHING };
}

// eslint-disable-next-line no-control-regex -- the escapes of our own colours
const COLOR = /\u001b\[[0-9;]*m/g;

/** A neighbour is dim throughout. */
const plainly = (text: string): string => text.replace(COLOR, '');

/** @param names as typed: "agent,cost_usd" */
export function fieldNames(names: string): string[] {
  return names.split(',').map((name) => parseField(name.trim()).name);
}

class Cells {
  readonly #reader = new FieldReader();
  readonly #indexes: readonly number[];

  constructor(readonly names: readonly string[]) {
    this.#indexes = names.map((name) => this.#reader.add(parseField(name)));
  }

  texts(line: Buffer): string[] {
    const isRow = this.#reader.read(line, 0, line.length);
    return this.#indexes.map((index) => (isRow ? fieldText(this.#reader.value(index)) : ''));
  }

  json(line: Buffer): string {
    const isRow = this.#reader.read(line, 0, line.length);
    const members = this.#indexes.map((index, i) => {
      const value = isRow ? this.#reader.value(index) : undefined;
      return `${JSON.stringify(this.names[i])}:${JSON.stringify(value ?? null)}`;
    });
    return `{${members.join(',')}}`;
  }
}

/** Tab-separated; a tab, a newline or a backslash in a value is escaped, on a terminal all that could move its cursor. */
export function tabbedFields(names: readonly string[], options: { readonly isTTY: boolean }): Printer {
  const cells = new Cells(names);
  const cell = options.isTTY ? (text: string): string => printable(escaped(text)) : escaped;
  return {
    print: (lines) => lines.map(({ line }) => `${cells.texts(line).map(cell).join('\t')}\n`).join(''),
    end: NOTHING,
  };
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escaped(text: string): string {
  return text.replace(/[\\\t\n\r]/g, (unit) => ESCAPES[unit] ?? unit);
}

/** One JSON object a row; what is not there is null. */
export function jsonFields(names: readonly string[], options: { readonly isTTY: boolean }): Printer {
  const cells = new Cells(names);
  const print = (lines: readonly QueriedLine[]): string => lines.map(({ line }) => `${cells.json(line)}\n`).join('');
  return { print: options.isTTY ? (lines) => printableLines(print(lines)) : print, end: NOTHING };
}

/** A table for a terminal. */
export function fieldTable(names: readonly string[], screen: RowLineOptions): Printer {
  const cells = new Cells(names);
  const table = new StreamedTable(names, screen);
  return { print: (lines) => table.add(lines.map(({ line }) => cells.texts(line))), end: () => table.end() };
}
