/**
 * The process as commands see it: streams, environment, clock, exit code. stdout is the answer, stderr is talk.
 *
 * The exit code is set, never forced: `process.exit` cuts a pipe off at 64 KiB. A reader that closes the pipe (`| head`)
 * ends the output quietly and changes nothing of what was done.
 */
import { fstatSync } from 'node:fs';
import { LedgerError } from '../core/errors';
import { printableLines } from '../core/printable';
import type { ExitCode } from './exit';

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  readonly isErrTTY: boolean;
  readonly columns: number;
  nowMs(): number;
  /** Writes to stdout. Returns false once the reader is gone. */
  stdout(text: string): boolean;
  stderr(text: string): void;
  setExit(code: ExitCode): void;
  readonly stdin: NodeJS.ReadStream;
}

export function processIo(): Io {
  let readerGone = false;
  const swallowClosedPipe = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error;
    readerGone = true;
  };
  let listening = false;
  const listen = (): void => {
    if (listening) return;
    listening = true;
    process.stdout.on('error', swallowClosedPipe);
    process.stderr.on('error', swallowClosedPipe);
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
    stdout(text) {
      listen();
      if (!readerGone && text !== '') process.stdout.write(text);
      return !readerGone;
    },
    stderr(text) {
      listen();
      process.stderr.write(text);
    },
    setExit(code) {
      process.exitCode = code;
    },
    get stdin() {
      return process.stdin;
    },
  };
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

/** `ledger: error: …` and, where there is a next step, `ledger: hint: …`; with --json an object on stderr as well. */
export function printError(io: Io, error: unknown, json: boolean): void {
  const known = error instanceof LedgerError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    const { code = 'READ_FAILED', place, hint } = known ?? {};
    io.stderr(`${jsonLine({ error: { code, message, place, hint } })}\n`);
    return;
  }
  io.stderr(`ledger: error: ${printableLines(message)}\n`);
  if (known?.hint !== undefined) io.stderr(`ledger: hint: ${printableLines(known.hint)}\n`);
}

/** JSON in one line that is safe on a terminal: what JSON.stringify leaves raw beyond ASCII controls is escaped too. */
export function jsonLine(value: unknown): string {
  return printableLines(JSON.stringify(value));
}
