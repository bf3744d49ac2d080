/** `ledger sql`: one question in SQL. */
import { Option } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printableLines } from '../../core/printable';
import { sql, sqlColumns } from '../../services/sql';
import type { SqlAnswer, SqlResult } from '../../services/sql';
import { ACCESS_HELP, addAccessFlags, askedBy } from '../access';
import type { AccessFlags } from '../access';
import { colorsFor } from '../color';
import { EXIT } from '../exit';
import type { Io } from '../io';
import { flagsOf, formatOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { progressOf } from '../progress';
import { drained } from '../stop';
import { StreamedTable } from '../streamedTable';
import { csvRecord, textLines } from '../table';
import { warn } from '../talk';

type Format = 'table' | 'json' | 'csv';
type Flags = GlobalFlags &
  AccessFlags & { readonly schema?: boolean; readonly format?: Format; readonly csvGuard: boolean };

const HELP_BEFORE = `Examples:
  ledger sql "SELECT agent, count(*), sum(cost_nanos) / 1e9 AS usd FROM rows WHERE counts GROUP BY agent ORDER BY usd DESC"
  ledger sql "SELECT date(time) AS day, sum(cost_usd) FROM rows WHERE counts GROUP BY day" --format csv
  ledger sql "SELECT seq, payload ->> '$.exit_status' AS status FROM rows WHERE status <> 0"
  ledger sql --schema
`;

const HELP_AFTER = `
One SELECT, in SQLite's SQL, over the table rows: a row for each line of the ledger, a column for each known member.
Nothing can be changed by it. The first question reads the whole ledger into columns.db, beside the index; that may be
deleted at any time, and later questions only add what is new. Where it cannot be written, a temporary table does.
The sum of cost_nanos is exact; cost_usd is a double. Where a member has no value there is NULL, and absent is not zero.
A question that takes too long is ended by Ctrl-C, or by "timeout 10 ledger sql …": nothing is left half-done.
The answer is what the file says, and was when it was read: whether it was changed is for "ledger verify" to say.
${ACCESS_HELP}
The columns payload and other are not in the table then.

Exit: 0 there are rows · 1 there is none · 2 no such statement, no ledger, or it cannot be read`;

export function registerSql(program: Command, io: Io): void {
  const command = program
    .command('sql')
    .summary('one question in SQL about the rows, read-only')
    .description('Ask in SQL.')
    .addHelpText('before', HELP_BEFORE);
  addAccessFlags(command)
    .argument('[statement]', 'a SELECT over the table rows')
    .option('--schema', 'the columns of the table')
    .option('--raw', 'with the columns that hold content')
    .addOption(new Option('--format <format>', 'default: table').choices(['table', 'json', 'csv']))
    .option('--no-csv-guard', 'CSV: leave text that a spreadsheet would run as a formula as it is')
    .addHelpText('after', HELP_AFTER)
    .action(async (statement: string | undefined) => runSql(io, statement, flagsOf<Flags>(command)));
}

async function runSql(io: Io, statement: string | undefined, flags: Flags): Promise<void> {
  const format = formatOf<Format>(flags, 'table');
  if (flags.schema === true) {
    if (statement !== undefined) throw new LedgerError('USAGE', 'expected either a statement or --schema, found both');
    io.stdout(schemaText(io, format));
    return;
  }
  if (statement === undefined)
    throw new LedgerError('USAGE', 'expected a statement, found none', {
      hint: 'for instance: ledger sql "SELECT agent, count(*) FROM rows GROUP BY agent"; columns: ledger sql --schema',
    });
  const progress = progressOf(io, flags, 'reading');
  const asked = { place: placeOf(flags, io), statement, reading: askedBy(io, flags) };
  const answer = await sql({ ...asked, onProgress: progress.show }).finally(() => progress.end());
  try {
    const found = await printRows(io, answer, await printerFor(io, flags, { format, columns: answer.columns }));
    tellNotes(io, flags, answer);
    io.setExit(found ? EXIT.ok : EXIT.no);
  } finally {
    answer.close();
  }
}

function schemaText(io: Io, format: Format): string {
  if (format === 'json') return `${JSON.stringify({ table: 'rows', columns: sqlColumns.map(described) })}\n`;
  const rows = sqlColumns.map(({ name, type, meaning }) => [name, type, meaning]);
  const columns = ['column', 'type', 'meaning'].map((title) => ({ title, align: 'left' as const }));
  if (format === 'csv') return [['column', 'type', 'meaning'], ...rows].map((row) => csvRecord(row, true)).join('');
  return textLines({ columns, rows }, io.isTTY ? io.columns : Infinity)
    .map((line) => `${line}\n`)
    .join('');
}

const described = ({ name, type, meaning }: (typeof sqlColumns)[number]): object => ({ name, type, meaning });

interface Printer {
  readonly begin: string;
  readonly row: (values: readonly SqlResult[], isFirst: boolean) => string;
  readonly end: () => string;
}

const BATCH_CHARS = 64 << 10;

/** Whether there was a row. A reader that goes away ends it. */
async function printRows(io: Io, { rows }: SqlAnswer, { begin, row, end }: Printer): Promise<boolean> {
  let text = begin;
  let found = false;
  for (const values of rows) {
    text += row(values, !found);
    found = true;
    if (text.length < BATCH_CHARS) continue;
    if (!io.stdout(text) || !(await drained())) return true;
    text = '';
  }
  io.stdout(text + end());
  return found;
}

interface Printed {
  readonly format: Format;
  readonly columns: readonly string[];
}

async function printerFor(io: Io, flags: Flags, { format, columns }: Printed): Promise<Printer> {
  const safe = (text: string): string => (io.isTTY ? printableLines(text) : text);
  switch (format) {
    case 'json': {
      const names = columns.map((name) => JSON.stringify(name));
      const row = (values: readonly SqlResult[], isFirst: boolean): string =>
        safe(`${isFirst ? '' : ',\n'}{${values.map((value, i) => `${names[i] ?? '""'}:${jsonOf(value)}`).join(',')}}`);
      return { begin: '[', row, end: () => ']\n' };
    }
    case 'csv': {
      const row = (values: readonly SqlResult[]): string => safe(csvRecord(values.map(textOf), flags.csvGuard));
      return { begin: safe(csvRecord(columns, flags.csvGuard)), row, end: () => '' };
    }
    case 'table': {
      const table = new StreamedTable(columns, {
        width: io.isTTY ? io.columns : Infinity,
        colors: await colorsFor(io, flags),
      });
      return { begin: '', row: (values) => table.add([values.map(textOf)]), end: () => table.end() };
    }
  }
}

function textOf(value: SqlResult): string {
  if (value === null) return '';
  return value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex')}'` : String(value);
}

/** Whole numbers of any size are written as they are. */
function jsonOf(value: SqlResult): string {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? JSON.stringify(textOf(value)) : JSON.stringify(value);
}

function tellNotes(io: Io, flags: Flags, { brokenLines, tornBytes, spilledRows }: SqlAnswer): void {
  if (flags.quiet === true) return;
  if (brokenLines > 0) warn(io, `lines that are no rows, and not among these: ${brokenLines}; see "ledger verify"`);
  if (tornBytes > 0) warn(io, `${tornBytes} bytes behind the last row are torn; see "ledger sweep"`);
  if (spilledRows > 0)
    warn(
      io,
      `rows that wait in the spill file, and are not among these: ${spilledRows}; "ledger sweep" chains what waits`,
    );
}
