/** `ledger erase`: what would show the value of a sealed field is taken out for good. */
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { erase } from '../../services/erase';
import type { EraseResult, EraseWhat } from '../../services/erase';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { talkOf } from '../talk';

type Flags = GlobalFlags & { readonly reason?: string; readonly actor?: string; readonly digest?: string };

const EXAMPLES = `Examples:
  ledger erase 41 payload.email --reason "erasure request 2026-17"
  ledger erase 41 payload.email --reason "erasure request 2026-17" --actor dpo
  ledger erase --digest 9f2c… --reason "request 2026-17"     an opening that belongs to no row: "ledger verify" names them
`;

const HELP = `
The row stays as it is, with the digest in it, and every hash and signature with it. Gone is what shows the value: its
opening in sealed.jsonl is overwritten, once a row audit.erasure says who wanted that, and why. Without its salt nobody can
guess the value from the digest. Copies elsewhere (backups, what was disclosed before) are not in its reach.

Other openings of the same field and value that belong to no row (a crash, a row that was signed and not appended) go with it.
Where several rows hold the same seal, they are named: what opened it in one opened it in all.

Once is enough: again, it finishes what a crash left half-done, or says that it is done.

Exit: 0 it is gone · 2 no such row, not sealed, no reason, a changed line of sealed.jsonl that may hold it, or it could not be
      recorded: then all is as it was`;

export function registerErase(program: Command, io: Io): void {
  const command = program
    .command('erase [row] [field]')
    .summary('take a sealed value out for good; a row says who and why')
    .description('Erase the opening of one sealed field. Every verification stays as it was.')
    .addHelpText('before', EXAMPLES)
    .option('--reason <text>', 'why (required)')
    .option('--digest <hex>', 'in place of row and field: the opening with this digest')
    .option('--actor <name>', 'who wants it (default: the OS account)')
    .addHelpText('after', HELP)
    .action(async (row: string | undefined, field: string | undefined) =>
      runErase(io, row, field, flagsOf<Flags>(command)),
    );
}

async function runErase(io: Io, row: string | undefined, field: string | undefined, flags: Flags): Promise<void> {
  const { reason, actor } = flags;
  const what = whatOf(row, field, flags.digest);
  if (reason === undefined)
    throw new LedgerError('USAGE', 'expected --reason, found none: an erasure is never undone', {
      hint: 'say why, for instance --reason "erasure request 2026-17"',
    });
  const result = await erase({ place: placeOf(flags, io), what, reason, actor, events: talkOf(io, flags) });
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else if (flags.quiet !== true) io.stdout(`${printable(textOf(result))}\n`);
  io.setExit(EXIT.ok);
}

function whatOf(row: string | undefined, field: string | undefined, digest: string | undefined): EraseWhat {
  if (digest !== undefined && row === undefined) return { digest };
  if (digest === undefined && row !== undefined && field !== undefined) return { row, field };
  const found = digest === undefined ? 'fewer words' : 'both';
  throw new LedgerError('USAGE', `expected a row and one of its fields, or --digest, found ${found}`, {
    hint: 'for instance: ledger erase 41 payload.email --reason "request 17"',
  });
}

function textOf(result: EraseResult): string {
  const { seq, rows, copies } = result;
  const others = rows.filter((one) => one !== seq);
  const also = others.length === 0 ? '' : `; row ${others.join(', ')} held the same seal`;
  const more =
    copies === 0
      ? ''
      : `; so ${copies === 1 ? 'is 1 opening' : `are ${copies} openings`} of the same value that no row had`;
  return `${statusText(result)}${also}${more}`;
}

function statusText({ status, field, seq, digest, erasure_seq: by }: EraseResult): string {
  const what = seq === null ? `the opening ${digest.slice(0, 12)}…` : `${field} of row ${seq}`;
  switch (status) {
    case 'erased':
      return `erased ${what}; row ${by} says so`;
    case 'finished':
      return `erased ${what}: finished what row ${by} had begun`;
    case 'already':
      return `${what} was erased before, by row ${by}`;
    case 'recorded':
      return `nothing to erase: ${seq === null ? what : `the opening of ${what}`} was missing before; row ${by} says so`;
  }
}
