/** `ledger export`: rows for somebody else, and what shows that none is missing. */
import { Option } from '../commander';
import type { Command } from 'commander';
import { exportRows } from '../../services/export';
import type { ExportFormat } from '../../services/export';
import { addConditions, CONDITIONS_HELP, conditionsOf } from '../conditions';
import type { ConditionFlags } from '../conditions';
import { EXIT, worst } from '../exit';
import type { Io } from '../io';
import { jsonLine } from '../io';
import { printableLines } from '../../core/printable';
import { flagsOf } from '../options';
import type { GlobalFlags } from '../options';
import { printed } from '../stop';
import { csvRecord } from '../table';
import { warn } from '../talk';
import { VERSION } from '../version';

type Flags = GlobalFlags &
  ConditionFlags & { readonly format: ExportFormat; readonly header: boolean; readonly csvGuard: boolean };

const HELP_BEFORE = `Examples:
  ledger export --customer acme > acme.jsonl
  ledger export --customer acme --since 2026-10-01 --until 2026-11-01 --format csv > acme-october.csv
  tail -n +2 acme.jsonl | sha256sum                     is what the header calls sha256
`;

const HELP_AFTER = `
${CONDITIONS_HELP}

The first line is a header, in JSON ("# " before it in CSV): what was asked for, the zone, how many rows there are, the first
and the last seq, the last row of the ledger that was looked at, what the ledger has not or not whole (not_among_these), the
version of this program, and the SHA-256 of all that follows. jsonl: the stored lines, byte for byte, each with its hash. csv: a column for each member that occurs.
An export shows what the ledger holds for these conditions; that nothing else was done is beyond any export.

Exit: 0 exported · 1 no row matches (the header is printed) · 2 no ledger, or it cannot be read ·
      3 exported, and something that may have matched is missing in the ledger: not_among_these says what`;

export function registerExport(program: Command, io: Io): void {
  const command = program
    .command('export')
    .summary('rows for somebody else, with a header that shows that none is missing')
    .description('Export rows.')
    .addHelpText('before', HELP_BEFORE);
  addConditions(command)
    .addOption(new Option('--format <format>', 'which').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--no-header', 'the rows alone')
    .option('--no-csv-guard', 'CSV: leave text that a spreadsheet would run as a formula as it is')
    .addHelpText('after', HELP_AFTER)
    .action(async (terms: string[]) => runExport(io, terms, flagsOf<Flags>(command)));
}

async function runExport(io: Io, terms: readonly string[], flags: Flags): Promise<void> {
  const { format, csvGuard } = flags;
  const conditions = conditionsOf(io, terms, flags);
  const found = await exportRows({
    ...conditions,
    format,
    version: VERSION,
    csvRecord: (cells) => csvRecord(cells, csvGuard),
  });
  if (flags.header) io.stdout(`${format === 'csv' ? '# ' : ''}${jsonLine(found.header)}\n`);
  for await (const chunk of found.body) {
    if (!(await printed(io, io.isTTY ? printableLines(chunk.toString('utf8')) : chunk))) break;
  }
  const missing = Object.entries(found.header.not_among_these).filter(([, count]) => count > 0);
  if (missing.length > 0 && flags.quiet !== true) {
    const counts = missing.map(([name, count]) => `${name.replace('_', ' ')}: ${count}`).join(', ');
    warn(io, `not among these, and some may have matched: ${counts}; see "ledger verify"`);
  }
  io.setExit(worst([found.header.rows > 0 ? EXIT.ok : EXIT.no, missing.length > 0 ? EXIT.scoped : EXIT.ok]));
}
