/**
 * The openings against the rows, for `verify`: each sealed field can be shown, or a row says that it was erased; and what a
 * row says was erased is gone. What is amiss is a warning. The rows are what they were either way: no hash rests on an opening.
 */
import { orNothing } from '../../core/errors';
import { completeObject, storedRow } from '../../core/rowText';
import { parseJson } from '../../core/parseJson';
import { digestsInLine, holds, holdsSeal, readOpening } from '../../core/seal';
import { statOf } from '../files';
import { listSegments, segmentBlocks } from '../ledger/segments';
import type { StatePaths } from '../paths';
import { eachOpening } from './openings';
import { erasedIn, ERASURE } from './sealedRow';

/** So many digits of a digest tell it from others, and are a number: a million take 40 MB. */
const KEY_DIGITS = 13;
const NAMED = 3;
const NEWLINE = 0x0a;
const ERASES = Buffer.from(`"action":"${ERASURE}"`);

const keyOf = (digest: string): number => Number.parseInt(digest.slice(0, KEY_DIGITS), 16);

interface Rows {
  /** The row of each digest that nothing opens. */
  readonly unopened: Map<number, number>;
  /** What rows say was erased, with those rows. */
  readonly erased: Map<string, number>;
}

/** @param holdsAny whether anything in a row is sealed: else there is nothing to look for */
export async function sealWarnings(paths: StatePaths, holdsAny: boolean): Promise<string[]> {
  if (!holdsAny) return [];
  const openings = new Set<number>();
  let read = 0;
  const take = (): void =>
    eachOpening(
      paths,
      (digest, { offset, bytes, text }) => {
        read = offset + bytes;
        const opening = orNothing(() => readOpening(parseJson(text(), Infinity)));
        if (opening !== undefined && holds(opening)) openings.add(keyOf(digest));
      },
      read,
    );
  take();
  const { unopened, erased } = await readRows(paths, openings);
  // Of rows that came meanwhile.
  if ((statOf(paths.sealed)?.size ?? 0) > read) take();
  for (const digest of erased.keys()) unopened.delete(keyOf(digest));
  const missing = [...unopened].filter(([key]) => !openings.has(key)).map(([, seq]) => seq);
  return [...missingText(missing), ...unfinishedText(paths, erased)];
}

async function readRows(paths: StatePaths, openings: ReadonlySet<number>): Promise<Rows> {
  const rows: Rows = { unopened: new Map(), erased: new Map() };
  for (const segment of listSegments(paths))
    for await (const { bytes, overlong } of segmentBlocks(segment)) {
      if (overlong || !(holdsSeal(bytes) || bytes.includes(ERASES))) continue;
      for (let start = 0; start < bytes.length;) {
        const newline = bytes.indexOf(NEWLINE, start);
        const end = newline < 0 ? bytes.length : newline;
        readOne(bytes.subarray(start, end), openings, rows);
        start = end + 1;
      }
    }
  return rows;
}

function readOne(line: Buffer, openings: ReadonlySet<number>, { unopened, erased }: Rows): void {
  if (line.includes(ERASES)) {
    const row = storedRow(line);
    const digest = row === undefined ? undefined : erasedIn(row);
    if (row !== undefined && digest !== undefined) erased.set(digest, row.seq);
  }
  if (!holdsSeal(line)) return;
  const gone = digestsInLine(line.toString('latin1')).filter((digest) => !openings.has(keyOf(digest)));
  if (gone.length === 0) return;
  const row = completeObject(line);
  // What another ledger sealed was never opened here.
  if (typeof row?.['seq'] !== 'number' || row['provenance'] === 'imported') return;
  for (const digest of gone) if (!unopened.has(keyOf(digest))) unopened.set(keyOf(digest), row['seq']);
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
function unfinishedText(paths: StatePaths, erased: ReadonlyMap<string, number>): string[] {
  if (erased.size === 0) return [];
  const there = new Set<string>();
  eachOpening(paths, (digest) => void (erased.has(digest) && there.add(digest)));
  return [...there].map(
    (digest) =>
      `row ${erased.get(digest)} says that an opening was erased, and it is there still: run that "ledger erase" again`,
  );
}
