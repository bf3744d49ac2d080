/**
 * What the parser of the command line has to say, in our words: what was expected, what was found, and the help that
 * tells more.
 *
 *   option '--min-rows <n>' argument 'x' is invalid. expected a number of rows.
 *   → expected a number of rows after --min-rows, found "x"
 */
import { printError } from './io';
import type { Io } from './io';
import { LedgerError } from '../core/errors';

interface ParserError {
  readonly code: string;
  readonly message: string;
}

type Reworded = (...found: string[]) => string;

const REWORDED: readonly (readonly [RegExp, Reworded])[] = [
  [/^option '(?:-\w, )?(--[\w-]+) .*' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s, choiceOf],
  [/^option '(?:-\w, )?(--[\w-]+) .*' argument '(.*)' is invalid\. expected (.*)\.$/s, valueOf],
  [
    /^option '(?:-\w, )?(--[\w-]+) (.*)' argument missing$/,
    (flag, value) => `expected ${value} after ${flag}, found nothing`,
  ],
  [/^command-argument value '(.*)' is invalid for argument '(.*)'\. Allowed choices are (.*)\.$/s, operandOf],
  [/^missing required argument '(.*)'$/, (name) => `expected <${name}>, found nothing`],
  [/^too many arguments(?: for '(.*)')?\. Expected (\d+) arguments? but got (\d+)\.$/, countOf],
];

function choiceOf(flag = '', found = '', choices = ''): string {
  return `expected one of ${choices} after ${flag}, found ${JSON.stringify(found)}`;
}

function valueOf(flag = '', found = '', wanted = ''): string {
  return `expected ${wanted} after ${flag}, found ${JSON.stringify(found)}`;
}

function operandOf(found = '', name = '', choices = ''): string {
  return `expected one of ${choices} as <${name}>, found ${JSON.stringify(found)}`;
}

function countOf(command = '', wanted = '', found = ''): string {
  const words = wanted === '0' ? 'no argument' : wanted === '1' ? 'one argument' : `${wanted} arguments`;
  return `expected ${words} of "${command}", found ${found}`;
}

/** Tells a usage error; `command` is the one whose help says more. */
export function tellUsage(
  io: Io,
  error: ParserError,
  { command, json }: { command: string | undefined; json: boolean },
): void {
  const [said = '', meant] = error.message.replace(/^error: /, '').split(/\n\(Did you mean (?:one of )?(.*)\?\)$/s);
  const rule = REWORDED.map(([pattern, reword]) => ({ match: pattern.exec(said), reword })).find(({ match }) => match);
  const message = rule?.match ? rule.reword(...rule.match.slice(1)) : said;
  const help = `see "ledger ${command === undefined ? '' : `${command} `}--help"`;
  const hint = meant === undefined ? help : `did you mean ${meant}? ${help}`;
  printError(io, new LedgerError('USAGE', message, { hint }), json);
}
