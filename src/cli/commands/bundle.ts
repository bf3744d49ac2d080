/** `ledger bundle`: rows as evidence for somebody who trusts neither us nor the ledger, and checking such evidence. */
import { Argument, Option } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable, printableLines } from '../../core/printable';
import type { BundleFormat, BundleReceipt, BundleWhat, createBundle } from '../../services/bundleCreate';
import { verifyBundle } from '../../services/bundleVerify';
import type { BundleReport } from '../../services/bundleVerify';
import { addAccessFlags, askedBy, CONTENT_HELP } from '../access';
import type { AccessFlags } from '../access';
import type { bundlePage } from '../bundlePage';
import { bundleText, receiptText } from '../bundleText';
import { colorsFor } from '../color';
import { EXIT } from '../exit';
import type { ExitCode } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { collect, flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { printed } from '../stop';
import { warn } from '../talk';

interface CreateFlags {
  readonly run?: string;
  readonly decision?: string;
  readonly order?: string;
  readonly query?: readonly string[];
  readonly where?: string;
  readonly day?: string;
  readonly since?: string;
  readonly until?: string;
  readonly open?: boolean;
  readonly sign?: string;
  readonly disclose?: readonly string[];
  readonly format?: BundleFormat;
  readonly out?: string;
  readonly withVerifier?: boolean;
}

type Flags = GlobalFlags &
  AccessFlags &
  CreateFlags & { readonly hmacKeyFile?: string; readonly key?: readonly string[] };

const HELP_BEFORE = `Examples:
  ledger bundle create de5b5ed3 --sign ops > de5b5ed3.json
  ledger bundle create --decision d1 --sign ops --format dir --out d1 --with-verifier
  ledger bundle create --decision d1 --sign ops --format html --out d1.html
  ledger bundle create --order ord_42 --sign ops --disclose payload.email --out ord_42.json
  ledger bundle verify de5b5ed3.json --key ops.pub
`;

const HELP_AFTER = `
create  puts all rows of a run, a decision or an order into one file, or of each run and decision that --query touches:
        line by line as they are stored, with the proof that each stands under the newest checkpoint, signed. Of any other
        row nothing is in it but hashes. It is checked before it goes out; a row that no checkpoint covers is never left
        out in silence. KEY is as for "ledger append --sign"; without it the config's "signer" signs.
        --format  json  one file (default)
                  dir   a folder that sha256sum and ssh-keygen check, with a page that says how (VERIFY.md)
                  dsse  an in-toto statement in a DSSE envelope, with the bundle in it
                  html  a page that tells the story and checks itself in the browser, without a network
verify  a file or a folder: its form, its digest, its signature, every row and its place in its stream, every proof, the
        tree head, the openings of sealed fields. By --key alone (the line or file of a public key, also several), or by
        the keys that the config trusts in the role bundle or checkpoint. A key in the bundle itself counts for nothing.

Runs and decisions that are open, or have rows behind the one that closes them, are said to be so: exit 3 of verify.
${CONTENT_HELP}
For an auditor, also without this program: docs/bundles.md.

Exit: 0 made; verify: it holds · 1 no such rows; verify: it does not hold, or is by a key that is not trusted · 2 could not: no key, no checkpoint that covers
      a row, a ledger that does not hold · 3 verify: it holds in itself, and there is no key to check by, or a stream is open`;

/** What makes bundles can also append rows: who only checks one does not wait for that to load. */
export type LoadCreate = () => Promise<{
  readonly createBundle: typeof createBundle;
  readonly bundlePage: typeof bundlePage;
}>;

export function registerBundle(program: Command, io: Io, loadCreate: LoadCreate): void {
  const command = program
    .command('bundle')
    .addArgument(new Argument('<what>', 'what to do').choices(['create', 'verify']))
    .argument('[target]', 'create: a run or a decision; verify: the file or the folder')
    .summary('evidence for somebody else: a run or a decision with its proofs, signed; and checking it')
    .description('Make evidence of whole runs and decisions, and check such evidence.')
    .addHelpText('before', HELP_BEFORE)
    .option('--run <id>', 'create: a run')
    .option('--decision <id>', 'create: a decision')
    .option('--order <id>', 'create: an order: what names it, and the runs and decisions of that')
    .option('--query <condition>', 'create: the streams of rows with FIELD=VALUE and the like (repeatable)', collect)
    .option('--where <expression>', 'create: … for which this holds')
    .option('--since <time>', 'create: … from this moment on')
    .option('--until <time>', 'create: … up to this moment')
    .option('--day <day>', 'create: … of one day')
    .option('--open', 'create: take open streams of a query, too')
    .option('--sign <key>', 'create: sign with this key')
    .option('--hmac-key-file <file>', 'sign, or check, with the secret in this file')
    .option('--disclose <field>', 'create: show this sealed field (repeatable)', collect)
    .addOption(new Option('--format <format>', 'create: as what').choices(['json', 'dir', 'dsse', 'html']))
    .option('--out <path>', 'create: where to, a new name; default, and -: standard output')
    .option('--with-verifier', 'create: put the verifier that stands alone into the folder')
    .option('--key <key>', 'verify: by this public key (repeatable)', collect);
  addAccessFlags(command)
    .addHelpText('after', HELP_AFTER)
    .action(async (what: string, target: string | undefined) => {
      const flags = flagsOf<Flags>(command);
      if (what === 'create') await create(io, target, flags, loadCreate);
      else await verify(io, target, flags);
    });
}

async function create(io: Io, target: string | undefined, flags: Flags, loadCreate: LoadCreate): Promise<void> {
  const { format = 'json', sign, hmacKeyFile, disclose = [], withVerifier = false } = flags;
  const out = outOf(flags, format);
  if (flags.key !== undefined) throw new LedgerError('USAGE', 'expected --sign with "create", found --key');
  if (sign !== undefined && hmacKeyFile !== undefined)
    throw new LedgerError('USAGE', 'expected one key to sign with, found --sign and --hmac-key-file');
  if (withVerifier && format !== 'dir')
    throw new LedgerError('USAGE', `expected --with-verifier with --format dir, found ${format}`);
  const service = await loadCreate();
  const what = whatOf(target, flags);
  const asked = { what, format, out, sign, hmacKeyFile, disclose, withVerifier, page: service.bundlePage };
  const made = await service.createBundle({ ...asked, place: placeOf(flags, io), nowMs: io.nowMs(), reading: askedBy(io, flags) }); // prettier-ignore
  if (made === undefined) {
    if (flags.quiet !== true) io.stderr('ledger: note: no such rows, so there is no bundle\n');
    io.setExit(EXIT.no);
    return;
  }
  if (made.text !== undefined) await printed(io, io.isTTY ? printableLines(made.text) : Buffer.from(made.text));
  else if (flags.json === true) io.stdout(`${jsonLine(made.told)}\n`);
  else if (flags.quiet !== true) io.stdout(receiptText(made.told));
  tellOpen(io, flags, made.told);
  tellErased(io, flags, made.told);
  io.setExit(EXIT.ok);
}

function tellErased(io: Io, { quiet }: Flags, { erased }: BundleReceipt): void {
  if (quiet === true) return;
  for (const { seq, field, erasure_seq: by } of erased)
    warn(io, `${printable(field)} of row ${seq} is not shown: row ${by} says that it was erased`);
}

/** Undefined: standard output. */
function outOf({ out }: Flags, format: BundleFormat): string | undefined {
  if (out === '') throw new LedgerError('USAGE', 'expected a path after --out, found an empty name');
  if (format === 'dir' && (out === undefined || out === '-'))
    throw new LedgerError('USAGE', `expected --out, the folder to make, with --format dir, found ${out ?? 'none'}`);
  return out === '-' ? undefined : out;
}

function tellOpen(io: Io, { quiet }: Flags, { streams }: BundleReceipt): void {
  if (quiet === true) return;
  for (const { kind, id, state } of streams) {
    if (state === 'open') warn(io, `${kind} ${printable(id)} is open: rows may follow, and are not in this`);
    if (state === 'late') warn(io, `${kind} ${printable(id)} has rows behind the one that closes it (ROW_AFTER_CLOSE)`);
  }
}

function whatOf(target: string | undefined, flags: Flags): BundleWhat {
  const { run, decision, order, query = [], where, day, since, until, open = false, tz } = flags;
  const isQuery = query.length > 0 || [where, day, since, until].some((text) => text !== undefined);
  const given = [target, run, decision, order, isQuery ? '--query' : undefined].filter((one) => one !== undefined);
  const [id = ''] = given;
  if (given.length !== 1 || id === '')
    throw new LedgerError('USAGE', `expected one thing to make a bundle of, found ${given.length === 0 ? 'none' : given.join(' and ')}`, {
      hint: 'ledger bundle create RUN|DECISION, or with --run, --decision, --order, --query',
    }); // prettier-ignore
  if (open && !isQuery)
    throw new LedgerError('USAGE', 'expected --open with --query alone: one stream is taken as it is');
  if (isQuery) return { kind: 'query', conditions: { terms: query, where, day, since, until, tz }, takesOpen: open };
  if (order !== undefined) return { kind: 'order', id };
  return { kind: 'stream', id, as: run !== undefined ? 'run' : decision !== undefined ? 'decision' : undefined };
}

const CREATE_ALONE = ['run', 'decision', 'order', 'query', 'where', 'day', 'since', 'until', 'open', 'sign', 'disclose', 'format', 'out', 'withVerifier'] as const; // prettier-ignore

async function verify(io: Io, path: string | undefined, flags: Flags): Promise<void> {
  const odd = CREATE_ALONE.find((name) => flags[name] !== undefined);
  if (odd !== undefined)
    throw new LedgerError('USAGE', `expected --${odd === 'withVerifier' ? 'with-verifier' : odd} with "create" alone`);
  if (path === undefined)
    throw new LedgerError('USAGE', 'expected the file or the folder of a bundle after "verify", found none');
  const { key: keys = [], hmacKeyFile } = flags;
  const report = await verifyBundle({ place: placeOf(flags, io), path, keys, hmacKeyFile });
  const code = codeOf(report.verdict, report.notes.length);
  if (flags.json === true) io.stdout(`${jsonLine(report)}\n`);
  else if (flags.quiet !== true || code !== EXIT.ok)
    io.stdout(bundleText(report, await colorsFor(io, flags), io.isTTY ? io.columns : Infinity));
  io.setExit(code);
}

function codeOf(verdict: BundleReport['verdict'], notes: number): ExitCode {
  if (verdict === 'broken' || verdict === 'untrusted') return EXIT.no;
  return verdict === 'not-checked' || notes > 0 ? EXIT.scoped : EXIT.ok;
}
