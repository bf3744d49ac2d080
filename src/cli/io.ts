/**
 * The process as commands see it: streams, environment, clock, exit code. stdout is the answer, stderr is talk.
 *
 * The exit code is set, never forced: `process.exit` cuts a pipe off at 64 KiB. A reader that closes the pipe (`| head`)
 * ends the output quietly and changes nothing of what was done.
 */
import { isUtf8 } from 'node:buffer';
import { fstatSync, readFileSync } from 'node:fs';
import { errnoOf, LedgerError, orNothing } from '../core/errors';
import { printableLines } from '../core/printable';
import { EXIT, worst } from './exit';
import type { ExitCode } from './exit';

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  readonly isErrTTY: boolean;
  readonly columns: number;
  nowMs(): number;
  /** Writes to stdout. Returns false once the reader is gone. */
  stdout(text: string): boolean;
  /** Hands bytes of somebody else's on to stdout as they are. Rejects once the reader is gone. */
  pass(chunk: Buffer): Promise<void>;
  stderr(text: string): void;
  setExit(code: ExitCode): void;
  readonly stdin: NodeJS.ReadStream;
}

export function processIo(): Io {
  const out = new Output(process.stdout);
  const talk = new Output(process.stderr);
  let code: ExitCode = EXIT.ok;
  const setExit = (wanted: ExitCode): void => {
    code = wanted;
    // What could not be printed was not answered; a reader that had enough is another matter.
    process.exitCode = out.failure === undefined ? code : worst([EXIT.failed, code]);
  };
  out.onFailure = (error) => {
    talk.write(`ledger: error: expected to write to stdout, found: ${error.message}\n`);
    setExit(code);
  };
  return {
    env: process.env,
    get isTTY() {
      return process.stdout.isTTY;
    },
    get isErrTTY() {
      return process.stderr.isTTY;
    },
    get columns() {
      return process.stdout.columns || Number(process.env['COLUMNS']) || 80;
    },
    nowMs: () => Date.now(),
    stdout: (text) => out.write(text),
    pass: (chunk) => out.pass(chunk),
    stderr(text) {
      talk.write(text);
    },
    setExit,
    get stdin() {
      return process.stdin;
    },
  };
}

/** A stream that may end before we do: a reader that closes the pipe ends it quietly, any other failure is told once. */
class Output {
  failure: Error | undefined;
  onFailure: (error: Error) => void = () => undefined;
  #open = true;
  #listening = false;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  /** Resolves when it was taken: who writes faster than anybody reads must wait. */
  pass(chunk: Buffer): Promise<void> {
    this.#listen();
    return new Promise((resolve, reject) => {
      if (!this.#open) reject(new Error('the reader is gone'));
      else this.stream.write(chunk, (error) => (error == null ? resolve() : reject(error)));
    });
  }

  #listen(): void {
    if (!this.#listening) this.stream.on('error', (error: Error) => this.#end(error));
    this.#listening = true;
  }

  /** Returns false once nothing more can be written. */
  write(text: string): boolean {
    if (!this.#open || text === '') return this.#open;
    this.#listen();
    try {
      this.stream.write(text);
    } catch (error) {
      this.#end(error as Error);
    }
    return this.#open;
  }

  #end(error: Error): void {
    if (!this.#open) return;
    this.#open = false;
    if (errnoOf(error) === 'EPIPE') return;
    this.failure = error;
    this.onFailure(error);
  }
}

/** Whether something is piped or redirected into stdin. */
export function hasInput(): boolean {
  try {
    const stats = fstatSync(0);
    return stats.isFIFO() || stats.isFile() || stats.isSocket();
  } catch {
    return false;
  }
}

/** @throws LedgerError READ_FAILED where stdin is a folder: it reads as an empty input, and is a mistake */
export function refuseFolderAsInput(): void {
  if (orNothing(() => fstatSync(0))?.isDirectory() !== true) return;
  throw new LedgerError('READ_FAILED', 'expected rows on standard input, found a folder');
}

/**
 * Bytes that are no UTF-8 come out of the command line as U+FFFD: another name than was typed, and another row.
 * @throws LedgerError USAGE. Only where the system shows the bytes (Linux)
 */
export function refuseMangledArguments(argv: readonly string[]): void {
  const mangled = argv.find((word) => word.includes('\ufffd'));
  if (mangled === undefined) return;
  const bytes = orNothing(() => readFileSync('/proc/self/cmdline'));
  if (bytes === undefined || isUtf8(bytes)) return;
  throw new LedgerError('USAGE', `expected arguments in UTF-8, found other bytes in ${JSON.stringify(mangled)}`, {
    hint: 'spell them in UTF-8; a command under "ledger run" can take such a name from a script',
  });
}

/** `ledger: error: …` and, where there is a next step, `ledger: hint: …`; with --json an object on stderr as well. */
export function printError(io: Io, error: unknown, json: boolean): void {
  const known = error instanceof LedgerError ? error : ofSystem(error);
  const message = known?.message ?? (error instanceof Error ? error.message : String(error));
  if (json) {
    const { code = 'READ_FAILED', place, hint } = known ?? {};
    io.stderr(`${jsonLine({ error: { code, message, place, hint } })}\n`);
    return;
  }
  tell(io, 'error', message, known?.hint);
}

/** The system's own words name a call and a code; what a person is to do is known for the most common one alone. */
function ofSystem(error: unknown): LedgerError | undefined {
  const code = errnoOf(error);
  if (code !== 'EACCES' && code !== 'EPERM') return undefined;
  const { path } = error as NodeJS.ErrnoException;
  if (path === undefined) return undefined;
  return new LedgerError('READ_FAILED', `expected to be let into ${path}, found: permission denied (${code})`, {
    place: { segment: path },
    hint: '"ls -ld" shows whose it is (a state folder is for its owner alone): look as that account, with sudo -u for instance',
  });
}

/** What went wrong where the work was done all the same: the same words, another weight. */
export function printWarning(io: Io, { message, hint }: LedgerError): void {
  tell(io, 'warning', message, hint);
}

function tell(io: Io, weight: 'error' | 'warning', message: string, hint: string | undefined): void {
  io.stderr(`ledger: ${weight}: ${printableLines(message)}\n`);
  if (hint !== undefined) io.stderr(`ledger: hint: ${printableLines(hint)}\n`);
}

/** JSON in one line that is safe on a terminal: what JSON.stringify leaves raw beyond ASCII controls is escaped too. */
export function jsonLine(value: unknown): string {
  return printableLines(JSON.stringify(value));
}
