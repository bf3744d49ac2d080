/** The program that signs the ledger: a clock asks for it, where little came since the last time. */
import { registerCheckpoint } from './commands/checkpoint';
import { processIo } from './io';
import { main } from './main';
import type { CommandTable } from './main';

const SIGNING: CommandTable = { checkpoint: { summary: '', load: () => Promise.resolve(registerCheckpoint) } };

void main(process.argv.slice(2), processIo(), SIGNING);
