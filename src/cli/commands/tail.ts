/** `ledger tail`: the last rows, and with -f those that come. */
import { InvalidArgumentError } from '../commander';
import type { Command } from 'commander';
import { tail } from '../../services/tail';
import type { Followed } from '../../services/tail';
import { ACCESS_HELP, addAccessFlags, askedBy } from '../access';
import type { AccessFlags } from '../access';
import { colorsFor } from '../color';
import { EXIT } from '../exit';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { rowLines, storedLines } from '../queryOutput';
import { printed, stopOnSignal } from '../stop';
import { tellFollowed } from '../talk';

type Flags = GlobalFlags & AccessFlags & { readonly follow?: boolean; readonly lines: number };

const HELP_BEFORE = `Examples:
  ledger tail
  ledger tail -f
  ledger tail -n 1000 | jq -r 'select(.outcome=="failure") | .reason'
  ledger tail -f -n 0 | while read -r row; do notify "$row"; done
`;

const HELP_AFTER = `
On a terminal a line for each row; in a pipe, or with --raw, the stored lines. A row is shown once, when it is whole:
its newline is there and its own hash is right. What is torn is told on stderr. A heal may replace the file meanwhile.
${ACCESS_HELP}

Exit: 0 shown · 2 no ledger, or it cannot be read · 130, 143, 129 ended by SIGINT, SIGTERM, SIGHUP`;

export function registerTail(program: Command, io: Io): void {
  const command = program
    .command('tail')
    .summary('the last rows, and with -f those that come')
    .description('Show the last rows.')
    .addHelpText('before', HELP_BEFORE)
    .option('-f, --follow', 'go on showing rows as they come')
    .option('-n, --lines <n>', 'how many rows', countOf, 10)
    .option('--raw', 'the stored lines');
  addAccessFlags(command)
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
  const reading = askedBy(io, flags);
  const place = placeOf(flags, io);
  const { zone, batches } = await tail({ place, lastRows, follow, signal: stop.signal, tz, reading });
  const colors = await colorsFor(io, flags);
  const raw = !io.isTTY || flags.raw === true || flags.json === true;
  const printer = raw ? storedLines({ rules: false, isTTY: io.isTTY }) : rowLines({ width: io.columns, zone, colors });
  for await (const batch of batches) {
    const lines = batch.flatMap((one) => (isRow(one) ? [{ line: one.line, isMatch: true, isApart: false }] : []));
    const isRead = await printed(io, printer.print(lines));
    for (const one of batch) tellFollowed(io, flags, one);
    if (!isRead) break;
  }
  io.setExit(stop.exitOr(EXIT.ok));
}

function isRow(one: Followed): one is Extract<Followed, { readonly line: Buffer }> {
  return one.kind === 'row' || one.kind === 'tombstone';
}
