/** The program that checks evidence: whoever has a bundle waits for little else than the program itself. */
import { LedgerError } from '../core/errors';
import { registerBundle } from './commands/bundle';
import { processIo } from './io';
import { main } from './main';
import type { CommandTable } from './main';

const noCreate = (): Promise<never> =>
  Promise.reject(new LedgerError('INVARIANT', 'internal: a program that only checks was asked to make a bundle'));

const CHECKING: CommandTable = {
  bundle: { summary: '', load: () => Promise.resolve((program, io) => registerBundle(program, io, noCreate)) },
};

void main(process.argv.slice(2), processIo(), CHECKING);
