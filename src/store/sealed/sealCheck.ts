/**
 * The openings against the rows, for `verify`: each sealed field can be shown, or a row says that it was erased; what a row
 * says was erased is gone; and each opening is of a row. What is amiss is a warning, also that nobody could look: the rows are
 * what they were either way, for no hash rests on an opening.
 */
import { isForeignSeal } from '../../core/importKey';
import { orNothing } from '../../core/errors';
import { completeObject } from '../../core/rowText';
import { storedRow } from '../../core/storedRow';
import { parseJson } from '../../core/parseJson';
import { digestsInLine, holds, holdsSeal, readOpening } from '../../core/seal';
import { statOf } from '../files';
import type { StatePaths } from '../paths';
import { digestsWaiting, eachLine } from './holders';
import { eachOpening, strayLines } from './openings';
import { erasedIn, ERASURE } from './sealedRow';

/** So many digits of a digest tell it from others, and are a number: a million take 40 MB. */
const KEY_DIGITS = 13;
const NAMED = 3;
const ERASES = Buffer.from(`"action":"${ERASURE}"`);

const keyOf = (digest: string): number => Number.parseInt(digest.slice(0, KEY_DIGITS), 16);

/** By digest, whether a row holds it. */
type Known = Map<number, boolean>;

interface Erasure {
  readonly seq: number;
  /** What to run again where it was not finished. */
  readonly command: string;
}

interface Rows {
  /** The row of each digest that nothing opens. */
  readonly unopened: Map<number, number>;
  /** What rows say was erased. */
  readonly erased: Map<string, Erasure>;
}

/** Not a fault of the rows: whoever may not read the openings can still check all else. */
class NotLooked extends Error {}

/** @param holdsAny whether anything in a row is sealed: without that, and without openings, there is nothing to look at */
export async function sealWarnings(paths: StatePaths, holdsAny: boolean): Promise<string[]> {
  if (!holdsAny && orNothing(() => statOf(paths.sealed)) === undefined) return [];
  try {
    return await compared(paths);
  } catch (error) {
    if (!(error instanceof NotLooked)) throw error;
    return [`openings could not be looked at: ${error.message}`];
  }
}

async function compared(paths: StatePaths): Promise<string[]> {
  const known: Known = new Map();
  let read = 0;
  const take = (isNew: boolean): void =>
    look(
      paths,
      (digest, { offset, bytes, text }) => {
        read = offset + bytes;
        const opening = orNothing(() => readOpening(parseJson(text(), Infinity)));
        if (opening !== undefined && holds(opening)) known.set(keyOf(digest), isNew);
      },
      read,
    );
  take(false);
  const { unopened, erased } = await readRows(paths, known);
  // Of rows that came meanwhile, or are on their way.
  if ((statOf(paths.sealed)?.size ?? 0) > read) take(true);
  for (const digest of erased.keys()) {
    unopened.delete(keyOf(digest));
    known.delete(keyOf(digest));
  }
  const missing = [...unopened].filter(([key]) => !known.has(key)).map(([, seq]) => seq);
  return [...missingText(missing), ...unfinishedText(paths, erased), ...spareText(paths, known), ...strayText(paths)];
}

function look(paths: StatePaths, take: Parameters<typeof eachOpening>[1], from = 0): void {
  try {
    eachOpening(paths, take, from);
  } catch (cause) {
    throw new NotLooked(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function readRows(paths: StatePaths, known: Known): Promise<Rows> {
  const rows: Rows = { unopened: new Map(), erased: new Map() };
  const isWanted = (block: Buffer): boolean => holdsSeal(block) || block.includes(ERASES);
  await eachLine(paths, isWanted, (line) => readOne(line, known, rows));
  return rows;
}

function readOne(line: Buffer, known: Known, { unopened, erased }: Rows): void {
  if (line.includes(ERASES)) {
    const row = storedRow(line);
    const digest = row === undefined ? undefined : erasedIn(row);
    if (row !== undefined && digest !== undefined)
      erased.set(digest, { seq: row.seq, command: commandOf(digest, row.payload) });
  }
  if (!holdsSeal(line)) return;
  const gone = digestsInLine(line.toString('latin1')).filter((digest) => {
    const isThere = known.has(keyOf(digest));
    if (isThere) known.set(keyOf(digest), true);
    return !isThere;
  });
  if (gone.length === 0) return;
  const row = completeObject(line);
  if (typeof row?.['seq'] !== 'number' || isForeignSeal(row['idempotency_key'])) return;
  for (const digest of gone) if (!unopened.has(keyOf(digest))) unopened.set(keyOf(digest), row['seq']);
}

function commandOf(digest: string, payload: Readonly<Record<string, unknown>> = {}): string {
  const { row_seq: seq, field } = payload;
  if (typeof seq !== 'number' || typeof field !== 'string') return `ledger erase --digest ${digest} --reason …`;
  const word = /^[\w.-]+$/.test(field) ? field : `'${field.replaceAll("'", `'\\''`)}'`;
  return `ledger erase ${seq} ${word} --reason …`;
}

function missingText(seqs: readonly number[]): string[] {
  if (seqs.length === 0) return [];
  const rows = [...new Set(seqs)];
  const named = rows.slice(0, NAMED).join(', ');
  const more = rows.length > NAMED ? ` and ${rows.length - NAMED} more` : '';
  const fields = seqs.length === 1 ? 'a sealed field has' : `${seqs.length} sealed fields have`;
  return [
    `${fields} no opening that fits, and no row says that it was erased: row ${named}${more} (sealed.jsonl was changed or cut)`,
  ];
}

/** Looked up again: what was being erased may be gone by now. */
function unfinishedText(paths: StatePaths, erased: ReadonlyMap<string, Erasure>): string[] {
  if (erased.size === 0) return [];
  const there = new Map<string, Erasure>();
  look(paths, (digest) => {
    const erasure = erased.get(digest);
    if (erasure !== undefined) there.set(digest, erasure);
  });
  return [...there.values()].map(
    ({ seq, command }) => `row ${seq} says that an opening was erased, and it is there still: run ${command} again`,
  );
}

function strayText(paths: StatePaths): string[] {
  const [first, ...more] = strayLines(paths);
  if (first === undefined) return [];
  const what = more.length === 0 ? 'a line that is no opening' : `${more.length + 1} lines that are no openings`;
  return [`sealed.jsonl has ${what}, at byte ${first}: what is in it nobody can disclose or erase (it was changed)`];
}

/** Of rows that never came: a crash, a row that was signed and not appended, a row that is a gap now. */
function spareText(paths: StatePaths, known: Known): string[] {
  if ([...known.values()].every((isHeld) => isHeld)) return [];
  const waiting = new Set([...digestsWaiting(paths)].map(keyOf));
  const spare = new Set<string>();
  look(paths, (digest) => {
    if (known.get(keyOf(digest)) === false && !waiting.has(keyOf(digest))) spare.add(digest);
  });
  if (spare.size === 0) return [];
  const named = [...spare].slice(0, NAMED).join(', ');
  const more = spare.size > NAMED ? ` and ${spare.size - NAMED} more` : '';
  const what = spare.size === 1 ? '1 opening belongs' : `${spare.size} openings belong`;
  return [`${what} to no row: ${named}${more} ("ledger erase --digest HEX --reason …" takes one out)`];
}
