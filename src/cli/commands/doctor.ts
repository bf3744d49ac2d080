/** `ledger doctor`: a line for each matter, and what to do where it is not well. */
import type { Command } from 'commander';
import type { Checkup } from '../../core/checkup';
import { printable } from '../../core/printable';
import { doctor } from '../../services/doctor';
import type { DoctorReport } from '../../services/doctor';
import { colorsFor } from '../color';
import type { Colors } from '../color';
import { EXIT } from '../exit';
import type { ExitCode } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { wrapWords } from '../wrap';

const HELP_BEFORE = `Examples:
  ledger doctor
  ledger doctor -q                    only what is not well
  ledger doctor --json | jq -r '.checks[] | select(.health!="ok") | .advice'
`;

const HELP_AFTER = `
Looks at the disk, the file system, owner and modes, config, lock, clock, tail, spill, heals, quarantine, index and the
runtime. It writes nothing. Whether the rows are what they were: ledger verify.

Exit: 0 well, perhaps with warnings · 1 something is bad · 2 no ledger to look at`;

export function registerDoctor(program: Command, io: Io): void {
  const command = program
    .command('doctor')
    .summary('is everything well around the ledger, and what to do where not')
    .description('Look at everything around the ledger.')
    .addHelpText('before', HELP_BEFORE)
    .addHelpText('after', HELP_AFTER)
    .action(async () => runDoctor(io, flagsOf<GlobalFlags>(command)));
}

async function runDoctor(io: Io, flags: GlobalFlags): Promise<void> {
  const report = await doctor(placeOf(flags, io), io.nowMs());
  io.setExit(exitOf(report));
  if (flags.json === true) {
    io.stdout(`${jsonLine(report)}\n`);
    return;
  }
  const colors = await colorsFor(io, flags);
  const shown = flags.quiet === true ? report.checks.filter(({ health }) => health !== 'ok') : report.checks;
  const width = io.isTTY ? io.columns : Infinity;
  io.stdout(shown.map((check) => lines(check, colors, width)).join(''));
}

function exitOf({ ledger, health }: DoctorReport): ExitCode {
  if (!ledger) return EXIT.failed;
  return health === 'bad' ? EXIT.no : EXIT.ok;
}

const MARGIN = 18;

function lines({ name, health, message, advice }: Checkup, colors: Colors, width: number): string {
  const paint = { ok: colors.good, warn: colors.warn, bad: colors.bad }[health];
  const room = Math.max(24, width - MARGIN);
  const [first = '', ...rest] = wrapWords(printable(message), room);
  const out = [`${paint(health.padEnd(5))} ${name.padEnd(MARGIN - 7)} ${first}`, ...rest.map(indented)];
  if (advice !== null) {
    const [todo = '', ...more] = wrapWords(printable(advice), room - 2);
    out.push(indented(colors.bold(`→ ${todo}`)), ...more.map((text) => indented(colors.bold(`  ${text}`))));
  }
  return `${out.join('\n')}\n`;
}

const indented = (text: string): string => `${' '.repeat(MARGIN)}${text}`;
