/** The program that verifies: what came since the last signature is little, and then the program itself is most of the wait. */
import { registerVerify } from './commands/verify';
import { processIo } from './io';
import { main } from './main';
import type { CommandTable } from './main';

const VERIFYING: CommandTable = { verify: { summary: '', load: () => Promise.resolve(registerVerify) } };

void main(process.argv.slice(2), processIo(), VERIFYING);
