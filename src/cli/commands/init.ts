/** `ledger init`: a ledger with a name, its lock and a commented config. */
import { Option } from '../commander';
import type { Command } from 'commander';
import type { LockKind } from '../../core/ownRows';
import { printable } from '../../core/printable';
import { initLedger } from '../../services/init';
import type { InitResult } from '../../services/init';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';

interface Flags extends GlobalFlags {
  readonly origin?: string;
  readonly lock?: LockKind;
}

const HELP_BEFORE = `Examples:
  ledger init
  ledger init --origin ledger.example.com/agents      the name that every later proof carries
  ledger --dir /var/lib/ledger/state init --lock lockfile   for a network file system
`;

const HELP_AFTER = `
Origin and lock are said in row 1 and never change. An append creates a missing ledger too, without a config.
kernel: excludes other writers; released when its holder dies. lockfile: for network file systems and platforms
without the native part; an overlap of two writers is detected, not excluded.

Exit: 0 created, or the same ledger is there already · 2 another ledger is there, or it cannot be created`;

export function registerInit(program: Command, io: Io): void {
  const command = program
    .command('init')
    .summary('create a ledger: state folder, first row, commented config')
    .description('Create a ledger. Nothing that exists is replaced.')
    .addHelpText('before', HELP_BEFORE)
    .option('--origin <name>', 'what this ledger is called in proofs (default: local/<its id>)')
    .addOption(
      new Option('--lock <kind>', 'how writers exclude each other (default: kernel)').choices(['kernel', 'lockfile']),
    )
    .addHelpText('after', HELP_AFTER)
    .action(async () => runInit(io, flagsOf<Flags>(command)));
}

async function runInit(io: Io, flags: Flags): Promise<void> {
  const { origin, lock } = flags;
  const result = await initLedger({ place: placeOf(flags, io), origin, lock });
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else {
    if (flags.quiet !== true) io.stdout(prose(result));
    for (const note of result.notes) io.stderr(`ledger: note: ${printable(note)}\n`);
  }
  io.setExit(EXIT.ok);
}

function prose(result: InitResult): string {
  const { status, config } = result;
  const lines = [
    [status === 'created' ? 'created' : 'is there', result.dir],
    ['ledger id', result.ledger_id],
    ['origin', result.origin],
    ['lock', result.lock],
    ['config', `${config.path}${config.status === 'kept' ? ' (was there, left as it is)' : ''}`],
  ];
  return lines.map(([name = '', value = '']) => `${name.padEnd(10)} ${printable(value)}\n`).join('');
}
