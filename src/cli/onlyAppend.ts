/** The program with `append` alone: for one command line, or for those of a shell, one after the other. */
import type { Command } from 'commander';
import { LedgerError } from '../core/errors';
import { KeptWriter } from '../services/append';
import { appendPlain, registerAppend } from './commands/append';
import type { AppendAround } from './commands/append';
import { answerShell } from './coprocess';
import { processIo } from './io';
import type { Io } from './io';
import { main, programOf } from './main';
import type { CommandTable } from './main';

const notHere = (): never => {
  throw new LedgerError('INVARIANT', 'internal: --enforce or --sign in the program that has none of it');
};
const ALONE: AppendAround = { loadEnforcement: notHere, loadSigning: notHere };

function appendAlone(around: AppendAround = ALONE): CommandTable {
  const register = (program: Command, io: Io): void => registerAppend(program, io, around);
  return { append: { summary: '', load: () => Promise.resolve(register) } };
}

async function coprocess(ownerPid: number, notes: number | undefined): Promise<void> {
  const writers = new KeptWriter();
  await answerShell({ ownerPid, notes }, async (io, onWriting) => {
    const around = { ...ALONE, writers, onWriting };
    const runPlain = ([quiet, append, ...words]: readonly string[]): Promise<void> | undefined =>
      quiet === '-q' && append === 'append' ? appendPlain(words, io, around) : undefined;
    return programOf('append', io, appendAlone(around), runPlain);
  });
  await writers.close();
}

const argv = process.argv.slice(2);
const [name, ownerPid, notes] = argv;
if (name === 'coprocess') void coprocess(Number(ownerPid), notes === undefined ? undefined : Number(notes));
else void main(argv, processIo(), appendAlone());
