/** Colour, and whether there is any: only on a terminal that wants it. The home of chalk, which is loaded only then. */
import type { Io } from './io';
import type { GlobalFlags } from './options';

export interface Colors {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
}

const plain = (text: string): string => text;
export const NO_COLORS: Colors = { bold: plain, dim: plain, good: plain, warn: plain, bad: plain };

export async function colorsFor(io: Io, flags: GlobalFlags): Promise<Colors> {
  const unwanted = flags.color === false || Boolean(io.env['NO_COLOR']) || io.env['TERM'] === 'dumb';
  if (!io.isTTY || unwanted) return NO_COLORS;
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  return { bold: chalk.bold, dim: chalk.dim, good: chalk.green, warn: chalk.yellow, bad: chalk.red };
}
