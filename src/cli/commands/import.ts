/** `ledger import`: an existing JSON-lines log, each line once. */
import { Option } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { importFile, LINE_FORMATS } from '../../services/import';
import type { ImportResult, LineFormat } from '../../services/import';
import { EXIT, SIGNAL_EXIT } from '../exit';
import { jsonLine, printError } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { progressOf } from '../progress';
import { talkOf, warn } from '../talk';
import { wrapWords } from '../wrap';

const HELP_BEFORE = `Examples:
  ledger import old/audit.jsonl
  zcat audit-2025.jsonl.gz | ledger import -
  ledger import audit.jsonl && ledger rollup --period month
  ledger import run-7.trace.jsonl                       events of a trace, as "ledger export --format trace" writes them
`;

type Flags = GlobalFlags & { readonly format?: LineFormat };

const HELP_AFTER = `
What becomes of a line:
  ts                        occurred_at (the row's own ts says when it was imported)
  provenance                "imported"; "sample" and "fallback" stay, since they never count
  seq id by hash prev_hash… kept in imported_from: they are another ledger's
  members typed otherwise   kept in imported_from word for word: a number as run_id, a negative duration, null
  a cost of >9 places       rounded to nine, as it was in imported_from
  no usable action          action "imported.row", what was there in imported_from
  no JSON object, invalid UTF-8, a key twice, a number that a double would change, too long
                            its bytes go to quarantine/, and a row names them

A line with runId, timestamp, type and payload and without an action is an event of a trace: run_id, occurred_at and
action are made of these, turn_id of turnId; its id, contentHash and parentHash stay in imported_from. One whose payload
is not the one that its contentHash is of is set aside (CONTENT_ALTERED). How many name another parent than the event
before them in their run is told. --format says what lines are instead: "trace" sets every other line aside, "rows" takes
none for an event. The header of an export is no row: it is held against what follows.

A line has the key import:<sha256 of the line>:<occurrence in the file>: importing again adds only what is missing,
also after an import that was cut short. Where something of it is sealed, the digest is of the rest: a line that differs in
sealed values alone from one of another import is told of and not imported, and so is one whose value was erased. A pipe is
read to its end first.

Exit: 0 all of it is here · 1 lines were set aside in quarantine · 2 could not (what came in stays; run it again), or a
      line has the key of a row with another sealed value`;

export function registerImport(program: Command, io: Io): void {
  const command = program
    .command('import <file>')
    .summary('bring in an existing JSON-lines log, each line once')
    .description('Bring in a JSON-lines log ("-": from a pipe). Rows are labelled imported; each line comes in once.')
    .addHelpText('before', HELP_BEFORE)
    .addOption(new Option('--format <format>', 'what lines are (without it each is looked at)').choices(LINE_FORMATS))
    .addHelpText('after', HELP_AFTER)
    .action(async (file: string) => runImport(io, file, flagsOf<Flags>(command)));
}

async function runImport(io: Io, file: string, flags: Flags): Promise<void> {
  let stoppedBy: keyof typeof SIGNAL_EXIT | undefined;
  const signals = Object.keys(SIGNAL_EXIT) as (keyof typeof SIGNAL_EXIT)[];
  for (const signal of signals) {
    process.on(signal, () => {
      // A second one ends the process as it would have: the ledger stands a kill at any point.
      if (stoppedBy !== undefined) process.exit(SIGNAL_EXIT[signal]);
      stoppedBy = signal;
      if (file === '-') io.stdin.destroy();
    });
  }
  const progress = progressOf(io, flags, 'import');
  try {
    const result = await importFile({
      place: placeOf(flags, io),
      file,
      format: flags.format,
      stdin: io.stdin,
      events: talkOf(io, flags),
      onProgress: ({ lines: rows, bytes, totalBytes }) => progress.show?.({ rows, bytes, totalBytes }),
      stopped: () => stoppedBy !== undefined,
    });
    progress.end();
    print(io, flags, result);
    if (flags.quiet !== true) tell(io, result);
    tellConflicts(io, flags, result);
    io.setExit(result.conflicts > 0 ? EXIT.failed : result.quarantined > 0 ? EXIT.no : EXIT.ok);
  } catch (error) {
    progress.end();
    if (stoppedBy === undefined) throw error;
  }
  if (stoppedBy !== undefined) io.setExit(SIGNAL_EXIT[stoppedBy]);
}

function tellConflicts(io: Io, flags: Flags, { conflicts, first_conflict: first }: ImportResult): void {
  if (first === null) return;
  const lines = conflicts === 1 ? '1 line was' : `${number(conflicts)} lines were`;
  const message = `${lines} not imported: a row has the key with another sealed value, or one whose opening is gone. First: ${first}`;
  const hint = 'what is new in them can be appended: ledger append -, with --seal';
  printError(io, new LedgerError('IDEMPOTENCY_CONFLICT', message, { hint }), flags.json === true);
}

function print(io: Io, flags: GlobalFlags, result: ImportResult): void {
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else if (flags.quiet !== true || result.quarantined > 0) io.stdout(prose(result, io.isTTY ? io.columns : Infinity));
}

const MARGIN = 13;

/** What a reader of the file should know, though all of it is here. */
function tell(io: Io, { trace, is_as_exported: isAsExported }: ImportResult): void {
  if (isAsExported === false)
    warn(io, 'the file is not what was exported: its header names the SHA-256 of another one');
  const unlinked = trace?.unlinked ?? 0;
  if (unlinked === 0) return;
  const events = unlinked === 1 ? '1 event does' : `${number(unlinked)} events do`;
  warn(io, `${events} not name the event before in the run, in this file, as parent: some are missing, or elsewhere`);
}

function prose(result: ImportResult, width: number): string {
  const { lines, imported, duplicates, quarantined, costs_rounded: rounded, complete } = result;
  const out: string[] = [];
  const say = (name: string, text: string): void => {
    const [first = '', ...rest] = wrapWords(printable(text), Math.max(24, width - MARGIN));
    out.push(`${name.padEnd(MARGIN)}${first}`, ...rest.map((more) => `${' '.repeat(MARGIN)}${more}`));
  };
  say('imported', `${number(imported)} of ${number(lines)} lines`);
  if (result.trace !== null) say('events', `${number(result.trace.events)} of a trace among them`);
  if (duplicates > 0) say('were here', `${number(duplicates)}, from an earlier import`);
  if (quarantined > 0)
    say('set aside', `${number(quarantined)} broken ${plural(quarantined, 'line')}, bytes in quarantine/`);
  if (Object.keys(result.broken).length > 0) say('broken', list(result.broken));
  if (Object.keys(result.misfits).length > 0)
    say('kept apart', `in imported_from, since typed otherwise here: ${list(result.misfits)}`);
  if (rounded > 0)
    say('rounded', `${number(rounded)} ${plural(rounded, 'cost')} to nine places; as they were in imported_from`);
  if (!complete) say('stopped', 'before the end; run it again for the rest');
  return `${out.join('\n')}\n`;
}

/** `cost_usd 3, run_id 1` */
function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, times]) => `${name} ${number(times)}`)
    .join(', ');
}

const number = (n: number): string => n.toLocaleString('en-US');
const plural = (n: number, noun: string): string => `${noun}${n === 1 ? '' : 's'}`;
