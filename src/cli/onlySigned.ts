/** The program with the commands that are quick because of what is signed already: they read little else than themselves. */
import { registerCheckpoint } from './commands/checkpoint';
import { registerVerify } from './commands/verify';
import { processIo } from './io';
import { main } from './main';
import type { CommandTable } from './main';

const SIGNED: CommandTable = {
  checkpoint: { summary: '', load: () => Promise.resolve(registerCheckpoint) },
  verify: { summary: '', load: () => Promise.resolve(registerVerify) },
};

void main(process.argv.slice(2), processIo(), SIGNED);
