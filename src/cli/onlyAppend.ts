/** The program with `append` alone. */
import type { Command } from 'commander';
import { LedgerError } from '../core/errors';
import { registerAppend } from './commands/append';
import { processIo } from './io';
import type { Io } from './io';
import { main } from './main';

const noEnforcement = (): never => {
  throw new LedgerError('INVARIANT', 'internal: --enforce in the program that has none of it');
};
const append = {
  summary: '',
  load: () => Promise.resolve((program: Command, io: Io) => registerAppend(program, io, noEnforcement)),
};

void main(process.argv.slice(2), processIo(), { append });
