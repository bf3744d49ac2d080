/** `ledger proof`: an order from payment to what was delivered. */
import { Option } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { MARGIN_KEYS, margins, proofOfOrder } from '../../services/proof';
import type { MarginKey, OrderProof } from '../../services/proof';
import { addAccessFlags, askedBy, CONTENT_HELP } from '../access';
import type { AccessFlags } from '../access';
import { colorsFor } from '../color';
import type { Colors } from '../color';
import { tellWindow } from '../conditions';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { alike, textLines } from '../table';
import { wrapWords } from '../wrap';

interface ProofFlags {
  readonly by?: MarginKey;
  readonly files?: string;
  readonly day?: string;
  readonly since?: string;
  readonly until?: string;
}

type Flags = GlobalFlags & AccessFlags & ProofFlags;

const HELP_BEFORE = `Examples:
  ledger proof ord_1042
  ledger proof ord_1042 --files ./artifacts --json
  ledger proof --by customer --since 2026-11-01
  ledger proof --by day --since -4w
`;

const HELP_AFTER = `
The links of an order are its rows, and those of the runs that name it which name no other order: payment, webhook, revenue,
run, tools and models, approvals, artifact, delivery. A link that no row shows is named. Revenue is the sum of proof.revenue, spend that of cost_usd;
sample and fallback rows are shown as such and never count. The file of an artifact is held against its SHA-256 where it is at
hand: at its path, in --files or the current folder, not outside of it. A webhook event counts once: its key is source:event_id.
${CONTENT_HELP}
With --by there are figures alone.

Exit: 0 every link is there · 1 no row names the order, or the file of an artifact is another one ·
      2 no ledger, or it cannot be read · 3 links are missing`;

export function registerProof(program: Command, io: Io): void {
  const command = program
    .command('proof [order]')
    .summary('an order from payment to what was delivered, each missing link named; margins')
    .description('Show what proves an order, or what orders earned and cost.')
    .addHelpText('before', HELP_BEFORE)
    .addOption(new Option('--by <key>', 'all orders: revenue, spend and margin').choices(MARGIN_KEYS))
    .option('--files <folder>', 'where files of artifacts are looked for (default: here)')
    .option('--since <time>', 'with --by: from this moment on, inclusive')
    .option('--until <time>', 'with --by: up to this moment, exclusive')
    .option('--day <day>', 'with --by: one day');
  addAccessFlags(command)
    .addHelpText('after', HELP_AFTER)
    .action(async (order: string | undefined) => runProof(io, order, flagsOf<Flags>(command)));
}

async function runProof(io: Io, order: string | undefined, flags: Flags): Promise<void> {
  const { by } = flags;
  if ((order === undefined) === (by === undefined))
    throw new LedgerError('USAGE', `expected an order or --by, found ${order === undefined ? 'neither' : 'both'}`, {
      hint: 'ledger proof ORDER; ledger proof --by order|customer|day',
    });
  if (by !== undefined) await printMargins(io, by, flags);
  else if (order !== undefined) await printProof(io, order, flags);
}

async function printProof(io: Io, order: string, flags: Flags): Promise<void> {
  const asked = { place: placeOf(flags, io), order, folder: flags.files ?? '.', nowMs: io.nowMs() };
  const proof = await proofOfOrder({ ...asked, reading: askedBy(io, flags) });
  if (proof === undefined) {
    if (flags.quiet !== true) io.stderr(`ledger: note: no row names the order ${printable(order)}\n`);
    io.setExit(EXIT.no);
    return;
  }
  const width = io.isTTY ? io.columns : Infinity;
  io.stdout(flags.json === true ? `${jsonLine(proof)}\n` : proofText(proof, await colorsFor(io, flags), width));
  io.setExit(proof.differs.length > 0 ? EXIT.no : proof.missing.length > 0 ? EXIT.scoped : EXIT.ok);
}

function proofText(proof: OrderProof, colors: Colors, width: number): string {
  const { order_id: order, customers, links } = proof;
  const title = `Order ${order}${customers.length === 0 ? '' : ` · customer ${customers.join(', ')}`}`;
  const lines = [...wrapWords(printable(title), width), ''];
  for (const { name, rows, is_missing: isMissing } of links) {
    lines.push(isMissing ? colors.warn(`${name}: MISSING`) : name);
    for (const row of rows) {
      const file = row.file === null ? '' : ` · file ${row.file}`;
      const label = row.not_live === null ? '' : `  (${row.not_live}: not counted)`;
      const text = `row ${row.seq}  ${row.at}  ${row.action} · ${row.text}${file}${label}`;
      const [first = '', ...rest] = wrapWords(printable(text), Math.max(20, width - 4));
      const paint = row.file === 'differs' ? colors.bad : (part: string): string => part;
      lines.push(paint(`  ${first}`), ...rest.map((part) => paint(`    ${part}`)));
    }
  }
  const [revenue = '', spend = '', margin = ''] = alike([proof.revenue_usd, proof.spend_usd, proof.margin_usd]);
  lines.push('', ...wrapWords(`revenue ${revenue} USD · spend ${spend} USD · margin ${margin} USD`, width));
  if (proof.missing.length > 0)
    lines.push(...wrapWords(`missing: ${proof.missing.join(', ')}`, width).map((part) => colors.warn(part)));
  return `${lines.join('\n')}\n`;
}

async function printMargins(io: Io, by: MarginKey, flags: Flags): Promise<void> {
  const { tz, day, since, until } = flags;
  const answer = await margins({ place: placeOf(flags, io), by, tz, nowMs: io.nowMs(), day, since, until });
  tellWindow(io, flags, answer.window, answer.zone);
  const { lines } = answer;
  if (flags.json === true) io.stdout(lines.map((line) => `${jsonLine(line)}\n`).join(''));
  else if (lines.length > 0) {
    const amounts = alike(lines.flatMap((one) => [one.revenue_usd, one.spend_usd, one.margin_usd]));
    const right = (title: string): { title: string; align: 'right' } => ({ title, align: 'right' });
    const columns = [
      { title: by, align: 'left' as const },
      right('revenue USD'),
      right('spend USD'),
      right('margin USD'),
    ];
    const rows = lines.map(({ key }, i) => [key ?? '(none)', ...amounts.slice(3 * i, 3 * i + 3)]);
    const colors = await colorsFor(io, flags);
    const style = (text: string, row: number | undefined): string => (row === undefined ? colors.dim(text) : text);
    io.stdout(`${textLines({ columns, rows }, io.isTTY ? io.columns : Number.MAX_SAFE_INTEGER, style).join('\n')}\n`);
  }
  io.setExit(lines.length > 0 ? EXIT.ok : EXIT.no);
}
