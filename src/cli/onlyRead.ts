/** The program with the commands that answer from a few rows alone: most of their wait is for the program itself. */
import { registerProve } from './commands/prove';
import { registerQuery } from './commands/query';
import { registerReconstruct } from './commands/reconstruct';
import { registerShow } from './commands/show';
import { registerTail } from './commands/tail';
import { processIo } from './io';
import { main } from './main';
import type { CommandTable } from './main';

const READING: CommandTable = {
  query: { summary: '', load: () => Promise.resolve(registerQuery) },
  prove: { summary: '', load: () => Promise.resolve(registerProve) },
  show: { summary: '', load: () => Promise.resolve(registerShow) },
  tail: { summary: '', load: () => Promise.resolve(registerTail) },
  reconstruct: { summary: '', load: () => Promise.resolve(registerReconstruct) },
};

void main(process.argv.slice(2), processIo(), READING);
