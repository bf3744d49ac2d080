/** Receipts of `ledger append`: one for every input line, as text or JSON; refused lines also go to the file of --rejects. */
import { openSync, writeFileSync } from 'node:fs';
import { LedgerError } from '../core/errors';
import type { ErrorCode } from '../core/errors';
import { printable } from '../core/printable';
import { refuseOwnFile } from '../services/append';
import type { LineReceipt, Outcome } from '../services/append';
import { EXIT, worst } from './exit';
import type { ExitCode } from './exit';
import { jsonLine, printError, printWarning } from './io';
import type { Io } from './io';
import { placeOf } from './options';
import type { GlobalFlags } from './options';

interface ReceiptFlags extends GlobalFlags {
  readonly confirm?: boolean;
  readonly rejects?: string;
}

/** Tells what became of each input line, and with which code that ends. */
export class ReceiptPrinter {
  readonly #codes = new Set<ExitCode>([EXIT.ok]);
  readonly #rejects: Rejects | undefined;
  #spilled = 0;
  /** Lines in the file of --rejects that hold one. */
  #secrets = 0;
  /** Why rows were spilled that no append and no sweep can chain as things are. */
  #forPerson: ErrorCode | undefined;

  constructor(
    private readonly io: Io,
    private readonly flags: ReceiptFlags,
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
    if (this.#secrets > 0) {
      const lines =
        this.#secrets === 1 ? '1 line that holds a secret stands' : `${this.#secrets} lines that hold secrets stand`;
      io.stderr(`ledger: warning: ${lines} in ${printable(this.#rejects?.path ?? '')}, word for word\n`);
    }
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
    if (this.#rejects !== undefined && text.length > 0) {
      this.#reject(this.#rejects, text);
      if (outcome.error.code === 'SECRET') this.#secrets++;
    }
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
