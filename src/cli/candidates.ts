/**
 * What may come next on a command line, from the definitions of the commands themselves: commands, flags, the choices of a
 * flag, and values that the last rows of the ledger hold. A value that could garble a terminal is not proposed.
 */
import { CALLER_MEMBER_NAMES } from '../core/members';
import type { CallerMember } from '../core/members';
import { printable } from '../core/printable';
import { lastSeqs, openReservations, valuesOf } from '../services/seen';
import type { Seen } from '../services/seen';
import { Command } from './commander';
import type { Option } from './commander';
import type { Io } from './io';
import type { CommandTable } from './main';
import { addGlobalFlags, commandName } from './options';
import type { PlaceOptions } from './options';

/** Members whose values are few, and come again. */
const COME_AGAIN: readonly CallerMember[] = [
  'agent',
  'action',
  'run_id',
  'model',
  'customer_id',
  'playbook',
  'actor',
  'role',
  'provider',
  'outcome',
];
const LAST_ROWS = 20;
const HELP: Seen = { value: '--help', about: 'show help' };

interface Line {
  /** The words before the one that is typed. */
  readonly before: readonly string[];
  readonly word: string;
}

/** @param words what follows `ledger`; the last one is being typed, and may be empty */
export async function candidatesFor(
  words: readonly string[],
  io: Io,
  commands: CommandTable,
): Promise<readonly Seen[]> {
  const line = { before: words.slice(0, -1), word: words.at(-1) ?? '' };
  // Behind it is another program's command line.
  if (line.before.includes('--')) return [];
  const name = commandName(line.before);
  const program = addGlobalFlags(new Command('ledger'));
  const load = name === undefined ? undefined : commands[name]?.load;
  if (load !== undefined) (await load())(program, io);
  const command = program.commands.find((one) => one.name() === name);
  const options = [...(command?.options ?? []), ...program.options];
  const found =
    valuesAfterFlag(line, options, io) ?? (isFlag(line.word) ? flags(options) : operands(line, command, io, commands));
  return found.filter(({ value }) => value !== '' && printable(value) === value).map(({ value, about }) => ({ value, about: printable(about) })); // prettier-ignore
}

const isFlag = (word: string): boolean => word.startsWith('-');

function flags(options: readonly Option[]): readonly Seen[] {
  const shown = options.filter(({ hidden }) => !hidden);
  return [...shown.map(({ long, short, description }) => ({ value: long ?? short ?? '', about: description })), HELP];
}

/** Undefined where the word is no flag's value. Empty: nothing is known of it. */
function valuesAfterFlag({ before, word }: Line, options: readonly Option[], io: Io): readonly Seen[] | undefined {
  const joined = /^(--[a-z-]+)=/.exec(word);
  const flag = joined?.[1] ?? before.at(-1);
  const option = flag === undefined ? undefined : options.find((one) => [one.long, one.short].includes(flag));
  if (option?.required !== true) return undefined;
  const values = option.argChoices?.map((value) => ({ value, about: '' })) ?? valuesOfMember(option, before, io);
  return joined === null ? values : values.map(({ value, about }) => ({ value: `${flag}=${value}`, about }));
}

function valuesOfMember(option: Option, before: readonly string[], io: Io): readonly Seen[] {
  const member = CALLER_MEMBER_NAMES.find((name) => `--${name.replaceAll('_', '-')}` === option.long);
  if (member === 'provenance') return ['live', 'sample', 'fallback'].map((value) => ({ value, about: '' }));
  return member !== undefined && COME_AGAIN.includes(member) ? valuesOf(placeIn(before, io), member) : [];
}

function operands({ before }: Line, command: Command | undefined, io: Io, commands: CommandTable): readonly Seen[] {
  const name = command?.name() ?? commandName(before);
  if (name === undefined || name === 'help')
    return Object.entries(commands).map(([value, { summary }]) => ({ value, about: summary }));
  if (name === 'show') return lastSeqs(placeIn(before, io), LAST_ROWS);
  if (name === 'settle' || name === 'release') return openReservations(placeIn(before, io));
  return command?.registeredArguments[0]?.argChoices?.map((value) => ({ value, about: '' })) ?? [];
}

/** The ledger that the command line speaks of. */
function placeIn(before: readonly string[], io: Io): PlaceOptions {
  const given = (flag: string): string | undefined => {
    const at = before.lastIndexOf(flag);
    return at < 0 ? before.findLast((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1) : before[at + 1];
  };
  return { dir: given('--dir') || io.env['LEDGER_DIR'] || './state', configPath: given('--config'), env: io.env };
}
