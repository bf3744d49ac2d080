/** `ledger prove`: writes a file that shows something of the ledger to who has nothing else of it. */
import { InvalidArgumentError } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable, printableLines } from '../../core/printable';
import { proveConsistency, proveEquivocation, proveRow, refuseTakenPlace, writeProof } from '../../services/prove';
import type { Proved } from '../../services/prove';
import { addAccessFlags, askedBy } from '../access';
import type { AccessFlags } from '../access';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { collect, flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { warn } from '../talk';

interface ProveFlags {
  readonly consistency?: boolean;
  readonly equivocation?: boolean;
  readonly size?: number;
  readonly hashOnly?: boolean;
  readonly key?: readonly string[];
  readonly out?: string;
}

type Flags = GlobalFlags & AccessFlags & ProveFlags;

const HELP_BEFORE = `Examples:
  ledger prove 41 --out row41.tlog-proof          row 41 is in the ledger that was signed last
  ledger prove 41 --size 1000                     … that was signed at 1000 rows
  ledger prove --consistency 1000 2000            the ledger of 2000 rows begins with that of 1000
  ledger prove --consistency kept-elsewhere.txt   … the newest one with a checkpoint that somebody kept
  ledger prove --equivocation one.txt other.txt   two ledgers were signed as one
  ledger verify row41.tlog-proof --key ops.pub    what the other side does
`;

const HELP_AFTER = `
What a file proves is checked by the file alone, and the public key of who signs checkpoints: with "ledger verify FILE", or
with any library for RFC 6962 and C2SP signed notes. A row has 20 hashes in a ledger of a million rows, and nothing
of any other row is shown by them. The file holds the row's line; with --hash-only its hash alone.
Where the config says "access": {"raw": "break-glass"} it is the hash alone, unless --reason says why: a row says so first.
Nothing is proved of rows behind the newest checkpoint: ledger checkpoint.

Exit: 0 here is the file · 2 no such row or checkpoint, or there is nothing to prove`;

export function registerProve(program: Command, io: Io): void {
  const command = program
    .command('prove')
    .argument('[what...]', 'the seq of a row; two sizes or checkpoints; two files with a checkpoint each')
    .summary('a file that shows a stranger: this row was in it, it only grew, two were signed as one')
    .description('Prove to somebody who has nothing else of the ledger.')
    .addHelpText('before', HELP_BEFORE)
    .option('--consistency', 'that the ledger only grew from one checkpoint to another (default: the newest)')
    .option('--equivocation', 'that two checkpoints contradict each other')
    .option('--size <n>', 'a row: by the checkpoint of so many rows (default: the newest)', sizeOf)
    .option('--hash-only', 'a row: without its line, that is, what it says')
    .option('--key <key>', 'an equivocation: who may have signed (repeatable; default: as the config says)', collect)
    .option('-o, --out <file>', 'write it there, a new file (default, and -: to stdout)');
  addAccessFlags(command)
    .addHelpText('after', HELP_AFTER)
    .action(async (words: string[]) => runProve(io, words, flagsOf<Flags>(command)));
}

const POSITIVE = /^[1-9][0-9]{0,14}$/;

function sizeOf(text: string): number {
  if (!POSITIVE.test(text)) throw new InvalidArgumentError('expected a number of rows.');
  return Number(text);
}

async function runProve(io: Io, words: readonly string[], flags: Flags): Promise<void> {
  if (flags.out === '') throw new LedgerError('USAGE', 'expected a file after --out, found an empty name');
  const out = flags.out === '-' ? undefined : flags.out;
  if (out !== undefined) refuseTakenPlace(placeOf(flags, io), out);
  const proved = await proveAsked(io, words, flags);
  if (out !== undefined) writeProof(out, proved);
  if (flags.json === true) io.stdout(`${jsonLine({ ...proved, out: out ?? null })}\n`);
  else if (out === undefined) io.stdout(io.isTTY ? printableLines(proved.proof) : proved.proof);
  else if (flags.quiet !== true) io.stdout(`${printable(out)}: ${printable(saidBy(proved))}\n`);
  if (flags.quiet !== true) tellScope(io, flags, proved);
  io.setExit(EXIT.ok);
}

async function proveAsked(io: Io, words: readonly string[], flags: Flags): Promise<Proved> {
  const { consistency = false, equivocation = false } = flags;
  refuseOthers(flags);
  const place = placeOf(flags, io);
  const [first = '', second, third] = words;
  if (equivocation) {
    if (second === undefined || third !== undefined) throw wrongWords('two files with a checkpoint each', words);
    return proveEquivocation(place, [first, second], flags.key ?? []);
  }
  if (consistency) {
    if (first === '' || third !== undefined) throw wrongWords('one or two sizes of checkpoints', words);
    return proveConsistency(place, words);
  }
  if (!POSITIVE.test(first) || second !== undefined) throw wrongWords('the seq of one row', words);
  const { size, hashOnly = false } = flags;
  return proveRow({ place, seq: Number(first), size, hashOnly, reading: askedBy(io, flags) });
}

function wrongWords(wanted: string, words: readonly string[]): LedgerError {
  const found = words.length === 0 ? 'nothing' : words.map((word) => JSON.stringify(word)).join(' ').slice(0, 200); // prettier-ignore
  return new LedgerError('USAGE', `expected ${wanted}, found ${found}`, { hint: 'ledger prove --help' });
}

function refuseOthers(flags: Flags): void {
  const { consistency, equivocation, size, hashOnly, reason, reader, key } = flags;
  const usage = (message: string): LedgerError => new LedgerError('USAGE', message);
  if (consistency === true && equivocation === true)
    throw usage('expected --consistency or --equivocation, found both');
  const ofRow = size ?? hashOnly ?? reason ?? reader;
  if ((consistency ?? equivocation) === true && ofRow !== undefined)
    throw usage('expected --size, --hash-only, --reason and --reader with a row alone, found them with checkpoints');
  if (equivocation !== true && key !== undefined)
    throw usage('expected --key with --equivocation alone: whoever verifies a proof says whose key counts');
  if (hashOnly === true && (reason ?? reader) !== undefined)
    throw usage('expected no --reason with --hash-only, which shows nothing of the row, found one');
}

function saidBy({ kind, origin, sizes, hashes, row }: Proved): string {
  const [size = 0, larger = 0] = sizes;
  const by = `${hashes} ${hashes === 1 ? 'hash' : 'hashes'}`;
  if (kind === 'consistency') return `${origin} at ${larger} rows begins with that at ${size}, by ${by}`;
  if (kind === 'equivocation') return `two ledgers of ${size} rows were signed as ${origin}`;
  const what = row?.shown === true ? `row ${row.seq}` : `the hash of row ${row?.seq ?? 0}`;
  return `${what} is in ${origin} at ${size} rows, by ${by}`;
}

function tellScope(io: Io, { hashOnly }: Flags, { kind, row, signatures }: Proved): void {
  if (row?.shown === false && hashOnly !== true)
    io.stderr(
      'ledger: note: the file has the hash of the row alone: it is a tombstone, or its line is shown with --reason "…" alone\n',
    );
  if (kind === 'equivocation' && signatures === 'not-checked')
    warn(io, 'nobody is trusted to sign here: whether the signatures are real was not checked (--key)');
}
