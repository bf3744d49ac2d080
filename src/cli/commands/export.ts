/** `ledger export`: rows for somebody else, and what shows that none is missing. */
import { Option } from '../commander';
import type { Command } from 'commander';
import { SHAPE_NAMES } from '../../core/export/shape';
import { addAccessFlags, askedBy } from '../access';
import type { AccessFlags } from '../access';
import { exportRows } from '../../services/export';
import type { ExportFormat, ExportHeader } from '../../services/export';
import { addConditions, CONDITIONS_HELP, conditionsOf } from '../conditions';
import type { ConditionFlags } from '../conditions';
import { EXIT, worst } from '../exit';
import type { Io } from '../io';
import { jsonLine } from '../io';
import { printable, printableLines } from '../../core/printable';
import { flagsOf } from '../options';
import type { GlobalFlags } from '../options';
import { printed } from '../stop';
import { csvRecord } from '../table';
import { warn } from '../talk';
import { VERSION } from '../version';

type Flags = GlobalFlags &
  AccessFlags &
  ConditionFlags & { readonly format: ExportFormat; readonly header: boolean; readonly csvGuard: boolean };

const HELP_BEFORE = `Examples:
  ledger export --customer acme > acme.jsonl
  ledger export --customer acme --since 2026-10-01 --until 2026-11-01 --format csv > acme-october.csv
  ledger export --run 01JSQ4 --format trace             one run as its trace events
  tail -n +2 acme.jsonl | sha256sum                     is what the header calls sha256
`;

const HELP_AFTER = `
${CONDITIONS_HELP}

The first line is a header, in JSON ("# " before it in CSV): what was asked for, the zone, how many rows there are, the first
and the last seq, the last row of the ledger that was looked at, what the ledger has not or not whole (not_among_these), the
version of this program, and the SHA-256 of all that follows.

--format, beside jsonl (the stored lines, byte for byte, each with its hash) and csv (a column for each member that occurs):
  trace     id runId turnId timestamp type payload contentHash parentHash: rows of the catalogue trace that have a run
  decision  decision_id seq type timestamp actor role payload prev_hash hash id: every row of a decision
  trail     runs in the six classes that a person reviews, with the distance from the run's invocation
  proof     Order, RevenueEvent, StripeWebhookEvent, ToolCall, …, and what was spent; each with its provenance
A line is one row, in the order of the ledger; what has no member of its own in a shape stands in "more". Which rows have no
place in it, the header says (not_in_this_shape), and which links lead to rows that are not here (links_elsewhere).
What the hashes prove: docs/governance.md. "ledger import" reads a trace back.

An export shows what the ledger holds for these conditions; that nothing else was done is beyond any export.
Where the config says anything of "access", an export leaves a row first: who, what, how many rows, their sha256; with
"break-glass" it needs --reason. A row that cannot be written is an export that is not made.

Exit: 0 exported · 1 no row matches (the header is printed) · 2 no ledger, or it cannot be read ·
      3 exported, and something that may have matched is missing in the ledger (not_among_these says what), or a row in
        a shape is not what its writer wrote (altered_rows)`;

export function registerExport(program: Command, io: Io): void {
  const command = program
    .command('export')
    .summary('rows for somebody else, with a header that shows that none is missing')
    .description('Export rows.')
    .addHelpText('before', HELP_BEFORE);
  addAccessFlags(addConditions(command))
    .addOption(new Option('--format <format>', 'which').choices(['jsonl', 'csv', ...SHAPE_NAMES]).default('jsonl'))
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
    reading: askedBy(io, flags),
    format,
    version: VERSION,
    csvRecord: (cells) => csvRecord(cells, csvGuard),
  });
  if (flags.header) io.stdout(`${format === 'csv' ? '# ' : ''}${jsonLine(found.header)}\n`);
  for await (const chunk of found.body) {
    if (!(await printed(io, io.isTTY ? printableLines(chunk.toString('utf8')) : chunk))) break;
  }
  if (flags.quiet !== true) tell(io, flags, found.header);
  const { rows, altered_rows: altered = 0 } = found.header;
  const isScoped = missingIn(found.header).length > 0 || altered > 0;
  io.setExit(worst([rows > 0 ? EXIT.ok : EXIT.no, isScoped ? EXIT.scoped : EXIT.ok]));
}

function tell(io: Io, flags: Flags, header: ExportHeader): void {
  const missing = missingIn(header);
  if (missing.length > 0) {
    const counts = missing.map(([name, count]) => `${name.replaceAll('_', ' ')}: ${count}`).join(', ');
    warn(io, `not among these, and some may have matched: ${counts}; see "ledger verify"`);
  }
  const { altered_rows: altered = 0, not_in_this_shape: left } = header;
  if (altered > 0) warn(io, `rows that are not what their writers wrote: ${altered}; see "ledger verify"`);
  const others = Object.entries(left?.actions ?? {}).filter(([action]) => !action.startsWith('audit.'));
  if (others.length === 0 || flags.json === true) return;
  const named = others.slice(0, 3).map(([action, count]) => `${action} ${count}`);
  const list = [...named, ...(others.length > named.length ? ['…'] : [])].join(', ');
  io.stderr(`ledger: note: rows that have no place in this shape: ${printable(list)}; the header names all\n`);
}

function missingIn(header: ExportHeader): [string, number][] {
  return Object.entries(header.not_among_these).filter(([, count]) => count > 0);
}
