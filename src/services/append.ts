/**
 * `ledger append`: rows from flags, from one JSON object, or from a stream of JSON lines. Every input line gets exactly
 * one receipt, in order, as soon as its group is on disk; while one group is on its way, the next is read and checked.
 */
import { completeRow, environmentDefaults } from '../core/defaults';
import { LedgerError } from '../core/errors';
import { LineSplitter } from '../core/inputLines';
import type { InputLine } from '../core/inputLines';
import { parseJson } from '../core/parseJson';
import { checkPlainRow } from '../core/plainRow';
import type { Host } from '../core/host';
import type { JsonObject } from '../core/json';
import { hasField } from '../core/seal';
import type { Opening } from '../core/seal';
import { MAX_INPUT_BYTES } from '../core/row';
import type { CheckedRow } from '../core/row';
import { wholeText } from '../core/sameContent';
import type { AppendEvents, Receipt } from '../store/append/append';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { Catalogues } from '../store/catalogue/catalogues';
import { refuseOwn } from '../store/ledger/ownFiles';
import { nodeHost } from '../store/machine/nodeHost';
import { statePaths } from '../store/paths';
import { appendAttempted } from '../store/append/attempted';
import { Writer } from '../store/append/writer';
import type { AppendRows } from '../store/append/writer';
import type { KeptWriter } from '../store/append/keptWriter';

export type { AppendEvents } from '../store/append/append';
export { KeptWriter } from '../store/append/keptWriter';

/** What became of a row; `row` is the whole of it where it could be stored nowhere. */
export type Outcome = Receipt & { readonly row?: string };

/** One input line, its place in the input (from 1), and what became of it. */
export interface LineReceipt {
  readonly line: number;
  /** The line as it came; empty where it was too long to be kept, or came from flags. */
  readonly text: string | Buffer;
  readonly outcome: Outcome;
}

export interface AppendRequest {
  readonly place: Place;
  /** Members from flags, for every row. */
  readonly flags: JsonObject;
  readonly events: AppendEvents;
  /** Fields to seal in each row that has them, beside what the settings say. */
  readonly seal?: readonly string[] | undefined;
  /** What opens fields of the row that come sealed. */
  readonly openings?: readonly Opening[] | undefined;
  /** How rows are handed to the writer; undefined: each for itself. */
  readonly appendRows?: AppendRows | undefined;
  /** Whose writer is used, and stays open; undefined: one of its own. */
  readonly writers?: KeptWriter | undefined;
}

/** So many groups may be under way before reading pauses. */
const MAX_BATCHES_AHEAD = 2;
/** A line may be a little longer than the row in it: white space, escapes that the ledger spells shorter. */
const MAX_LINE_BYTES = 2 * MAX_INPUT_BYTES;

interface CheckedLine {
  readonly line: number;
  readonly text: string | Buffer;
  readonly outcome: CheckedRow | LedgerError;
}

/** For a row that a writer may have stored under `id` before it died: it is appended where it is not there. */
export function unlessStoredAs(id: string, place: Place): AppendRows {
  const { paths } = locate(place);
  const host = nodeHost();
  return (writer, rows) => Promise.all(rows.map((row) => appendAttempted(writer, row, { id, paths, host })));
}

/** Checks rows of one request and appends them; closes with the last one. */
class Session {
  readonly #writer: Writer;
  readonly #defaults: JsonObject;
  readonly #host: Host;
  readonly #catalogues: Catalogues;
  #lines = 0;
  #unmet: readonly string[];

