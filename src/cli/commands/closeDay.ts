/** `ledger close-day`: what a day cost, written down once. */
import type { Command } from 'commander';
import { printable } from '../../core/printable';
import { closeDay } from '../../services/closeDay';
import type { CloseDayResult } from '../../services/closeDay';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { talkOf, warn } from '../talk';

interface Flags extends GlobalFlags {
  readonly day?: string;
}

const HELP_BEFORE = `Examples:
  ledger close-day                        yesterday
  ledger close-day --day 2026-01-31
  5 0 * * *  ledger close-day -q          from cron
`;

const HELP_AFTER = `
One row, spend.day-closed: the day's exact sum, in all and by agent, customer, model, playbook, action, run and whatever
caps are narrowed to, and up to which row that was counted (through_seq, head). A row counts when it happened, as in
"ledger rollup"; the day is that of --tz, else of the config's timezone, else of this machine.

A day is closed once; again is a duplicate and changes nothing. A row that comes later and counts in a closed day shows in
"ledger rollup" of that day as an adjustment, and rows that were counted and add up to something else now as a warning.

Exit: 0 closed, or it was already · 2 the day is not over, no ledger, a broken one, or it could not be written`;

export function registerCloseDay(program: Command, io: Io): void {
  const command = program
    .command('close-day')
    .summary('write down what a day cost; what comes later shows as an adjustment')
    .description('Close a day: append one row with what it cost.')
    .addHelpText('before', HELP_BEFORE)
    .option('--day <day>', 'which day (default: yesterday)')
    .addHelpText('after', HELP_AFTER)
    .action(async () => runCloseDay(io, flagsOf<Flags>(command)));
}

async function runCloseDay(io: Io, flags: Flags): Promise<void> {
  const { day, tz } = flags;
  const result = await closeDay({ place: placeOf(flags, io), day, tz, nowMs: io.nowMs(), events: talkOf(io, flags) });
  if (result.other_hours) {
    const { timezone, day_start: start } = result.closed;
    warn(io, `the day was closed with other hours (${String(timezone)}, days start at ${String(start)}): that stands`);
  }
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else if (flags.quiet !== true) io.stdout(`${closedText(result)}\n`);
  io.setExit(EXIT.ok);
}

function closedText({ status, seq, id, hours, closed }: CloseDayResult): string {
  const { day, spent_usd: spent, rows, rows_without_cost: missing, timezone, through_seq: through } = closed;
  const without = missing === 0 ? '' : `, ${String(missing)} without a cost`;
  const what = `${String(spent)} USD in ${String(rows)} row${rows === 1 ? '' : 's'}${without}`;
  const how = status === 'closed' ? `closed ${String(day)}` : `${String(day)} was closed already`;
  const where = `(${String(timezone)}, ${hours} h, up to row ${String(through)})`;
  return printable(`${how}: ${what} ${where}  ${status === 'closed' ? 'landed' : status} seq=${seq} id=${id}`);
}
