/** Fills the table that SQL is asked about from the lines of a ledger. */
import { STORED_COLUMNS } from '../../core/sqlColumns';
import { rowObject } from '../../core/storedRow';
import { ShapedInserter } from '../index/shapedInserter';
import type { Database, SqlValue } from '../index/sqlite';
import { blocksForward, eachLine } from '../query/lineBlocks';
import type { Lines } from '../query/lineBlocks';

const quoted = (name: string): string => `"${name}"`;

/** The columns as SQL defines them. Rows come out in the order in which they stand, also where a forged seq stands there twice. */
export const COLUMN_DEFINITIONS = [
  'position INTEGER PRIMARY KEY',
  ...STORED_COLUMNS.map(({ name, type }) => `${quoted(name)} ${type}`),
].join(', ');

/** The tables that `rows` is made of. */
export const STORED_TABLES = ['stored_rows', 'newer_rows'] as const;

const INSERTED = ['position', ...STORED_COLUMNS.map(({ name }) => quoted(name))].map((name) => ({
  name,
  missing: null,
}));

export interface Filled {
  readonly rows: number;
  /** Lines that are no rows: no JSON object, one with white space around it, one nested too deep. */
  readonly brokenLines: number;
}

/**
 * Inserts all lines, in one transaction where the caller began one.
 * @param after how many rows stand before them
 */
export async function fillColumns(
  database: Database,
  { table, after }: { readonly table: string; readonly after: number },
  lines: Lines,
  onBytes: (bytes: number, rows: number) => void,
): Promise<Filled> {
  const inserter = new ShapedInserter(database, table, INSERTED);
  const values: SqlValue[] = new Array<SqlValue>(INSERTED.length).fill(null);
  let [brokenLines, rows] = [0, 0];
  for await (const block of blocksForward(lines)) {
    const { bytes, overlong } = block;
    if (overlong) brokenLines++;
    eachLine(block, (start, end) => {
      const line = rowObject(bytes.subarray(start, end));
      if (line === undefined) {
        brokenLines++;
        return;
      }
      values[0] = after + ++rows;
      for (let i = 1; i < values.length; i++) values[i] = STORED_COLUMNS[i - 1]?.value(line) ?? null;
      inserter.add(values);
    });
    onBytes(bytes.length, rows);
  }
  inserter.flush();
  return { rows, brokenLines };
}
