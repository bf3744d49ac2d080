/** `ledger disclose`: one sealed value, with what shows that it is the one; and whether somebody else's is. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printableLines } from '../../core/printable';
import { checkDisclosed, disclose } from '../../services/disclose';
import type { Checked } from '../../services/disclose';
import { addAccessFlags, askedBy, CONTENT_HELP } from '../access';
import type { AccessFlags } from '../access';
import { EXIT } from '../exit';
import { jsonLine, printError } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';

type Flags = GlobalFlags & AccessFlags & { readonly check?: string; readonly line?: string };

const EXAMPLES = `Examples:
  ledger disclose 41 reason                     {"seq":41,…,"salt":"…","name":"reason","value":"churn risk"}
  ledger disclose 41 payload.email > opening.json
  ledger disclose --check opening.json          does it open what stands in row 41 of this ledger?
  ledger show --raw 41 > row.json; ledger disclose --check opening.json --line row.json
  ledger disclose 41 reason | jq -cj '[.salt, .name, .value]' | sha256sum      the same by hand, for a text in ASCII
`;

const HELP = `
What is printed is all that anybody needs to see for themselves that the row holds this value: its digest is the SHA-256 of
RFC 8785 of [salt, name, value]. It tells nothing about any other field. Whether the row stands in the chain: ledger verify.

${CONTENT_HELP}

Exit: 0 here it is; with --check: it opens the field · 1 its opening was erased, or is missing; with --check: it opens
      something else · 2 no such row, not sealed, no opening, or unreadable`;

export function registerDisclose(program: Command, io: Io): void {
  const command = program
    .command('disclose [row] [field]')
    .summary('one sealed value, with what shows that it is the one')
    .description('Disclose one sealed field of a row, or check what somebody disclosed.')
    .addHelpText('before', EXAMPLES)
    .option('--check <file>', 'whether this opening ("-": stdin) shows what stands in its row')
    .option('--line <file>', 'with --check: the row as its ledger holds it, in place of the ledger');
  addAccessFlags(command)
    .addHelpText('after', HELP)
    .action(async (row: string | undefined, field: string | undefined) =>
      runDisclose(io, row, field, flagsOf<Flags>(command)),
    );
}

async function runDisclose(io: Io, row: string | undefined, field: string | undefined, flags: Flags): Promise<void> {
  if (flags.check !== undefined) {
    if (row !== undefined) throw new LedgerError('USAGE', 'expected a row and field or --check, found both');
    await runCheck(io, flags, flags.check);
    return;
  }
  if (flags.line !== undefined) throw new LedgerError('USAGE', 'expected --check beside --line, found none');
  if (row === undefined || field === undefined)
    throw new LedgerError('USAGE', 'expected a row and one of its fields, found fewer words', {
      hint: 'for instance: ledger disclose 41 payload.email',
    });
  try {
    io.stdout(`${printableLines(await disclose(placeOf(flags, io), row, field, askedBy(io, flags)))}\n`);
  } catch (error) {
    const isGone = error instanceof LedgerError && GONE.includes(error.code);
    if (!isGone) throw error;
    printError(io, error, flags.json === true);
    io.setExit(EXIT.no);
  }
}

const GONE: readonly string[] = ['OPENING_ERASED', 'OPENING_MISSING'];

async function runCheck(io: Io, flags: Flags, path: string): Promise<void> {
  const line = flags.line === undefined ? undefined : firstLine(read(flags.line));
  const checked = await checkDisclosed(placeOf(flags, io), read(path === '-' ? 0 : path).toString('utf8'), line);
  io.stdout(flags.json === true ? `${jsonLine(checked)}\n` : checkedText(checked));
  io.setExit(checked.opens ? EXIT.ok : EXIT.no);
}

function checkedText({ opens, seq, field, why }: Checked): string {
  const text = opens
    ? `opens ${field} of row ${seq}`
    : `does not open ${field}${seq === null ? '' : ` of row ${seq}`}: ${why}`;
  return `${printableLines(text)}\n`;
}

function firstLine(bytes: Buffer): Buffer {
  const newline = bytes.indexOf(0x0a);
  return newline < 0 ? bytes : bytes.subarray(0, newline);
}

function read(path: string | 0): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new LedgerError('READ_FAILED', `could not read ${path === 0 ? 'stdin' : path}: ${(cause as Error).message}`, {
      ...(path === 0 ? {} : { place: { segment: path } }),
      cause,
    });
  }
}
