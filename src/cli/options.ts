/** What every command understands, resolved once: flags, then environment, then config, then default. */
import type { Command } from 'commander';
import { LedgerError } from '../core/errors';
import type { Io } from './io';

/** The global flags as commander hands them over. */
export interface GlobalFlags {
  readonly dir?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly tz?: string;
}

/** Where the ledger is looked for, as the services take it. */
export interface PlaceOptions {
  readonly dir: string;
  readonly configPath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function addGlobalFlags(program: Command): Command {
  return program
    .option('--dir <path>', 'state folder (default: $LEDGER_DIR, else ./state)')
    .option('--config <file>', 'settings (default: ledger.config.json beside the state folder)')
    .option('--json', 'answer as JSON')
    .option('-q, --quiet', 'only what went wrong')
    .option('--no-color', 'no colour (also: NO_COLOR, TERM=dumb, not a terminal)')
    .option('--tz <zone>', 'IANA time zone, for instance Europe/Berlin');
}

/** Of an option that may be given several times: all that it was given. */
export const collect = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];

/** Those of a shell alias, which a later one overrides. */
const REPEATABLE: ReadonlySet<string> = new Set(['dir', 'config', 'tz']);

/**
 * An option that is given two values says neither: a row must not get the last one in silence.
 * @returns begins the next command line
 */
export function refuseRepeats(program: Command): () => void {
  const given = new Set<string>();
  for (const command of [program, ...program.commands]) {
    for (const option of command.options.filter(({ required }) => required)) {
      const name = option.name();
      if (REPEATABLE.has(name) || option.parseArg === collect) continue;
      command.on(`option:${name}`, () => {
        if (given.has(name)) throw new LedgerError('USAGE', `expected --${name} once, found it twice`);
        given.add(name);
      });
    }
  }
  return () => given.clear();
}

const WITH_VALUE: ReadonlySet<string> = new Set(['--dir', '--config', '--tz']);

/** The command of a command line: its first word that is no flag and no global flag's value. */
export function commandName(argv: readonly string[]): string | undefined {
  return argv.find((word, i) => !word.startsWith('-') && !WITH_VALUE.has(argv[i - 1] ?? ''));
}

/** @throws LedgerError USAGE: an empty folder name is a variable that was not set, not the current folder */
export function placeOf(flags: GlobalFlags, io: Io): PlaceOptions {
  if (flags.dir === '') throw new LedgerError('USAGE', 'expected a folder after --dir, found an empty name');
  return { dir: flags.dir ?? (io.env['LEDGER_DIR'] || './state'), configPath: flags.config, env: io.env };
}

/** What a command's action gets: its own flags and the global ones. */
export function flagsOf<T extends object>(command: Command): T & GlobalFlags {
  return command.optsWithGlobals<T & GlobalFlags>();
}

/**
 * What `--format` says, where `--json` may say it too.
 * @throws LedgerError USAGE where they say two things
 */
export function formatOf<F extends string>(
  { json, format }: { readonly json?: boolean; readonly format?: F },
  otherwise: F,
): F | 'json' {
  if (json !== true) return format ?? otherwise;
  if (format !== undefined && format !== 'json')
    throw new LedgerError('USAGE', `expected one format, found --json and --format ${format}`);
  return 'json';
}
