/** `ledger sample`: the same rows for everybody who has the seed. */
import { InvalidArgumentError } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { MAX_SAMPLE, sample } from '../../services/sample';
import type { DrawnRows } from '../../services/sample';
import { ACCESS_HELP, addAccessFlags, askedBy } from '../access';
import type { AccessFlags } from '../access';
import { colorsFor } from '../color';
import { addConditions, CONDITIONS_HELP, conditionsOf, tellNotes, tellWindow } from '../conditions';
import type { ConditionFlags } from '../conditions';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf } from '../options';
import type { GlobalFlags } from '../options';
import { rowLines, storedLines } from '../queryOutput';
import { printed } from '../stop';

type Flags = GlobalFlags & ConditionFlags & AccessFlags & { readonly n: number; readonly seed?: string };

const HELP_BEFORE = `Examples:
  ledger sample --n 25 --seed 2026-Q4
  ledger sample --n 10 --seed 2026-Q4 --since 2026-10-01 --until 2027-01-01 action~^approval
  ledger sample --n 25 --seed 2026-Q4 'seq<=81203'      the same rows, also when others have come since
`;

const HELP_AFTER = `
${CONDITIONS_HELP}

A row's rank is the SHA-256 of the seed, a newline and the row's hash; the n lowest ranks are drawn. So whoever has the seed
and the rows draws the same, with this program or with sha256sum. Choose the seed before you look. What they were drawn
from is said on stderr: how many rows, from which seq to which, and the head of the ledger.
In a pipe, or with --raw, the stored lines; on a terminal a line of columns.
${ACCESS_HELP}

Exit: 0 drawn · 1 there is nothing to draw from · 2 no ledger, or it cannot be read`;

export function registerSample(program: Command, io: Io): void {
  const command = program
    .command('sample')
    .summary('rows to look at by hand, the same for everybody who has the seed')
    .description('Draw rows by a seed.')
    .addHelpText('before', HELP_BEFORE);
  addAccessFlags(addConditions(command))
    .option('--n <n>', 'how many', sizeOf, 25)
    .option('--seed <text>', 'what decides which; any text')
    .option('--raw', 'the stored lines')
    .addHelpText('after', HELP_AFTER)
    .action(async (terms: string[]) => runSample(io, terms, flagsOf<Flags>(command)));
}

function sizeOf(text: string): number {
  const size = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : NaN;
  if (!(size <= MAX_SAMPLE)) throw new InvalidArgumentError(`expected a number from 1 to ${MAX_SAMPLE}.`);
  return size;
}

async function runSample(io: Io, terms: readonly string[], flags: Flags): Promise<void> {
  const { seed, n: size } = flags;
  if (seed === undefined)
    throw new LedgerError('USAGE', 'expected --seed, found none', {
      hint: 'any text will do, chosen before anybody has looked: --seed 2026-Q4',
    });
  const drawn = await sample({ ...conditionsOf(io, terms, flags), size, seed, reading: askedBy(io, flags) });
  tellWindow(io, flags, drawn.window, drawn.zone);
  if (flags.json === true) io.stdout(`${jsonLine(jsonOf(drawn, flags))}\n`);
  else await printLines(io, flags, drawn);
  tellNotes(io, flags, drawn.notes);
  io.setExit(drawn.population > 0 ? EXIT.ok : EXIT.no);
}

async function printLines(io: Io, flags: Flags, drawn: DrawnRows): Promise<void> {
  const lines = drawn.lines.map((line) => ({ line, isMatch: true, isApart: false }));
  const screen = {
    width: io.columns,
    zone: drawn.zone,
    colors: await colorsFor(io, flags),
    dated: true,
    nowMs: io.nowMs(),
  };
  const isRaw = !io.isTTY || flags.raw === true;
  const printer = isRaw ? storedLines({ rules: false, isTTY: io.isTTY }) : rowLines(screen);
  await printed(io, printer.print(lines));
  if (flags.quiet === true || drawn.population === 0) return;
  const { population, firstSeq, lastSeq, head } = drawn;
  io.stderr(
    `ledger: note: ${lines.length} of ${population} rows, seq ${firstSeq} to ${lastSeq}, by the seed ${JSON.stringify(flags.seed)}; head ${head?.hash ?? 'unknown'}\n`,
  );
}

function jsonOf(drawn: DrawnRows, { seed, n }: Flags): object {
  const { population, firstSeq, lastSeq, head, lines } = drawn;
  return {
    seed,
    n,
    population: { rows: population, first_seq: firstSeq ?? null, last_seq: lastSeq ?? null },
    head: head === undefined ? null : { seq: head.seq, hash: head.hash },
    lines: lines.map((line) => line.toString('utf8')),
  };
}