  constructor(private readonly request: AppendRequest) {
    const { writers, events, place, seal = [] } = request;
    this.#unmet = seal;
    const located = writers?.locate(place) ?? locate(place);
    const { paths, config } = located;
    this.#catalogues = writers?.catalogues(located) ?? new Catalogues(located);
    this.#host = writers?.host ?? nodeHost();
    const options = { paths, host: this.#host, durability: config.durability, events };
    this.#writer = writers?.open(options) ?? new Writer(options);
    this.#defaults = writers?.defaults(place.env) ?? environmentDefaults(place.env);
  }

  check(input: InputLine | { readonly kind: 'row'; readonly row: JsonObject }): CheckedLine {
    const line = ++this.#lines;
    const text = textOf(input);
    try {
      return { line, text, outcome: this.#checked(input) };
    } catch (error) {
      if (error instanceof LedgerError) return { line, text, outcome: error };
      throw error;
    }
  }

  async append(lines: readonly CheckedLine[]): Promise<LineReceipt[]> {
    const rows = lines.flatMap(({ outcome }) => (outcome instanceof LedgerError ? [] : [outcome]));
    const receipts = await this.#receipts(rows);
    let next = 0;
    return lines.map(({ line, text, outcome }) => {
      if (outcome instanceof LedgerError) return { line, text, outcome: { status: 'refused', error: outcome } };
      return { line, text, outcome: receipts[next++] as Outcome };
    });
  }

  /** Fields to seal that no row had. */
  get unmet(): readonly string[] {
    return this.#unmet;
  }

  async close(): Promise<void> {
    if (this.request.writers === undefined) await this.#writer.close();
  }

  #checked(input: InputLine | { readonly kind: 'row'; readonly row: JsonObject }): CheckedRow {
    if (input.kind === 'fault') throw input.error;
    const nowMs = this.#host.nowMs();
    const { flags, seal = [], openings } = this.request;
    const isAllThereIs = flags.size + this.#defaults.size + seal.length === 0 && !this.#catalogues.looksIntoMembers;
    const plain = input.kind === 'text' && isAllThereIs ? this.#plain(input.text, nowMs) : undefined;
    if (plain !== undefined) {
      this.#catalogues.check(plain);
      return plain;
    }
    const given = input.kind === 'row' ? input.row : parseJson(input.text);
    const complete = given instanceof Map ? completeRow(given, flags, this.#defaults) : given;
    this.#unmet = this.#unmet.filter((field) => !(complete instanceof Map && hasField(complete, field)));
    return this.#catalogues.checked(complete, { nowMs, onOmitted: this.request.events.onOmitted, seal, openings });
  }

  /** The short way, for a row without a secret: nothing in it is escaped, so that its text tells. */
  #plain(text: string, nowMs: number): CheckedRow | undefined {
    const plain = checkPlainRow(text, nowMs);
    return plain !== undefined && this.#catalogues.secrets.mayBeIn(text) ? undefined : plain;
  }

  async #receipts(rows: readonly CheckedRow[]): Promise<Outcome[]> {
    try {
      const { appendRows } = this.request;
      const receipts = await (appendRows?.(this.#writer, rows) ?? this.#writer.appendEach(rows));
      return receipts.map((receipt, i) => withRow(receipt, rows[i]));
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      return rows.map((row) => ({ status: 'refused', error, row: wholeText(row) }));
    }
  }
}

/** A disk that filled up in the middle of a group: the rows that found no place are handed back whole. */
function withRow(receipt: Receipt, row: CheckedRow | undefined): Outcome {
  const isLost = receipt.status === 'refused' && receipt.error.code === 'STORED_NOWHERE';
  return isLost && row !== undefined ? { ...receipt, row: wholeText(row) } : receipt;
}

function textOf(input: InputLine | { readonly kind: 'row' }): string | Buffer {
  if (input.kind === 'text') return input.text;
  return input.kind === 'fault' ? (input.bytes ?? '') : '';
}

/** The row as it would be stored, checked but not written. Errors as a receipt would hold them. */
export function previewRow(
  { place, flags, events, seal, openings }: Pick<AppendRequest, 'place' | 'flags' | 'events' | 'seal' | 'openings'>,
  text: string | undefined,
): string {
  const row = text === undefined ? (new Map() as JsonObject) : parseJson(text);
  const complete = row instanceof Map ? completeRow(row, flags, environmentDefaults(place.env)) : row;
  const catalogues = new Catalogues(locate(place));
  const asked = { nowMs: nodeHost().nowMs(), onOmitted: events.onOmitted, seal, openings };
  const checked = catalogues.checked(complete, asked);
  return `{${checked.members}}`;
}

/** @throws LedgerError USAGE where a file that is to be written beside the ledger is one of its own, or would lie among them */
export function refuseOwnFile({ dir, env }: Place, path: string): void {
  refuseOwn(statePaths(dir, env), 'a file', path);
}

/** Appends one row: JSON text that is answered as a line of a stream is, or, where there is none, the flags alone. */
export async function appendRow(request: AppendRequest, text: string | undefined): Promise<LineReceipt> {
  const session = new Session(request);
  const input = text === undefined ? { kind: 'row' as const, row: new Map() } : { kind: 'text' as const, text };
  const [receipt] = await session.append([session.check(input)]);
  await session.close();
  return receipt as LineReceipt;
}

/**
 * Appends a stream of JSON lines.
 * @param onReceipts hears of every line once, in order, when its group is on disk
 * @returns fields that were to be sealed, and that no row had
 */
export async function appendStream(
  request: AppendRequest,
  input: AsyncIterable<Buffer>,
  onReceipts: (receipts: readonly LineReceipt[]) => void,
): Promise<readonly string[]> {
  const session = new Session(request);
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  const underway: Promise<void>[] = [];
  const take = (lines: readonly InputLine[]): void => {
    if (lines.length === 0) return;
    const before = underway.at(-1) ?? Promise.resolve();
    const receipts = session.append(lines.map((line) => session.check(line)));
    const step = Promise.all([receipts, before]).then(([done]) => onReceipts(done));
    // Heard of where it is awaited, which may be after more input has come.
    step.catch(() => undefined);
    underway.push(step);
  };
  for await (const chunk of input) {
    take(splitter.push(chunk));
    while (underway.length > MAX_BATCHES_AHEAD) await underway.shift();
  }
  take(splitter.end());
  await Promise.all(underway);
  await session.close();
  return session.unmet;
}
