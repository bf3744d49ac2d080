/** The program with `append` alone. */
import { registerAppend } from './commands/append';
import { processIo } from './io';
import { main } from './main';

const append = { summary: '', load: () => Promise.resolve(registerAppend) };

void main(process.argv.slice(2), processIo(), { append });
