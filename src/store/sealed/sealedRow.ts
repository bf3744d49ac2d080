/** Finds a sealed field of a row, and what became of its opening. */
import { LedgerError } from '../../core/errors';
import { isUlid } from '../../core/ids';
import type { JsonObject } from '../../core/json';
import type { Row } from '../../core/members';
import { parseJson } from '../../core/parseJson';
import { hasField, isDigest, sealedFields } from '../../core/seal';
import { readLine } from '../../core/rowText';
import { findLines } from '../read/find';
import type { Sought } from '../read/find';
import { presentSegments } from '../ledger/segments';
import type { StatePaths } from '../paths';
import { rowsSince } from '../read/rowsOfAction';

export const ERASURE = 'audit.erasure';

export interface SealedAt {
  readonly seq: number;
  readonly id: string;
  readonly field: string;
  readonly digest: string;
}

/** A seq or an id. @throws LedgerError USAGE */
export function parseRowName(text: string): Sought {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return { kind: 'seq', seq: Number(text) };
  if (isUlid(text.toUpperCase())) return { kind: 'id', id: text.toUpperCase() };
  throw new LedgerError('USAGE', `expected a row by its seq or id, found ${JSON.stringify(text)}`);
}

export interface ReadRow {
  readonly seq: number;
  readonly id: string;
  readonly members: JsonObject;
}

/**
 * @throws LedgerError NOT_FOUND where there is no such row, LEDGER_BROKEN where its line is not what was written;
 *   LEDGER_MISSING, READ_FAILED
 */
export async function rowNamed(paths: StatePaths, name: string): Promise<ReadRow> {
  presentSegments(paths);
  const [found] = await findLines(paths, parseRowName(name));
  if (found === undefined) throw new LedgerError('NOT_FOUND', `expected a row ${name}, found none`);
  return rowIn(found.line);
}

/** @throws LedgerError LEDGER_BROKEN for a line that is not what a writer wrote: what it says shows nothing */
export function rowIn(line: Buffer): ReadRow {
  const reading = readLine(line);
  if (reading.kind === 'row') {
    const { seq, id } = reading.row;
    return { seq, id, members: parseJson(line.toString('utf8')) as JsonObject };
  }
  const why = reading.kind === 'wrong' ? reading.why : 'a line that is no row';
  throw new LedgerError('LEDGER_BROKEN', `expected a row as it was written, found: ${why}`, {
    hint: 'run "ledger verify"',
  });
}

/** Undefined where nothing of that name is sealed. @throws LedgerError USAGE where two fields are named alike */
export function digestIn({ members, seq }: ReadRow, field: string): string | undefined {
  const [one, other] = sealedFields(members).filter((sealed) => sealed.field === field);
  if (other !== undefined)
    throw new LedgerError('USAGE', `expected one field "${field}" in row ${seq}, found two that are named so`);
  return one?.digest;
}

/** @throws LedgerError NOT_SEALED; as `rowNamed` */
export async function sealedAt(paths: StatePaths, name: string, field: string): Promise<SealedAt> {
  const row = await rowNamed(paths, name);
  const { seq, id, members } = row;
  const digest = digestIn(row, field);
  if (digest !== undefined) return { seq, id, field, digest };
  const sealed = sealedFields(members).map((one) => one.field);
  const found = hasField(members, field) ? 'one that is not' : 'no such field';
  throw new LedgerError('NOT_SEALED', `expected a sealed field "${field}" in row ${seq}, found ${found}`, {
    place: { member: field },
    hint: hintAbout(members, sealed),
  });
}

function hintAbout(members: JsonObject, sealed: readonly string[]): string {
  if (sealed.length > 0) return `sealed in this row: ${sealed.join(', ')}`;
  const action = members.get('action');
  const isOwn = typeof action === 'string' && action.startsWith('audit.');
  const more = '; what opened a field of a row that is gone is named by "ledger verify": ledger erase --digest HEX';
  return `no field of this row is sealed${isOwn ? more : ''}`;
}

/** The digest that a row says was erased; undefined for any other row. */
export function erasedIn({ action, payload }: Pick<Row, 'action' | 'payload'>): string | undefined {
  const digest = payload?.['digest'];
  return action === ERASURE && isDigest(digest) ? digest : undefined;
}

/** The row that says that an opening was erased. */
export async function erasureOf(paths: StatePaths, digest: string): Promise<Row | undefined> {
  const rows = await rowsSince(paths, ERASURE, 0);
  return rows.find((row) => erasedIn(row) === digest);
}
