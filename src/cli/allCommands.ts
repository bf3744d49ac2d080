/** The program with every command. */
import { COMMANDS } from './commandTable';
import { processIo } from './io';
import { main } from './main';

void main(process.argv.slice(2), processIo(), COMMANDS);
