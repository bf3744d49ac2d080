/** `ledger report`: a day or a week on a page. */
import { Argument, Option } from '../commander';
import type { Command } from 'commander';
import { printableLines } from '../../core/printable';
import { reportActivity } from '../../services/report';
import type { ActivityReport, ReportSpan } from '../../services/report';
import { rollup } from '../../services/rollup';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, formatOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { htmlPage, markdownPage } from '../reportPages';
import { sectionsOf } from '../reportSections';
import type { Report } from '../reportSections';
import { VERSION } from '../version';

type Format = 'md' | 'html' | 'json';
type Flags = GlobalFlags & { readonly day?: string; readonly format?: Format };

const HELP_BEFORE = `Examples:
  ledger report daily                                yesterday, in Markdown
  ledger report daily --day today --format html > today.html
  ledger report weekly --day 2026-11-18 --format html > week.html
`;

const HELP_AFTER = `
Spend by agent, model, customer and action, held against the caps; what was done and how it ended; what went wrong, what was
refused, which caps were raised or crossed, and what the ledger says of itself. Rows belong to the day on which they happened.
The HTML is one file without scripts or addresses, for a phone as well as for paper.
It says what the ledger holds: whether it was changed is for "ledger verify" to say.

Exit: 0 printed · 2 no ledger, or it cannot be read`;

/** What spend is told by. */
const MEMBERS = ['agent', 'model', 'customer_id', 'action'];

export function registerReport(program: Command, io: Io): void {
  const command = program
    .command('report')
    .summary('a day or a week on a page: spend, caps, what went wrong; Markdown or HTML')
    .description('Print a report.')
    .addHelpText('before', HELP_BEFORE)
    .addArgument(new Argument('<span>', 'how long').choices(['daily', 'weekly']))
    .option('--day <day>', 'a day in it (default: the last that is over)')
    .addOption(new Option('--format <format>', 'default: md').choices(['md', 'html', 'json']))
    .addHelpText('after', HELP_AFTER)
    .action(async (span: ReportSpan) => runReport(io, span, flagsOf<Flags>(command)));
}

async function runReport(io: Io, span: ReportSpan, flags: Flags): Promise<void> {
  const format = formatOf<Format>(flags, 'md');
  const place = placeOf(flags, io);
  const asked = { place, tz: flags.tz, nowMs: io.nowMs() };
  const done = await reportActivity({ ...asked, span, day: flags.day });
  const { since, until } = done;
  const spend = [];
  for (const by of MEMBERS) {
    const period = span === 'weekly' ? ('day' as const) : undefined;
    spend.push(await rollup({ ...asked, since, until, by, period }));
  }
  const report = { done, spend };
  const page = { title: titleOf(done), subtitle: subtitleOf(done), sections: sectionsOf(report) };
  const text =
    format === 'json' ? `${jsonLine(jsonOf(report))}\n` : format === 'html' ? htmlPage(page) : markdownPage(page);
  io.stdout(io.isTTY ? printableLines(text) : text);
  io.setExit(EXIT.ok);
}

function titleOf({ span, label }: ActivityReport): string {
  return `${span === 'daily' ? 'Day' : 'Week'} ${label}`;
}

function subtitleOf({ from, to, timezone, origin, madeAt }: ActivityReport): string {
  return `${from} to ${to} (${timezone}) · ledger ${origin ?? 'unknown'} · made ${madeAt} by ledger ${VERSION}`;
}

function jsonOf({ done, spend }: Report): object {
  const { activity, notes, head, ledgerId, isOver, madeAt, ...rest } = done;
  return {
    ...rest,
    is_over: isOver,
    made_at: madeAt,
    tool: `ledger ${VERSION}`,
    ledger_id: ledgerId ?? null,
    head: head === undefined ? null : { seq: head.seq, hash: head.hash },
    activity,
    spend,
    broken_lines: notes.broken.count,
    spilled_rows: notes.spilledRows,
  };
}
