/** `ledger tail`: the last rows, and with -f those that come. */
import { InvalidArgumentError } from '../commander';
import type { Command } from 'commander';
import { printableLines } from '../../core/printable';
import { tail } from '../../services/tail';
import type { Followed } from '../../services/tail';
import { colorsFor } from '../color';
import { EXIT } from '../exit';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { gapLine, rowLine } from '../rowLines';
import { drained, stopOnSignal } from '../stop';
import { tellFollowed } from '../talk';

type Flags = GlobalFlags & { readonly follow?: boolean; readonly lines: number; readonly raw?: boolean };

const HELP_BEFORE = `Examples:
  ledger tail
  ledger tail -f
  ledger tail -n 1000 | jq -r 'select(.outcome=="failure") | .reason'
  ledger tail -f -n 0 | while read -r row; do notify "$row"; done
`;

const HELP_AFTER = `
On a terminal a line for each row; in a pipe, or with --raw, the stored lines. A row is shown once, when it is whole:
its newline is there and its own hash is right. What is torn is told on stderr. A heal may replace the file meanwhile.

Exit: 0 shown · 2 no ledger, or it cannot be read · 130, 143, 129 ended by SIGINT, SIGTERM, SIGHUP`;

export function registerTail(program: Command, io: Io): void {
  const command = program
    .command('tail')
    .summary('the last rows, and with -f those that come')
    .description('Show the last rows.')
    .addHelpText('before', HELP_BEFORE)
    .option('-f, --follow', 'go on showing rows as they come')
    .option('-n, --lines <n>', 'how many rows', countOf, 10)
    .option('--raw', 'the stored lines')
    .addHelpText('after', HELP_AFTER)
    .action(async () => runTail(io, flagsOf<Flags>(command)));
}

function countOf(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('expected a number of rows.');
  return Number(text);
}

async function runTail(io: Io, flags: Flags): Promise<void> {
  const stop = stopOnSignal();
  const { lines: lastRows, follow = false, tz } = flags;
  const { zone, batches } = tail({ place: placeOf(flags, io), lastRows, follow, signal: stop.signal, tz });
  const colors = await colorsFor(io, flags);
  const raw = !io.isTTY || flags.raw === true || flags.json === true;
  const show = (one: Followed): string => {
    if (one.kind === 'broken' || one.kind === 'lost') return '';
    const text = one.line.toString('utf8');
    if (raw) return io.isTTY ? printableLines(text) : text;
    const options = { width: io.columns, zone, colors };
    return one.kind === 'row' ? rowLine(one.row, options) : gapLine(one.seq, one.lastSeq, options);
  };
  for await (const batch of batches) {
    const text = batch.map((one) => (isRow(one) ? `${show(one)}\n` : '')).join('');
    const isRead = io.stdout(text);
    for (const one of batch) tellFollowed(io, flags, one);
    if (!isRead || !(await drained())) break;
  }
  io.setExit(stop.exitOr(EXIT.ok));
}

function isRow(one: Followed): boolean {
  return one.kind === 'row' || one.kind === 'tombstone';
}
