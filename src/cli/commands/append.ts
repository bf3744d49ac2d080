/** `ledger append`: one row from flags or JSON, or many from a pipe, with a receipt for each. */
import { statSync } from 'node:fs';
import { Option } from '../commander';
import type { Command } from 'commander';
import { completeRow, environmentDefaults } from '../../core/defaults';
import { LedgerError, orNothing } from '../../core/errors';
import type { Json, JsonObject } from '../../core/json';
import { parseJson } from '../../core/parseJson';
import { isDottedName } from '../../core/row';
import { refuseUnknownFields, unknownField } from '../../core/sealPlan';
import { appendRow, appendStream, previewRow, unlessStoredAs } from '../../services/append';
import type { AppendRequest, KeptWriter } from '../../services/append';
import type { SignedRow, SignRequest } from '../../services/sign';
import { EXIT, SIGNAL_EXIT } from '../exit';
import { hasInput, printError, refuseFolderAsInput } from '../io';
import type { Io } from '../io';
import { collect, flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { plainWords } from '../plainWords';
import { ReceiptPrinter } from '../receipts';
import { addRowFlags, rowFromFlags } from '../rowFlags';
import { talkOf, tellIgnored } from '../talk';

interface AppendFlags {
  readonly confirm?: boolean;
  readonly rejects?: string;
  readonly dryRun?: boolean;
  readonly enforce?: boolean;
  readonly sign?: string;
  readonly seal?: readonly string[];
  readonly attempted?: string;
}

type Flags = AppendFlags & GlobalFlags & Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

const EXAMPLES = `Examples:
  ledger append --agent coder --action tool.used --run-id r1 --cost-usd 0.0123
  ledger append '{"agent":"coder","action":"pulse.probe","outcome":"success"}'
  ledger append policy.gate --decision-id d1 --payload '{"gate_id":"tests","result":"pass","reason":"all green"}'
  generate-rows | ledger append -            one receipt per line, as soon as it is on disk
  LEDGER_RUN_ID=r1 ledger append --action step.done --set branch=main
  ledger append refund.made --reason "moved to Lyon" --payload '{"email":"k@example.org"}' --seal reason --seal payload.email
  ledger append approval.added --decision-id d1 --payload @approval.json --sign alice --confirm
`;

const HELP = `
Behind "append" stands the action, or the whole row as JSON, or "-". A row of a type that a catalogue describes is held
against its schema, and refused with everything that is wrong with it: see "ledger schema". One that holds a token or a private
key is refused: see "secrets" in the config.

With --seal the row holds a digest in place of the value, which lies in sealed.jsonl: see "ledger disclose" and "ledger erase".
In a pipe it seals the field of every row that has it, and the exit is 2 where none has; "seal" in the config does so always.
Sealed is before signed.

Any member can come from the environment: LEDGER_AGENT, LEDGER_RUN_ID, … ; TRACEPARENT is recorded. But for action,
payload and idempotency_key: they belong to one row.

With --sign the row is signed before it is chained, for this ledger and this moment: see "ledger key". With --dry-run as well
it is printed, signed; whoever gets that text can append it as it is within a day, and nobody can change a word of it. But not
one with sealed fields: a dry run keeps nothing of what would open them.

Exit: 0 every row landed, was a duplicate, or waits safely in the spill file · 1 with --enforce: it would pass a cap ·
      2 a row was refused, or stored nowhere; no line had a field to seal · 3 with --confirm: a row is not in the chain yet`;

/** What a program gives the command beside its flags. */
export interface AppendAround {
  /** Loaded only where it is asked for: most appends hold nothing against a cap. */
  readonly loadEnforcement: () => Promise<{
    readonly underCaps: (place: AppendRequest['place']) => AppendRequest['appendRows'];
  }>;
  readonly loadSigning: () => Promise<{ readonly signRow: (request: SignRequest) => Promise<SignedRow> }>;
  /** For one row after the other: the writer that stays open, and who hears under which id a row is being written. */
  readonly writers?: KeptWriter;
  readonly onWriting?: (ids: readonly string[]) => void;
}

export function registerAppend(program: Command, io: Io, around: AppendAround): void {
  const command = program
    .command('append [row]')
    .summary('append rows: from flags, from one JSON object, or from a pipe ("-")')
    .description('Append rows. A row is acknowledged when it is on disk.')
    .addHelpText('before', EXAMPLES);
  addRowFlags(command)
    .option('--confirm', 'exit 3 unless every row is in the chain')
    .option('--rejects <file>', 'append refused input lines to this file')
    .option('--dry-run', 'check the row and print it; write nothing')
    .option('--enforce', 'refuse a row whose cost would pass a cap; that is a row, too')
    .option('--seal <field>', 'keep the value of this field apart: reason, payload.email (repeatable)', collect)
    .option('--sign <key>', 'sign the row first: a key of yours, by name, file or fingerprint')
    // Of "ledger_append": the id under which its coprocess was writing the row when it died.
    .addOption(new Option('--attempted <id>').hideHelp())
    .addHelpText('after', HELP)
    .action(async (row: string | undefined) => runAppend(io, row, flagsOf<Flags>(command), around));
}

/**
 * The same for the words behind `append -q`, without a parser of command lines.
 * @returns undefined where they need one
 */
export function appendPlain(words: readonly string[], io: Io, around: AppendAround): Promise<void> | undefined {
  const plain = plainWords(words);
  return plain && runAppend(io, plain.row, { ...plain.flags, quiet: true }, around);
}

async function runAppend(io: Io, argument: string | undefined, flags: Flags, around: AppendAround): Promise<void> {
  tellIgnored(io);
  const printer = new ReceiptPrinter(io, flags, { numbered: argument === '-' });
  const place = placeOf(flags, io);
  const { row: given, members: fromFlags } = rowOf(argument, rowFromFlags(flags));
  const { onWriting, writers } = around;
  const events = onWriting === undefined ? talkOf(io, flags) : { ...talkOf(io, flags), onWriting };
  const appendRows = await howToAppend(place, flags, around);
  const { seal = [] } = flags;
  const said = { place, text: given, flags: fromFlags, seal, defaults: environmentDefaults(io.env), events };
  const signing =
    flags.sign === undefined
      ? { text: given, members: fromFlags, openings: [] }
      : await signed(flags.sign, said, around);
  if (signing instanceof LedgerError) {
    printer.print([{ line: 1, text: given ?? '', outcome: { status: 'refused', error: signing } }]);
    printer.finish();
    return;
  }
  const { text, members, openings } = signing;
  const toSeal = flags.sign === undefined ? seal : [];
  const request = { place, flags: members, events, seal: toSeal, openings, appendRows, writers };
  if (argument === '-') {
    if (flags.dryRun === true) throw new LedgerError('USAGE', 'expected one row with --dry-run, found "-"');
    refuseFolderAsInput();
    await appendPiped(io, printer, request, flags);
    return;
  }
  if (text === undefined && request.flags.size === 0) throw noRow();
  refuseUnknown(request, text);
  if (flags.dryRun === true) {
    const other = flags.enforce === true ? '--enforce' : flags.confirm === true ? '--confirm' : undefined;
    if (other !== undefined) throw new LedgerError('USAGE', `expected either --dry-run or ${other}, found both`);
    io.stdout(`${previewRow(request, text)}\n`);
    if (openings.length > 0) io.stderr(`ledger: note: ${NOT_KEPT}\n`);
    return;
  }
  printer.print([await appendRow(request, text)]);
  printer.finish();
}

const NOT_KEPT =
  'what opens its sealed fields was not kept, so nobody can append this row: without --dry-run it is appended at once';

/** Of a single row, that is: in a pipe there may be rows without it. */
function refuseUnknown({ seal = [], flags, place }: AppendRequest, text: string | undefined): void {
  if (seal.length === 0) return;
  // What is wrong with the row is told where it is checked.
  const row = orNothing(() => {
    const given: Json = text === undefined ? new Map() : parseJson(text);
    return given instanceof Map ? completeRow(given, flags, environmentDefaults(place.env)) : undefined;
  });
  if (row !== undefined) refuseUnknownFields(seal, [row]);
}

/** The row with its signature, to which nothing is added any more; or why it was refused. */
async function signed(
  key: string,
  { text, flags, ...said }: Omit<SignRequest, 'row' | 'key'> & { readonly text: string | undefined },
  { loadSigning }: AppendAround,
): Promise<(SignedRow & { readonly members: JsonObject }) | LedgerError> {
  if (text === '-') throw new LedgerError('USAGE', 'expected one row with --sign, found "-"');
  if (text === undefined && flags.size === 0) throw noRow();
  const { signRow } = await loadSigning();
  try {
    const row = text === undefined ? new Map() : parseJson(text);
    return { ...(await signRow({ ...said, row, flags, key })), members: new Map() };
  } catch (error) {
    if (error instanceof LedgerError) return error;
    throw error;
  }
}

/** The word before the flags is JSON, or the action. */
function rowOf(
  word: string | undefined,
  members: JsonObject,
): { readonly row: string | undefined; readonly members: JsonObject } {
  if (word === undefined || !isDottedName(word) || JSON_WORD.test(word)) return { row: word, members };
  if (members.has('action'))
    throw new LedgerError('USAGE', `expected one action, found "${word}" and --action`, {
      place: { member: 'action' },
    });
  if (members.size === 0 && statSync(word, { throwIfNoEntry: false })?.isFile() === true)
    throw new LedgerError('USAGE', `expected an action or a row as JSON, found the name of a file: ${word}`, {
      hint: `to append the rows in it: ledger append - < ${word}; as an action: --action ${word}`,
    });
  return { row: undefined, members: new Map([['action', word], ...members]) };
}

function noRow(): LedgerError {
  return new LedgerError('USAGE', 'expected a row as flags or JSON, found neither', {
    hint: hasInput() ? 'to read rows from the pipe: ledger append -' : 'see "ledger append --help"',
  });
}

/** What would be an action's name, too. */
const JSON_WORD = /^(?:true|false|null|[0-9.]+(?:[eE][0-9]+)?)$/;

async function howToAppend(
  place: AppendRequest['place'],
  { enforce, attempted }: Flags,
  { loadEnforcement }: AppendAround,
): Promise<AppendRequest['appendRows']> {
  if (enforce === true) return (await loadEnforcement()).underCaps(place);
  return attempted === undefined ? undefined : unlessStoredAs(attempted, place);
}

async function appendPiped(
  io: Io,
  printer: ReceiptPrinter,
  request: Parameters<typeof appendStream>[0],
  flags: Flags,
): Promise<void> {
  let stoppedBy: keyof typeof SIGNAL_EXIT | undefined;
  const stop = (signal: keyof typeof SIGNAL_EXIT): void => {
    stoppedBy = signal;
    io.stdin.destroy();
  };
  const signals = Object.keys(SIGNAL_EXIT) as (keyof typeof SIGNAL_EXIT)[];
  // Once: a second signal ends the process as it does any other.
  for (const signal of signals) process.once(signal, () => stop(signal));
  const input = untilStopped(io.stdin, () => stoppedBy !== undefined);
  let lines = 0;
  const unmet = await appendStream(request, input, (receipts) => {
    lines += receipts.length;
    printer.print(receipts);
  });
  if (lines === 0) io.stderr('ledger: note: no input line came, so nothing was appended\n');
  printer.finish();
  if (lines > 0 && unmet[0] !== undefined) {
    printError(io, unknownField(unmet[0], NO_LINE), flags.json === true);
    io.setExit(EXIT.failed);
  }
  if (lines === 0 && flags.confirm === true) io.setExit(EXIT.scoped);
  if (stoppedBy !== undefined) io.setExit(SIGNAL_EXIT[stoppedBy]);
}

const NO_LINE = 'no line that has it: what was to be kept apart may stand in the rows for all to read';

/** The chunks of stdin; a signal ends them as the end of the input does, so that what was read is committed and receipted. */
async function* untilStopped(stdin: NodeJS.ReadStream, stopped: () => boolean): AsyncIterable<Buffer> {
  try {
    for await (const chunk of stdin) yield chunk as Buffer;
  } catch (error) {
    if (!stopped()) throw error;
  }
}
