/** `ledger append`: one row from flags or JSON, or many from a pipe, with a receipt for each. */
import { openSync, writeFileSync } from 'node:fs';
import { Option } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import type { ErrorCode } from '../../core/errors';
import { printable } from '../../core/printable';
import { appendRow, appendStream, previewRow, refuseOwnFile, unlessStoredAs } from '../../services/append';
import type { AppendRequest, KeptWriter, LineReceipt, Outcome } from '../../services/append';
import { EXIT, SIGNAL_EXIT, worst } from '../exit';
import type { ExitCode } from '../exit';
import { hasInput, jsonLine, printError, printWarning, refuseFolderAsInput } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { addRowFlags, rowFromFlags } from '../rowFlags';
import { talkOf, tellIgnored } from '../talk';

interface AppendFlags {
  readonly confirm?: boolean;
  readonly rejects?: string;
  readonly dryRun?: boolean;
  readonly enforce?: boolean;
  readonly attempted?: string;
}

type Flags = AppendFlags & GlobalFlags & Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

const EXAMPLES = `Examples:
  ledger append --agent coder --action tool.call --run-id r1 --cost-usd 0.0123
  ledger append '{"agent":"coder","action":"pulse.probe","outcome":"success"}'
  generate-rows | ledger append -            one receipt per line, as soon as it is on disk
  LEDGER_RUN_ID=r1 ledger append --action step.done --set branch=main
`;

const HELP = `
Any member can come from the environment: LEDGER_AGENT, LEDGER_RUN_ID, … ; TRACEPARENT is recorded. But for action,
payload and idempotency_key: they belong to one row.

Exit: 0 every row landed, was a duplicate, or waits safely in the spill file · 1 with --enforce: it would pass a cap ·
      2 a row was refused, or stored nowhere · 3 with --confirm: a row is not in the chain yet`;

/** What a program gives the command beside its flags. */
interface Around {
  /** Loaded only where it is asked for: most appends hold nothing against a cap. */
  readonly loadEnforcement: () => Promise<{
    readonly underCaps: (place: AppendRequest['place']) => AppendRequest['appendRows'];
  }>;
  /** For one row after the other: the writer that stays open, and who hears under which id a row is being written. */
  readonly writers?: KeptWriter;
  readonly onWriting?: (ids: readonly string[]) => void;
}

export function registerAppend(program: Command, io: Io, around: Around): void {
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
    // Of "ledger_append": the id under which its coprocess was writing the row when it died.
    .addOption(new Option('--attempted <id>').hideHelp())
    .addHelpText('after', HELP)
    .action(async (row: string | undefined) => runAppend(io, row, flagsOf<Flags>(command), around));
}

async function runAppend(io: Io, argument: string | undefined, flags: Flags, around: Around): Promise<void> {
  tellIgnored(io);
  const printer = new ReceiptPrinter(io, flags, { numbered: argument === '-' });
  const place = placeOf(flags, io);
  const { onWriting, writers } = around;
  const events = onWriting === undefined ? talkOf(io, flags) : { ...talkOf(io, flags), onWriting };
  const appendRows = await howToAppend(place, flags, around);
  const request = { place, flags: rowFromFlags(flags), events, appendRows, writers };
  if (argument === '-') {
    if (flags.dryRun === true) throw new LedgerError('USAGE', 'expected one row with --dry-run, found "-"');
    refuseFolderAsInput();
    await appendPiped(io, printer, request);
    return;
  }
  if (argument === undefined && request.flags.size === 0) {
    throw new LedgerError('USAGE', 'expected a row as flags or JSON, found neither', {
      hint: hasInput() ? 'to read rows from the pipe: ledger append -' : 'see "ledger append --help"',
    });
  }
  if (flags.dryRun === true) {
    if (flags.enforce === true) throw new LedgerError('USAGE', 'expected either --dry-run or --enforce, found both');
    io.stdout(`${previewRow(request, argument)}\n`);
    return;
  }
  printer.print([await appendRow(request, argument)]);
  printer.finish();
}

async function howToAppend(
  place: AppendRequest['place'],
  { enforce, attempted }: Flags,
  { loadEnforcement }: Around,
): Promise<AppendRequest['appendRows']> {
  if (enforce === true) return (await loadEnforcement()).underCaps(place);
  return attempted === undefined ? undefined : unlessStoredAs(attempted, place);
}

async function appendPiped(
  io: Io,
  printer: ReceiptPrinter,
  request: Parameters<typeof appendStream>[0],
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
  await appendStream(request, input, (receipts) => {
    lines += receipts.length;
    printer.print(receipts);
  });
  if (lines === 0) io.stderr('ledger: note: no input line came, so nothing was appended\n');
  printer.finish();
  if (stoppedBy !== undefined) io.setExit(SIGNAL_EXIT[stoppedBy]);
}

/** The chunks of stdin; a signal ends them as the end of the input does, so that what was read is committed and receipted. */
async function* untilStopped(stdin: NodeJS.ReadStream, stopped: () => boolean): AsyncIterable<Buffer> {
  try {
    for await (const chunk of stdin) yield chunk as Buffer;
  } catch (error) {
    if (!stopped()) throw error;
  }
}

