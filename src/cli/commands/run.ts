/** `ledger run`: a command between two rows. stdout is the command's own; what we say goes to stderr. */
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { MEASURED, statusOf } from '../../core/runRows';
import { runCommand } from '../../services/run';
import type { RunResult } from '../../services/run';
import { printError } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { addRowFlags, rowFromFlags } from '../rowFlags';
import { talkOf, tellIgnored, tellNotStarted, warn } from '../talk';

type Flags = { readonly recordArgs?: boolean } & GlobalFlags &
  Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

const HELP_BEFORE = `Examples:
  ledger run -- make test
  ledger run --agent coder --authority TICKET-12 -- ./deploy.sh staging
  ledger run --record-args -- pg_dump -Fc shop     arguments may hold secrets: recorded only when asked
`;

const HELP_AFTER = `
The command sees LEDGER_RUN_ID and LEDGER_DIR, so what it appends joins the run. A run within a run gets an id of its
own, and parent_run_id. --cost-usd and token counts are recorded with the end; outcome and duration are measured.
A start without an end shows a process that died. Signals are passed on to the command.

Exit: the command's own status, 128+n if signal n ended it · 125 the start could not be recorded (or wrong usage), and
      nothing was started · 126 not executable · 127 not found`;

export function registerRun(program: Command, io: Io): void {
  const command = program
    .command('run [command...]')
    .summary('run a command between two rows: what, how it ended, how long it took')
    .description('Run a command and record its start and its end.')
    .usage('[options] -- <command> [args...]')
    .addHelpText('before', HELP_BEFORE);
  addRowFlags(command, MEASURED)
    .option('--record-args', "record the command's arguments too")
    .addHelpText('after', HELP_AFTER)
    .action(async (words: readonly string[]) => runRun(io, words, flagsOf<Flags>(command)));
}

async function runRun(io: Io, command: readonly string[], flags: Flags): Promise<void> {
  if (command.length === 0) {
    throw new LedgerError('USAGE', 'expected a command after "--", found none', { hint: 'ledger run -- make test' });
  }
  tellIgnored(io);
  const result = await runCommand({
    place: placeOf(flags, io),
    flags: rowFromFlags(flags),
    command,
    recordArgs: flags.recordArgs === true,
    events: talkOf(io, flags),
    onSpilled: (error) => warn(io, `the start of the run waits in the spill file: ${error.message}`),
  });
  tellEnd(io, command[0] ?? '', result);
  io.setExit(statusOf(result.end));
}

function tellEnd(io: Io, program: string, { end, completed }: RunResult): void {
  tellNotStarted(io, program, end);
  if (completed.status === 'spilled')
    warn(io, `the end of the run waits in the spill file: ${completed.error.message}`);
  if (completed.status !== 'refused') return;
  warn(io, 'the end of the run could not be recorded');
  printError(io, completed.error, false);
  if ('row' in completed && completed.row !== undefined) io.stderr(`${completed.row}\n`);
}
