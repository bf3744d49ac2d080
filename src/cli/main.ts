/** From argv to an exit code. Commands are loaded on demand: an append loads only what an append needs. */
import { Command, CommanderError } from 'commander';
import { EXIT } from './exit';
import type { ExitCode } from './exit';
import { printError } from './io';
import type { Io } from './io';
import { addGlobalFlags } from './options';

declare const LEDGER_VERSION: string | undefined;

type Register = (program: Command, io: Io) => void;

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Register>;
  /** The code for "could not", where 2 would be taken for somebody else's. */
  readonly failed?: ExitCode;
}

/** In the order of the help. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  init: {
    summary: 'create a ledger: state folder, first row, commented config',
    load: async () => (await import('./commands/init')).registerInit,
  },
  append: {
    summary: 'append rows: from flags, from one JSON object, or from a pipe ("-")',
    load: async () => (await import('./commands/append')).registerAppend,
  },
  run: {
    summary: 'run a command between two rows: what, how it ended, how long it took',
    load: async () => (await import('./commands/run')).registerRun,
    failed: 125,
  },
  import: {
    summary: 'bring in an existing JSON-lines log, each line once',
    load: async () => (await import('./commands/import')).registerImport,
  },
  sweep: {
    summary: 'find torn lines, set them aside, heal; chain what waits; for cron',
    load: async () => (await import('./commands/sweep')).registerSweep,
  },
  verify: {
    summary: 'is every row what its writer wrote? names the first bad row',
    load: async () => (await import('./commands/verify')).registerVerify,
  },
  rollup: {
    summary: 'what was spent: exact sums by day and by any member, against caps',
    load: async () => (await import('./commands/rollup')).registerRollup,
  },
  show: {
    summary: 'one row: its members, its hash, its links',
    load: async () => (await import('./commands/show')).registerShow,
  },
  tail: {
    summary: 'the last rows, and with -f those that come',
    load: async () => (await import('./commands/tail')).registerTail,
  },
  doctor: {
    summary: 'is everything well around the ledger, and what to do where not',
    load: async () => (await import('./commands/doctor')).registerDoctor,
  },
};

const HELP = `
Examples:
  ledger append --agent coder --action tool.call --cost-usd 0.0123
  ledger run -- make test
  ledger verify
  ledger rollup --by agent --cap 5.00

Exit: 0 yes, done · 1 the negative answer (broken, over the cap, damage) · 2 could not answer · 3 yes, within a stated scope`;

/** Runs one command line; the exit code is set on `io`. */
export async function main(argv: readonly string[], io: Io): Promise<void> {
  const program = new Command('ledger');
  addGlobalFlags(program)
    .description('An append-only, tamper-evident audit ledger in plain JSON lines.')
    .version(typeof LEDGER_VERSION === 'string' ? LEDGER_VERSION : '0.0.0-source', '--version')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.stdout(text),
      writeErr: (text) => io.stderr(text),
      outputError: () => undefined,
    })
    .exitOverride()
    .addHelpText('after', HELP);
  const name = argv.find((word) => Object.hasOwn(COMMANDS, word));
  for (const [command, { summary, load }] of Object.entries(COMMANDS)) {
    if (command === name) (await load())(program, io);
    else program.command(command).summary(summary).description(summary);
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    io.setExit((name === undefined ? undefined : COMMANDS[name]?.failed) ?? EXIT.failed);
    if (error instanceof CommanderError) usageError(io, error, argv);
    else printError(io, error, argv.includes('--json'));
  }
}

/** Help and version are answers; everything else that the parser says is a usage error. */
function usageError(io: Io, error: CommanderError, argv: readonly string[]): void {
  // The bare command: its help was the answer.
  if (error.code === 'commander.help') return;
  const message = error.message.replace(/^error: /, '');
  if (argv.includes('--json')) io.stderr(`${JSON.stringify({ error: { code: 'USAGE', message } })}\n`);
  else io.stderr(`ledger: error: ${message}\nledger: hint: see "ledger --help"\n`);
}
