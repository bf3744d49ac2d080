/**
 * The pass rule, checked by a reader of its own: nothing of the product is used, so a mistake of the product cannot
 * hide itself. It says what is wrong as text; an empty list is a pass.
 *
 *   (a) every acknowledged row is exactly once in ledger or spill, every other one at most once
 *   (b) the chain holds over the stored bytes
 *   (c) torn bytes are in quarantine byte for byte, named by exactly one heal row
 *   (d) nothing half-made is left after the next append
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from './sandbox';

/** A row as this reader sees it: what JSON.parse gives. */
export type ReadRow = Readonly<Record<string, unknown>>;

export interface StateView {
  readonly rows: readonly ReadRow[];
  /** The bytes from the first line on that is no whole row, where no row follows; and where they begin. */
  readonly torn: Buffer;
  readonly tornOffset: number;
  /** What is wrong with the chain. */
  readonly problems: readonly string[];
  /** Records in any spill file whose row is not in the ledger. */
  readonly waiting: readonly ReadRow[];
  readonly quarantine: ReadonlyMap<string, Buffer>;
  /** Files of a work under way: heal plan, spill files that are being or to be drained. */
  readonly unfinished: readonly string[];
}

const HASH_END = /,"prev_hash":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/;
const ZERO = '0'.repeat(64);

/** SHA-256 as hex. */
export function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** A line as a row, or undefined where it is not a complete JSON object that ends as a row does. */
export function parseLine(line: Buffer): ReadRow | undefined {
  const text = line.toString('utf8');
  if (!HASH_END.test(text)) return undefined;
  try {
    return JSON.parse(text) as ReadRow;
  } catch {
    return undefined;
  }
}

/** Whether the stored hash of a line is that of its bytes (format.md section 3, done with text alone). */
export function hashHolds(line: Buffer): boolean {
  const text = line.toString('latin1');
  const stored = HASH_END.exec(text)?.[2];
  return stored !== undefined && sha256(Buffer.from(`${text.slice(0, -75)}}`, 'latin1')) === stored;
}

interface LedgerBytes {
  rows: ReadRow[];
  torn: Buffer;
  tornOffset: number;
  problems: string[];
}

/** Reads the rows of ledger bytes and checks the chain; a tail that is no row is given apart. */
export function readLedgerBytes(bytes: Buffer): LedgerBytes {
  const found: LedgerBytes = { rows: [], torn: Buffer.alloc(0), tornOffset: bytes.length, problems: [] };
  let tornAt: number | undefined;
  let head = ZERO;
  for (let offset = 0; offset < bytes.length;) {
    const newline = bytes.indexOf(0x0a, offset);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(offset, end);
    const row = parseLine(line);
    if (row === undefined) {
      tornAt ??= offset;
    } else {
      if (tornAt !== undefined) found.problems.push(`a row after bytes at ${tornAt} that are no row`);
      tornAt = undefined;
      found.problems.push(...linkProblems(row, line, found.rows.length + 1, head));
      found.rows.push(row);
      head = String(row['hash']);
      if (newline < 0) found.problems.push('the last row has no newline');
    }
    offset = end + 1;
  }
  if (tornAt !== undefined) Object.assign(found, { torn: bytes.subarray(tornAt), tornOffset: tornAt });
  return found;
}

function linkProblems(row: ReadRow, line: Buffer, seq: number, head: string): string[] {
  const problems: string[] = [];
  if (row['seq'] !== seq) problems.push(`expected seq ${seq}, found ${String(row['seq'])}`);
  if (row['prev_hash'] !== head) problems.push(`row ${seq} does not link to the row before`);
  if (row['action'] !== 'audit.tombstone' && !hashHolds(line))
    problems.push(`row ${seq}: its hash is not that of its bytes`);
  return problems;
}

/** The spill files of a sandbox, in both places. */
export function spillFiles(box: Sandbox): string[] {
  const second = join(box.stateHome, 'ledger', 'spill');
  const there = existsSync(second) ? readdirSync(second).map((name) => join(second, name)) : [];
  const first = ['audit.spill.jsonl', 'audit.spill.draining'].map((name) => join(box.dir, name));
  return [...first, ...there].filter((path) => existsSync(path) && statSync(path).size > 0);
}

/** The whole records of all spill files; torn ones have no effect and are left out. */
export function spillRecords(box: Sandbox): ReadRow[] {
  const lines = spillFiles(box).flatMap((path) => readFileSync(path, 'utf8').split('\n'));
  return lines.flatMap((line) => {
    try {
      const record = JSON.parse(line) as ReadRow;
      return record['spill'] === 1 ? [record] : [];
    } catch {
      return [];
    }
  });
}

