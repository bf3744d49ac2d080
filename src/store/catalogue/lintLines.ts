/** Reads a file of rows, stored or to be appended, line by line, and tells what the catalogues would say of each. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LedgerError } from '../../core/errors';
import type { ErrorCode } from '../../core/errors';
import { LineSplitter } from '../../core/inputLines';
import type { InputLine } from '../../core/inputLines';
import { storedJson } from '../../core/json';
import type { JsonObject } from '../../core/json';
import { omittedIn, omittedText } from '../../core/omissions';
import { parseJson } from '../../core/parseJson';
import { checkRow, isActionName, MAX_LINE_BYTES } from '../../core/row';
import { secretText, withoutSecrets } from '../../core/secrets';
import type { Catalogues } from './catalogues';

export interface LintFinding {
  /** The file, as it was named. */
  readonly file: string;
  readonly code: ErrorCode;
  /** From 1. */
  readonly line: number;
  /** Of a stored row. */
  readonly seq: number | undefined;
  readonly action: string | undefined;
  /** Of the member: `payload.result`. */
  readonly path: string | undefined;
  readonly text: string;
}

export interface LintCounts {
  /** Lines that are no blank ones. */
  rows: number;
  /** Rows of a type that a catalogue describes. */
  described: number;
}

export interface LintOptions {
  readonly catalogues: Catalogues;
  /** Whether to look for what a trail leaves out, and for secrets, too. */
  readonly omissions: boolean;
  /** The clock that rows are held against which are to be appended; undefined where they are looked at as stored. */
  readonly nowMs: number | undefined;
  readonly counts: LintCounts;
}

/** @throws LedgerError READ_FAILED */
export async function* lintFiles(paths: readonly string[], options: LintOptions): AsyncGenerator<LintFinding> {
  for (const file of paths) for await (const finding of lintLines(file, options)) yield { file, ...finding };
}

type LineFinding = Omit<LintFinding, 'file'>;

async function* lintLines(path: string, options: LintOptions): AsyncGenerator<LineFinding> {
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  let line = 0;
  try {
    for await (const chunk of chunksOf(path)) {
      for (const one of splitter.push(chunk as Buffer)) yield* lintLine(one, ++line, options);
    }
  } catch (cause) {
    throw new LedgerError('READ_FAILED', `expected rows in ${path}, found: ${(cause as Error).message}`, {
      place: { segment: path },
      cause,
    });
  }
  for (const one of splitter.end()) yield* lintLine(one, ++line, options);
}

function chunksOf(path: string): Readable {
  const file = createReadStream(path);
  if (!path.endsWith('.gz')) return file;
  const unpacked = createGunzip();
  file.on('error', (error) => unpacked.destroy(error));
  return file.pipe(unpacked);
}

function* lintLine(input: InputLine, line: number, options: LintOptions): Generator<LineFinding> {
  if (input.kind === 'text' && input.text.trim() === '') return;
  const { catalogues, counts } = options;
  counts.rows++;
  const none = { line, seq: undefined, action: undefined, path: undefined };
  if (input.kind === 'fault') {
    yield { ...none, code: 'JSON_SYNTAX', text: input.error.message };
    return;
  }
  const given = parsed(input.text);
  if (given instanceof LedgerError) {
    yield { ...none, code: 'JSON_SYNTAX', text: given.message };
    return;
  }
  const secrets = catalogues.secrets.foundIn(given);
  // What else is said of the row may quote it.
  const row = secrets.length === 0 ? given : withoutSecrets(given, secrets);
  const action = row.get('action');
  const seq = row.get('seq');
  const isStored = typeof seq === 'number' && row.has('hash');
  const at = {
    line,
    seq: typeof seq === 'number' ? seq : undefined,
    action: typeof action === 'string' ? action : undefined,
  };
  if (options.nowMs !== undefined && !isStored) {
    const refusal = refusalOf(given, catalogues, options.nowMs);
    if (refusal !== undefined) yield { ...at, ...refusal };
  } else if (typeof action !== 'string') yield { ...at, ...noAction(row) };
  if (options.omissions)
    for (const one of secrets) yield { ...at, code: 'SECRET', path: one.path, text: secretText(one) };
  if (typeof action !== 'string' || action.startsWith('audit.')) return;
  const faults = catalogues.faults(action, JSON.parse(row === given ? input.text : storedJson(row)));
  if (faults !== undefined) counts.described++;
  else if (catalogues.refuses(action) && isActionName(action))
    yield { ...at, code: 'ACTION_UNKNOWN', path: 'action', text: 'no catalogue describes it' };
  for (const { path, text } of faults ?? []) yield { ...at, code: 'SCHEMA_MISMATCH', path, text };
  if (!options.omissions || catalogues.omissionMode(action) === 'off') return;
  for (const one of omittedIn(row)) yield { ...at, code: 'OMITTED', path: one.path, text: omittedText(one) };
}

/** What a row that is to be appended would be refused for, whatever its type. */
function refusalOf(row: JsonObject, catalogues: Catalogues, nowMs: number): Refusal | undefined {
  try {
    checkRow(
      catalogues.prepared(row, () => undefined),
      { nowMs },
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { code: error.code, path: error.place?.member, text: error.message };
  }
}

type Refusal = Pick<LintFinding, 'code' | 'path' | 'text'>;

function noAction(row: JsonObject): Refusal {
  const text = `expected a text, found ${row.has('action') ? 'another value' : 'none'}`;
  return { code: row.has('action') ? 'MEMBER_TYPE' : 'MEMBER_MISSING', path: 'action', text };
}

function parsed(text: string): JsonObject | LedgerError {
  try {
    const value = parseJson(text);
    return value instanceof Map
      ? value
      : new LedgerError('ROW_NOT_OBJECT', 'expected a JSON object, found another value');
  } catch (error) {
    if (error instanceof LedgerError) return error;
    throw error;
  }
}
