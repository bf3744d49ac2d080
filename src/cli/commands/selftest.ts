/** `ledger selftest`: plays attacks on a scratch ledger, and prints what caught each of them. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { ATTACKS, UNCAUGHT } from '../../core/attacks/list';
import { selftest } from '../../services/selftest';
import { attackList, selftestText } from '../attackText';
import { colorsFor } from '../color';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { collect, flagsOf } from '../options';
import type { GlobalFlags } from '../options';
import { counterOf } from '../progress';
import { stopOnSignal } from '../stop';

type Flags = GlobalFlags & {
  readonly attacks?: boolean;
  readonly list?: boolean;
  readonly only?: readonly string[];
  readonly keep?: boolean;
};

const HELP_BEFORE = `Examples:
  ledger selftest --attacks                       play every attack; about 20 s
  ledger selftest --attacks --only edit-byte      one of them
  ledger selftest --attacks --only stolen-key --keep    … and look at what it left
  ledger selftest --list                          which there are, what catches them, what is left
`;

const HELP_AFTER = `
Each attack is played on a fresh copy of a scratch ledger, which this very program makes in a temporary folder: rows, a signed
approval, checkpoints, a remembered head, anchors (a folder; a repository, where git is there), sealed fields, a bundle, a proof.
First nothing may be amiss. Then files are changed, and it is shown which. Then whatever is to catch it, "ledger verify" mostly,
must name the code and the row, with --json, in prose and with --quiet, with the right exit code each time, and must name nothing
else. Your ledger, keys, settings and home are neither read nor written.

The table is that of docs/guarantees.md, with what each layer leaves open; what nothing catches stands below it.

Exit: 0 every attack went as it must · 1 one was not caught, or caught as something else · 2 could not be played`;

export function registerSelftest(program: Command, io: Io): void {
  const command = program
    .command('selftest')
    .summary('attacks on a scratch ledger: is each caught, by what, and what is left')
    .description('Attack a scratch ledger, and see that each attack is caught.')
    .addHelpText('before', HELP_BEFORE)
    .option('--attacks', 'play the attacks')
    .option('--only <name>', 'this one alone (repeatable)', collect)
    .option('--keep', 'keep what each attack leaves, and say where')
    .option('--list', 'show the attacks, and play none')
    .addHelpText('after', HELP_AFTER)
    .allowExcessArguments()
    .action(async () => {
      refuseWords(command.args);
      await runSelftest(io, flagsOf<Flags>(command));
    });
}

/** The name of an attack alone is what most people try. */
function refuseWords([word]: readonly string[]): void {
  if (word === undefined) return;
  const name = ATTACKS.some((attack) => attack.name === word) ? word : '<name>';
  throw new LedgerError('USAGE', `expected no argument of "selftest", found ${JSON.stringify(word)}`, {
    hint: `ledger selftest --attacks --only ${name}`,
  });
}

async function runSelftest(io: Io, flags: Flags): Promise<void> {
  const { attacks = false, list = false, only, keep = false } = flags;
  if (attacks === list)
    throw new LedgerError('USAGE', `expected one of --attacks and --list, found ${attacks ? 'both' : 'none'}`, {
      hint: 'ledger selftest --attacks',
    });
  const width = io.isTTY ? io.columns : 100;
  const colors = await colorsFor(io, flags);
  if (list) {
    if (only !== undefined || keep) throw new LedgerError('USAGE', 'expected --only and --keep with --attacks alone');
    io.stdout(flags.json === true ? `${jsonLine({ attacks: ATTACKS, uncaught: UNCAUGHT })}\n` : attackList({ colors, width })); // prettier-ignore
    return;
  }
  const counter = counterOf(io, flags, 'attacks');
  const program = [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? '')];
  const stop = stopOnSignal();
  const asked = { program, env: io.env, keep, only, signal: stop.signal, onPlayed: counter.show };
  const result = await selftest(asked)
    .catch((error: unknown) => {
      // What was under way when it was ended failed with it.
      if (!stop.signal.aborted) throw error;
    })
    .finally(() => counter.end());
  if (result === undefined || stop.signal.aborted) return io.setExit(stop.exitOr(EXIT.failed));
  const isGood = result.as_expected === result.played;
  if (flags.json === true) io.stdout(`${jsonLine({ ...result, uncaught: UNCAUGHT })}\n`);
  else if (flags.quiet !== true || !isGood)
    io.stdout(selftestText(result, { colors, width, quiet: flags.quiet === true }));
  io.setExit(isGood ? EXIT.ok : EXIT.no);
}
