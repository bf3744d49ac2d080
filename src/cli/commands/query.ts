/** `ledger query`: the rows that conditions take, or figures over them. */
import { InvalidArgumentError } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import type { Zone } from '../../core/day';
import { query, summarise } from '../../services/query';
import type { Conditions, Query, QueryRequest, SummaryRequest } from '../../services/query';
import { ACCESS_HELP, addAccessFlags, askedBy } from '../access';
import type { AccessFlags } from '../access';
import { colorsFor } from '../color';
import { addConditions, CONDITIONS_HELP, conditionsOf, tellNotes, tellWindow } from '../conditions';
import type { ConditionFlags } from '../conditions';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf } from '../options';
import type { GlobalFlags } from '../options';
import { progressOf } from '../progress';
import { fieldNames, fieldTable, jsonFields, rowLines, storedLines, tabbedFields } from '../queryOutput';
import type { Printer } from '../queryOutput';
import { summaryJson, summaryText } from '../querySummary';
import { printed, stopOnSignal } from '../stop';
import { tellFollowed, warn } from '../talk';

interface QueryFlags extends ConditionFlags, AccessFlags {
  readonly fields?: string;
  readonly count?: boolean;
  readonly groupBy?: string;
  readonly sum?: string;
  readonly avg?: string;
  readonly p50?: string;
  readonly p95?: string;
  readonly lines?: number;
  readonly reverse?: boolean;
  readonly follow?: boolean;
  readonly afterContext?: number;
  readonly beforeContext?: number;
  readonly cursorFile?: string;
}

type Flags = QueryFlags & GlobalFlags;

const HELP_BEFORE = `Examples:
  ledger query agent=coder outcome!=success --since yesterday
  ledger query run_id=r1 -B 2                       with two rows before each
  ledger query 'reason~timeout|refused' --count
  ledger query 'cost_usd>=0.5' --fields ts,agent,cost_usd -n 20
  ledger query --where 'payload.exit_status != 0 && agent in ["coder","writer"]'
  ledger query --since -7d --group-by agent --sum cost_usd --p95 duration_ms
  ledger query outcome=failure --cursor-file ~/.ledger-seen      for cron: only what is new; with -q only whether
`;

const HELP_AFTER = `
${CONDITIONS_HELP}
In a pipe, or with --raw, the stored lines, byte for byte; on a terminal a line of columns. With --fields tab-separated
values, or with --json an object a row. Sums are exact; a percentile is the value at its rank.
-n takes the last matches, -r shows the newest first, -f goes on with those that come (and begins with the last 10).
It shows what the file says, found by the index where there is one: whether it was changed is for "ledger verify" to say.
${ACCESS_HELP}

Exit: 0 something matches · 1 nothing does · 2 no ledger, or it cannot be read · 130, 143, 129 ended by SIGINT,
      SIGTERM, SIGHUP`;

export function registerQuery(program: Command, io: Io): void {
  const command = program
    .command('query')
    .summary('find rows by any field, or figures over them; grep for ledgers')
    .description('Find rows by conditions.')
    .addHelpText('before', HELP_BEFORE);
  addAccessFlags(addConditions(command))
    .option('--fields <a,b>', 'only these fields of each row')
    .option('--count', 'only how many there are')
    .option('--group-by <a,b>', 'a line for each value of these fields')
    .option('--sum <a,b>', 'the sum of these fields')
    .option('--avg <a,b>', 'their mean')
    .option('--p50 <a,b>', 'their median')
    .option('--p95 <a,b>', 'their 95th percentile')
    .option('-n, --lines <n>', 'the last so many', countOf)
    .option('-r, --reverse', 'the newest first')
    .option('-f, --follow', 'go on with rows that come')
    .option('-A, --after-context <n>', 'so many rows after each', countOf)
    .option('-B, --before-context <n>', 'so many rows before each', countOf)
    .option('--cursor-file <file>', 'begin behind the row that this file names, and note there how far it went')
    .option('--raw', 'the stored lines')
    .addHelpText('after', HELP_AFTER)
    .action(async (conditions: string[]) => runQuery(io, conditions, flagsOf<Flags>(command)));
}

function countOf(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('expected a number of rows.');
  return Number(text);
}

async function runQuery(io: Io, terms: readonly string[], flags: Flags): Promise<void> {
  const conditions = { ...conditionsOf(io, terms, flags), reading: askedBy(io, flags) };
  const measures = measuresOf(flags);
  if (flags.count === true || flags.groupBy !== undefined || measures.length > 0)
    await printSummary(io, flags, { ...conditions, measures, by: listOf(flags.groupBy) });
  else await printRows(io, flags, conditions);
}