class ReceiptPrinter {
  readonly #codes = new Set<ExitCode>([EXIT.ok]);
  readonly #rejects: Rejects | undefined;
  #spilled = 0;
  /** Why rows were spilled that no append and no sweep can chain as things are. */
  #forPerson: ErrorCode | undefined;

  constructor(
    private readonly io: Io,
    private readonly flags: Flags,
    /** Whether there are many input lines, so that what is said of one must name it. */
    private readonly of: { readonly numbered: boolean },
  ) {
    if (flags.rejects === undefined) return;
    refuseOwnFile(placeOf(flags, io), flags.rejects);
    this.#rejects = openRejects(flags.rejects);
  }

  print(receipts: readonly LineReceipt[]): void {
    let out = '';
    for (const receipt of receipts) {
      out += this.#line(receipt);
      this.#count(receipt);
    }
    this.io.stdout(out);
  }

  finish(): void {
    const { io } = this;
    if (this.#spilled > 0) {
      const [wait, them] = this.#spilled === 1 ? ['row waits', 'it'] : ['rows wait', 'them'];
      const until = this.#forPerson === undefined ? ';' : ` until a person puts ${this.#forPerson} right; then`;
      io.stderr(
        `ledger: warning: ${this.#spilled} ${wait} in the spill file${until} the next append or "ledger sweep" chains ${them}\n`,
      );
    }
    io.setExit(worst([...this.#codes]));
  }

  #line({ line, outcome }: LineReceipt): string {
    const { flags } = this;
    if (flags.quiet === true && (outcome.status === 'landed' || outcome.status === 'duplicate')) return '';
    if (flags.json === true) return `${jsonLine(publicReceipt(line, outcome))}\n`;
    switch (outcome.status) {
      case 'landed':
      case 'duplicate':
        return `${outcome.status} seq=${outcome.seq} id=${outcome.id} hash=${outcome.hash}\n`;
      case 'spilled':
        return `spilled id=${outcome.id} why=${outcome.error.code}\n`;
      case 'refused':
        return `refused line=${line} code=${outcome.error.code} ${printable(outcome.error.message)}\n`;
    }
  }

  #count({ line, text, outcome }: LineReceipt): void {
    if (outcome.status === 'spilled') this.#countSpilled(outcome.error);
    if (outcome.status !== 'refused') return;
    this.#codes.add(outcome.error.code === 'OVER_CAP' ? EXIT.no : EXIT.failed);
    if (this.#rejects !== undefined && text.length > 0) this.#reject(this.#rejects, text);
    if (outcome.row !== undefined) this.io.stderr(`${outcome.row}\n`);
    printError(this.io, this.of.numbered ? atLine(line, outcome.error) : outcome.error, this.flags.json === true);
  }

  /** A rejects file that cannot be written to is told, and stops nothing. */
  #reject(rejects: Rejects, text: string | Buffer): void {
    try {
      writeFileSync(rejects.fd, Buffer.concat([Buffer.from(text), Buffer.from('\n')]));
    } catch (cause) {
      printError(this.io, rejectsFailed(rejects.path, cause), this.flags.json === true);
    }
  }

  #countSpilled(error: LedgerError): void {
    if (NEEDS_PERSON.has(error.code)) this.#forPerson = error.code;
    // Somebody writes beside the lock: the row is safe, the ledger is not well.
    const isFork = error.code === 'FORK';
    if (isFork) this.#codes.add(EXIT.failed);
    if (this.flags.confirm === true) this.#codes.add(EXIT.scoped);
    if (this.#spilled++ > 0 || this.flags.json === true) return;
    if (isFork) printError(this.io, error, false);
    else printWarning(this.io, error);
  }
}

const NEEDS_PERSON: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'LEDGER_MISSING',
  'TAIL_TAMPERED',
  'HEAL_IMPOSSIBLE',
  'LOCK_UNAVAILABLE',
]);

function atLine(line: number, { code, message, place, hint }: LedgerError): LedgerError {
  const more = hint === undefined ? {} : { hint };
  return new LedgerError(code, `line ${line}: ${message}`, { place: { ...place, line }, ...more });
}

function publicReceipt(line: number, outcome: Outcome): object {
  const { status } = outcome;
  switch (outcome.status) {
    case 'landed':
    case 'duplicate':
      return { status, seq: outcome.seq, id: outcome.id, hash: outcome.hash, line };
    case 'spilled':
      return { status, id: outcome.id, line, error: publicError(outcome.error) };
    case 'refused':
      return { status, line, error: publicError(outcome.error) };
  }
}

function publicError({ code, message, place }: LedgerError): object {
  return { code, message, place };
}

interface Rejects {
  readonly path: string;
  readonly fd: number;
}

/** Opened before any row is appended: a mistyped path must not cost the lines that it was to keep. */
function openRejects(path: string): Rejects {
  try {
    return { path, fd: openSync(path, 'a', 0o600) };
  } catch (cause) {
    throw rejectsFailed(path, cause);
  }
}

function rejectsFailed(path: string, cause: unknown): LedgerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError('USAGE', `expected a file for refused lines at ${path}, found: ${why}`, {
    place: { segment: path },
    cause,
  });
}
