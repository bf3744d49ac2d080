/** `ledger disclose`: what shows the value of one sealed field, and whether somebody else's does. */
import { LedgerError } from '../core/errors';
import type { Json, JsonObject } from '../core/json';
import { parseJson } from '../core/parseJson';
import { holds, openingText, readOpening } from '../core/seal';
import { openContent } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { Openings } from '../store/sealed/openings';
import { digestIn, erasureOf, rowIn, rowNamed, sealedAt } from '../store/sealed/sealedRow';
import type { ReadRow, SealedAt } from '../store/sealed/sealedRow';

/**
 * @returns `{"seq","id","field","digest","salt","name","value"}` as JSON, once it was seen to open the digest in that row
 * @throws LedgerError NOT_FOUND, NOT_SEALED, OPENING_ERASED, OPENING_MISSING; as `openContent`
 */
export async function disclose(place: Place, row: string, field: string, asked: ReadAsked): Promise<string> {
  const { paths } = locate(place);
  const at = await sealedAt(paths, row, field);
  const reading = await openContent(place, { command: 'disclose', sought: `${at.seq} ${field}` }, asked);
  const openings = new Openings(paths);
  const opening = openings.find(at.digest);
  if (opening?.name !== field) {
    throw await whyGone(place, at, openings.has(at.digest) ? 'one that does not open it' : 'none');
  }
  await reading.record();
  return `{"seq":${at.seq},"id":"${at.id}","field":${JSON.stringify(field)},${openingText(opening).slice(1)}`;
}

async function whyGone(place: Place, { seq, field, digest }: SealedAt, found: string): Promise<LedgerError> {
  const erasure = await erasureOf(locate(place).paths, digest);
  const what = `expected the opening of "${field}" in row ${seq}`;
  if (erasure !== undefined) {
    return new LedgerError('OPENING_ERASED', `${what}, found it erased by row ${erasure.seq} (${erasure.ts})`, {
      hint: `"ledger show ${erasure.seq}" says who did that, and why`,
    });
  }
  return new LedgerError('OPENING_MISSING', `${what}, found ${found}, and no row that says it was erased`, {
    hint: 'look for sealed.jsonl in a backup; the row itself is what it was',
  });
}

export interface Checked {
  readonly opens: boolean;
  readonly seq: number | null;
  readonly field: string;
  /** Why not, in words; null where it does. */
  readonly why: string | null;
}

/**
 * Whether an opening shows what stands in a row: in the line that is given, else in the ledger.
 * @throws LedgerError USAGE for what is no opening, NOT_FOUND, LEDGER_BROKEN
 */
export async function checkDisclosed(place: Place, text: string, line: Buffer | undefined): Promise<Checked> {
  const given = parsed(text);
  const opening = readOpening(given);
  if (opening === undefined) throw noOpening();
  const { name: field } = opening;
  if (!holds(opening))
    return { opens: false, seq: null, field, why: 'its digest is not that of its salt, name and value' };
  const row = line === undefined ? await rowOf(place, given) : rowIn(line);
  const digest = digestIn(row, field);
  const why = digest === opening.digest ? null : `the row holds ${digest ?? 'no sealed field of this name'}`;
  return { opens: why === null, seq: row.seq, field, why };
}

function rowOf(place: Place, opening: JsonObject): Promise<ReadRow> {
  const name = opening.get('id') ?? opening.get('seq');
  if (typeof name === 'string' || typeof name === 'number') return rowNamed(locate(place).paths, String(name));
  throw new LedgerError('USAGE', 'expected the seq or id of a row in the opening, found neither', {
    hint: 'or give the row itself: --line FILE',
  });
}

function parsed(text: string): JsonObject {
  const value: Json = parseJson(text.trim());
  if (!(value instanceof Map)) throw noOpening();
  return value;
}

function noOpening(): LedgerError {
  return new LedgerError('USAGE', 'expected an opening {digest, salt, name, value} as JSON, found something else', {
    hint: '"ledger disclose SEQ FIELD" prints one',
  });
}