const MEASURES = ['sum', 'avg', 'p50', 'p95'] as const;

function measuresOf(flags: Flags): SummaryRequest['measures'] {
  return MEASURES.flatMap((kind) => listOf(flags[kind]).map((field) => ({ kind, field })));
}

function listOf(text: string | undefined): string[] {
  return text === undefined ? [] : fieldNames(text);
}

const ROWS_ONLY = ['fields', 'lines', 'reverse', 'follow', 'afterContext', 'beforeContext', 'cursorFile'] as const;

async function printSummary(io: Io, flags: Flags, request: SummaryRequest): Promise<void> {
  const other = ROWS_ONLY.find((name) => flags[name] !== undefined);
  if (other !== undefined) {
    const flag = `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new LedgerError(
      'USAGE',
      `expected either rows or figures over them, found ${flag} beside --count, --group-by, --sum, --avg, --p50 or --p95`,
    );
  }
  const progress = progressOf(io, flags, 'query');
  const summary = await summarise({ ...request, onProgress: progress.show }).finally(() => progress.end());
  const isCount = request.by.length === 0 && request.measures.length === 0;
  if (flags.json === true) io.stdout(`${jsonLine(summaryJson(summary, request))}\n`);
  else if (flags.quiet !== true && isCount) io.stdout(`${summary.total.rows}\n`);
  else if (flags.quiet !== true)
    io.stdout(summaryText(summary, request, { width: io.columns, bars: io.isTTY, colors: await colorsFor(io, flags) }));
  if (isCount) tellWindow(io, flags, summary.window, summary.zone);
  tellNotes(io, flags, summary.notes);
  if (summary.notLiveRows > 0 && request.measures.length > 0 && flags.quiet !== true)
    warn(
      io,
      `${summary.notLiveRows} of these rows are sample or fallback, not live, and are in these figures; "provenance!~sample|fallback" leaves them out`,
    );
  io.setExit(summary.total.rows > 0 ? EXIT.ok : EXIT.no);
}

async function printRows(io: Io, flags: Flags, conditions: Conditions & Pick<QueryRequest, 'reading'>): Promise<void> {
  const stop = stopOnSignal();
  const { lines: lastRows, reverse = false, follow = false, cursorFile } = flags;
  const found = await query({
    ...conditions,
    fields: listOf(flags.fields),
    lastRows,
    reverse,
    follow,
    before: flags.beforeContext,
    after: flags.afterContext,
    cursorFile,
    signal: stop.signal,
  });
  tellWindow(io, flags, found.window, found.zone);
  const printer = await printerFor(io, flags, found.zone);
  const matched = await printBatches(io, flags, { found, printer, signal: stop.signal });
  tellNotes(io, flags, found.notes);
  io.setExit(stop.exitOr(matched ? EXIT.ok : EXIT.no));
}

interface Printing {
  readonly found: Query;
  readonly printer: Printer;
  readonly signal: AbortSignal;
}

/** Whether anything matched. The cursor moves when everything up to it was printed, and not where the reader went away. */
async function printBatches(io: Io, flags: Flags, { found, printer, signal }: Printing): Promise<boolean> {
  let matched = false;
  for await (const { lines, told } of found.batches) {
    matched ||= lines.length > 0;
    // Nothing is printed, and a cursor has to see the end.
    if (flags.quiet === true && matched && flags.cursorFile === undefined) return true;
    if (flags.quiet !== true && !(await printed(io, printer.print(lines)))) return matched;
    for (const one of told) tellFollowed(io, flags, one);
    if (flags.follow === true) await found.keepCursor();
    if (signal.aborted) return matched;
  }
  if (flags.quiet === true || (await printed(io, printer.end()))) await found.keepCursor();
  return matched;
}

async function printerFor(io: Io, flags: Flags, zone: Zone): Promise<Printer> {
  const { isTTY } = io;
  const raw = !isTTY || flags.raw === true;
  const names = flags.fields === undefined ? undefined : fieldNames(flags.fields);
  if (names !== undefined && flags.json === true) return jsonFields(names, { isTTY });
  if (names === undefined && (raw || flags.json === true)) return storedLines({ rules: flags.json !== true, isTTY });
  const screen = { width: io.columns, zone, colors: await colorsFor(io, flags), dated: true, nowMs: io.nowMs() };
  if (names === undefined) return rowLines(screen);
  return raw ? tabbedFields(names, { isTTY }) : fieldTable(names, screen);
}