/** Looks at everything in a sandbox. */
export function view(box: Sandbox): StateView {
  const bytes = existsSync(box.ledger) ? readFileSync(box.ledger) : Buffer.alloc(0);
  const ledger = readLedgerBytes(bytes);
  const taken = new Set(ledger.rows.flatMap((row) => [row['id'], row['spill_id']]));
  const waiting = new Map<unknown, ReadRow>();
  for (const record of spillRecords(box)) if (!taken.has(record['id'])) waiting.set(record['id'], record);
  const quarantine = new Map<string, Buffer>();
  const folder = join(box.dir, 'quarantine');
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (name.endsWith('.bin')) quarantine.set(name, readFileSync(join(folder, name)));
  }
  const plan = join(box.dir, 'audit.heal.pending');
  const unfinished = [...(existsSync(plan) ? [plan] : []), ...spillFiles(box)];
  return { ...ledger, waiting: [...waiting.values()], quarantine, unfinished };
}

export interface Expected {
  /** The marks of rows that were acknowledged: exactly once each. */
  readonly acknowledged: readonly string[];
  /** The marks of rows that were tried: at most once each. Acknowledged ones need not be named again. */
  readonly tried?: readonly string[];
  /** Bytes that were torn off: each in quarantine, named by one heal row. */
  readonly torn?: readonly Buffer[];
}

/** What breaks rule (a): rows lost, doubled, or from nowhere. */
export function countViolations(seen: StateView, expected: Expected): string[] {
  const counts = new Map<string, number>();
  const stored = [...seen.rows, ...seen.waiting.map((record) => record['row'] as ReadRow)];
  for (const row of stored) {
    const mark = row['mark'];
    if (typeof mark === 'string') counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  const must = new Set(expected.acknowledged);
  const may = new Set(expected.tried ?? []);
  const lost = [...must].filter((mark) => !counts.has(mark)).map((mark) => `acknowledged row lost: ${mark}`);
  const doubled = [...counts].filter(([, n]) => n > 1).map(([mark, n]) => `row stored ${n} times: ${mark}`);
  const strange = [...counts.keys()].filter((mark) => !must.has(mark) && !may.has(mark));
  return [...lost, ...doubled, ...strange.map((mark) => `row from nowhere: ${mark}`)];
}

/** What breaks rule (c). */
export function quarantineViolations(seen: StateView, torn: readonly Buffer[]): string[] {
  const heals = seen.rows.filter((row) => row['action'] === 'audit.heal-truncation');
  const payloads = heals.map((row) => row['payload'] as ReadRow);
  const problems: string[] = [];
  for (const bytes of torn) {
    const digest = sha256(bytes);
    const files = [...seen.quarantine].filter(([, content]) => content.equals(bytes)).map(([name]) => name);
    const naming = payloads.filter((payload) => JSON.stringify(payload).includes(digest));
    const what = `${bytes.length} torn bytes (${digest.slice(0, 8)})`;
    if (files.length === 0) problems.push(`${what} are in no quarantine file`);
    if (naming.length !== 1) problems.push(`${what} are named by ${naming.length} heal rows`);
    if (naming.length === 1 && !files.some((name) => JSON.stringify(naming[0]).includes(name.replace('.bin', ''))))
      problems.push(`the heal row of ${what} names another quarantine file`);
  }
  return [...problems, ...unnamedFiles(seen, payloads)];
}

/** A quarantine file that no row names is a half-done heal's copy: allowed only where a named file holds its bytes too. */
function unnamedFiles(seen: StateView, payloads: readonly ReadRow[]): string[] {
  const text = JSON.stringify(payloads);
  const named = [...seen.quarantine].filter(([name]) => text.includes(name.replace('.bin', '')));
  const strays = [...seen.quarantine].filter(([name]) => !text.includes(name.replace('.bin', '')));
  return strays
    .filter(([, bytes]) => !named.some(([, held]) => held.subarray(0, bytes.length).equals(bytes)))
    .map(([name]) => `quarantine file ${name} is named by no row`);
}

/** The whole pass rule, for a state after the append that follows a fault. */
export function violations(box: Sandbox, expected: Expected): string[] {
  const seen = view(box);
  const left = seen.unfinished.map((path) => `left behind: ${path}`);
  const torn = seen.torn.length === 0 ? [] : [`${seen.torn.length} torn bytes still at the tail`];
  return [
    ...countViolations(seen, expected),
    ...seen.problems,
    ...torn,
    ...quarantineViolations(seen, expected.torn ?? []),
    ...left,
  ];
}
