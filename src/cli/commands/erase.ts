/** `ledger erase`: what would show the value of a sealed field is taken out for good. */
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { erase } from '../../services/erase';
import type { EraseResult } from '../../services/erase';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { talkOf } from '../talk';

type Flags = GlobalFlags & { readonly reason?: string; readonly actor?: string };

const EXAMPLES = `Examples:
  ledger erase 41 payload.email --reason "erasure request 2026-17"
  ledger erase 41 payload.email --reason "erasure request 2026-17" --actor dpo
`;

const HELP = `
The row stays as it is, with the digest in it, and every hash and signature with it. Gone is what shows the value: its
opening in sealed.jsonl is overwritten, once a row audit.erasure says who wanted that, and why. Without its salt nobody can
guess the value from the digest. Copies elsewhere (backups, what was disclosed before) are not in its reach.

Once is enough: again, it finishes what a crash left half-done, or says that it is done.

Exit: 0 it is gone · 2 no such row, not sealed, no reason, or it could not be recorded: then all is as it was`;

export function registerErase(program: Command, io: Io): void {
  const command = program
    .command('erase <row> <field>')
    .summary('take a sealed value out for good; a row says who and why')
    .description('Erase the opening of one sealed field. Every verification stays as it was.')
    .addHelpText('before', EXAMPLES)
    .option('--reason <text>', 'why (required)')
    .option('--actor <name>', 'who wants it (default: the OS account)')
    .addHelpText('after', HELP)
    .action(async (row: string, field: string) => runErase(io, row, field, flagsOf<Flags>(command)));
}

async function runErase(io: Io, row: string, field: string, flags: Flags): Promise<void> {
  const { reason, actor } = flags;
  if (reason === undefined)
    throw new LedgerError('USAGE', 'expected --reason, found none: an erasure is never undone', {
      hint: 'say why, for instance --reason "erasure request 2026-17"',
    });
  const result = await erase({ place: placeOf(flags, io), row, field, reason, actor, events: talkOf(io, flags) });
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else if (flags.quiet !== true) io.stdout(`${printable(textOf(result))}\n`);
  io.setExit(EXIT.ok);
}

function textOf({ status, field, seq, erasure_seq: by }: EraseResult): string {
  const what = `${field} of row ${seq}`;
  switch (status) {
    case 'erased':
      return `erased ${what}; row ${by} says so`;
    case 'finished':
      return `erased ${what}: finished what row ${by} had begun`;
    case 'already':
      return `${what} was erased before, by row ${by}`;
    case 'recorded':
      return `nothing to erase: the opening of ${what} was missing before; row ${by} says so`;
  }
}
