/** From argv to an exit code. Commands are loaded on demand: an append loads only what an append needs. */
import { Command, CommanderError } from './commander';
import { EXIT } from './exit';
import type { ExitCode } from './exit';
import { printError, refuseMangledArguments } from './io';
import type { Io } from './io';
import { addGlobalFlags, commandName, refuseRepeats } from './options';
import { tellUsage } from './usage';
import { VERSION } from './version';

type Register = (program: Command, io: Io) => void;

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Register>;
  /** The code for "could not" of a command line, where 2 would be taken for somebody else's. */
  readonly failed?: (argv: readonly string[]) => ExitCode;
}

export type CommandTable = Readonly<Record<string, CommandEntry>>;

const EXAMPLES = `Examples:
  ledger append --agent coder --action tool.used --cost-usd 0.0123
  ledger run -- make test
  ledger verify
  ledger rollup --by agent --cap 5.00
`;

const HELP = `
Exit: 0 yes, done · 1 the negative answer (broken, over the cap, damage) · 2 could not answer · 3 yes, within a stated scope`;

/** Runs one command line; the exit code is set on `io`. `commands` is in the order of the help. */
export async function main(argv: readonly string[], io: Io, commands: CommandTable): Promise<void> {
  const first = commandName(argv);
  // "ledger help verify" shows what "ledger verify --help" shows.
  const name = first === 'help' ? commandName(argv.slice(argv.indexOf(first) + 1)) : first;
  const run = await programOf(name, io, commands);
  await run(argv);
}

/**
 * The program with one command loaded, the others named; it runs one command line after the other.
 * @param runPlain runs a command line that needs no parser; undefined for one that does
 */
export async function programOf(
  name: string | undefined,
  io: Io,
  commands: CommandTable,
  runPlain: (argv: readonly string[]) => Promise<void> | undefined = () => undefined,
): Promise<(argv: readonly string[]) => Promise<void>> {
  const program = new Command('ledger');
  addGlobalFlags(program)
    .description('An append-only, tamper-evident audit ledger in plain JSON lines.')
    .version(VERSION, '--version')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => io.stdout(text),
      writeErr: (text) => io.stderr(text),
      outputError: () => undefined,
    })
    .exitOverride()
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', HELP);
  for (const [command, { summary, load }] of Object.entries(commands)) {
    if (command === name) (await load())(program, io);
    else program.command(command).summary(summary).description(summary);
  }
  const beginAnew = refuseRepeats(program);
  return async (argv) => {
    try {
      beginAnew();
      refuseMangledArguments(argv);
      await (runPlain(argv) ?? program.parseAsync(argv, { from: 'user' }));
    } catch (error) {
      if (error instanceof CommanderError && error.exitCode === 0) return;
      io.setExit((name === undefined ? undefined : commands[name]?.failed?.(argv)) ?? EXIT.failed);
      // The bare command: its help was the answer.
      if (error instanceof CommanderError && error.code === 'commander.help') return;
      const command = name !== undefined && name in commands ? name : undefined;
      if (error instanceof CommanderError) tellUsage(io, error, { command, json: argv.includes('--json') });
      else printError(io, error, argv.includes('--json'));
    }
  };
}
