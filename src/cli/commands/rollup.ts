/** `ledger rollup`: what was spent, by whom, against which cap. */
import { Option } from '../commander';
import type { Command } from 'commander';
import { printable, printableLines } from '../../core/printable';
import type { RollupReport } from '../../core/rollup';
import { rollup } from '../../services/rollup';
import type { MissingCosts, RollupOptions } from '../../services/rollup';
import { colorsFor } from '../color';
import { EXIT, worst } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, formatOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { closedText, rollupCsv, rollupMarkdown, rollupText } from '../rollupText';

type Format = 'table' | 'json' | 'csv' | 'md';

interface RollupFlags {
  readonly day?: string;
  readonly since?: string;
  readonly until?: string;
  readonly period?: 'day' | 'week' | 'month';
  readonly by?: string;
  readonly cap?: string;
  readonly missing: MissingCosts;
  readonly format?: Format;
  readonly csvGuard: boolean;
}

type Flags = RollupFlags & GlobalFlags;

const HELP_BEFORE = `Examples:
  ledger rollup                                  today, in your zone
  ledger rollup --by agent --cap 5.00            exit 1 once more than 5.00 is spent
  ledger rollup --period day --since -7d         a line for each day
  ledger rollup --since @0 --by model --format csv
`;

const HELP_AFTER = `
Times: 2026-01-31, "2026-01-31 10:00", 2026-01-31T10:00:00Z, today, yesterday, now, -1h, -3d, -2w, @epoch.
A row counts when it happened (occurred_at, else ts). Days are those of --tz, else of the config's timezone, else
of this machine; with day_start in the config they start later than midnight.
Caps are judged in the periods that lie wholly in the window; one that the window cuts is named as not judged. A cap per
run is held against the whole run, for each run that spent something in the window.
With -q the table, and how many rows have no cost, is printed only where something is wrong: cron mails only then.
A day that was closed ("ledger close-day") and got rows since shows them as an adjustment; a cap that was raised for a
time ("ledger override") is judged by the most that it was raised to within the period.
Sums are exact, and are of what the file holds: whether it was changed is for "ledger verify" to say.

Exit: 0 at or under every cap, also with no rows · 1 over a cap · 2 no ledger, or it cannot be read ·
      3 costs are missing and --missing is fail`;

export function registerRollup(program: Command, io: Io): void {
  const command = program
    .command('rollup')
    .summary('what was spent: exact sums by day and by any member, against caps')
    .description('Add up cost_usd, exactly.')
    .addHelpText('before', HELP_BEFORE)
    .option('--day <day>', 'one day (default: today)')
    .option('--since <time>', 'from this moment on, inclusive')
    .option('--until <time>', 'up to this moment, exclusive')
    .addOption(new Option('--period <unit>', 'a line for each').choices(['day', 'week', 'month']))
    .option('--by <member>', 'a line for each value of a member: agent, action, model, run_id, or one of your own')
    .option('--cap <usd>', 'a cap on the window, or on each --period')
    .addOption(new Option('--missing <how>', 'rows without a cost').choices(['ignore', 'warn', 'fail']).default('warn'))
    .addOption(new Option('--format <format>', 'default: table').choices(['table', 'json', 'csv', 'md']))
    .option('--no-csv-guard', 'CSV: leave text that a spreadsheet would run as a formula as it is')
    .addHelpText('after', HELP_AFTER)
    .action(async () => runRollup(io, flagsOf<Flags>(command)));
}

async function runRollup(io: Io, flags: Flags): Promise<void> {
  const format = formatOf<Format>(flags, 'table');
  const { day, since, until, period, by, cap: capUsd, missing, tz } = flags;
  const given: Partial<RollupOptions> = { day, since, until, period, by, capUsd, missing, tz };
  const report = await rollup({ ...given, place: placeOf(flags, io), nowMs: io.nowMs() });
  const missingFails = missing === 'fail' && report.total.rows_without_cost > 0;
  const code = worst([report.over_cap ? EXIT.no : EXIT.ok, missingFails ? EXIT.scoped : EXIT.ok]);
  const nothingWrong = flags.quiet === true && code === EXIT.ok;
  if (!nothingWrong || format !== 'table') io.stdout(await shown(io, flags, report, format));
  if (format !== 'json') tellWarnings(io, report, nothingWrong);
  if (format === 'csv') tellBeside(io, report);
  io.setExit(code);
}

/** Rows without a cost are there every day: with -q they are told of where something is wrong, or cron mails every day. */
function tellWarnings(io: Io, { warnings }: RollupReport, nothingWrong: boolean): void {
  for (const { code, message } of warnings)
    if (!nothingWrong || code !== 'COSTS_MISSING') io.stderr(`ledger: warning: ${printable(message)}\n`);
}

/** A CSV has lines of sums and nothing else; the other formats show caps and closed days themselves. */
function tellBeside(io: Io, { caps, closed_days: days, window }: RollupReport): void {
  for (const day of days)
    for (const text of closedText(day, window.label)) io.stderr(`ledger: warning: ${printable(text)}\n`);
  for (const { cap_usd: cap, periods } of caps)
    for (const { label, spent_usd: spent, over } of periods)
      if (over) io.stderr(`ledger: warning: ${printable(label)}: ${spent} USD spent, over the cap of ${cap}\n`);
}

function csvOf(flags: Flags, report: RollupReport): string {
  return rollupCsv(report, { guard: flags.csvGuard });
}

async function shown(io: Io, flags: Flags, report: RollupReport, format: Format): Promise<string> {
  switch (format) {
    case 'json':
      return `${jsonLine(report)}\n`;
    case 'csv':
      // A file takes every character; a terminal shows none raw.
      return io.isTTY ? printableLines(csvOf(flags, report)) : csvOf(flags, report);
    case 'md':
      return rollupMarkdown(report);
    case 'table':
      return rollupText(report, { width: io.columns, bars: io.isTTY, colors: await colorsFor(io, flags) });
  }
}
