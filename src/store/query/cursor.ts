/**
 * A cursor file: up to which row somebody has read, so that the next call begins behind it.
 *
 *   {"seq":812,"hash":"41…"}
 *
 * The hash says which history it was: in a ledger that was rolled back, or in another one, the row is not there, and that
 * is an error, never a silent beginning anew.
 */
import { declaredLinks } from '../../core/chain';
import type { Head } from '../../core/chain';
import { errnoOf, LedgerError } from '../../core/errors';
import { replaceFile } from '../atomicFile';
import { readWhole } from '../files';
import type { StatePaths } from '../paths';
import { findLines } from '../read/find';

export interface Cursor {
  readonly seq: number;
  readonly hash: string;
}

const CURSOR = /^\{"seq":([1-9][0-9]{0,14}),"hash":"([0-9a-f]{64})"\}\n$/;

/**
 * @returns undefined where there is no such file yet
 * @throws LedgerError READ_FAILED, CURSOR_LOST where it holds something else
 */
export function readCursor(path: string): Cursor | undefined {
  const text = textOf(path);
  if (text === undefined) return undefined;
  const match = CURSOR.exec(text);
  if (match === null)
    throw new LedgerError('CURSOR_LOST', `expected a cursor in ${path}, found something else`, {
      place: { segment: path },
      hint: 'name another file, or remove it to begin with the first row',
    });
  return { seq: Number(match[1]), hash: match[2] as string };
}

function textOf(path: string): string | undefined {
  try {
    return readWhole(path)?.toString('utf8');
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError('READ_FAILED', `expected to read ${path}, found ${errnoOf(error) ?? String(error)}`, {
      place: { segment: path },
      cause: error,
    });
  }
}

/**
 * @param head the last row, which is found whether its newline is there or not
 * @throws LedgerError CURSOR_LOST where the ledger has another row, or none, in that place
 */
export async function checkCursor(
  paths: StatePaths,
  path: string,
  { seq, hash, head }: Cursor & { readonly head: Head | undefined },
): Promise<void> {
  if (head?.seq === seq && head.hash === hash) return;
  const found = await findLines(paths, { kind: 'seq', seq });
  // A gap that was named since then has taken the row's place.
  if (found.some(({ line, reading }) => reading.kind === 'tombstone' || declaredLinks(line)?.hash === hash)) return;
  const what = found.length === 0 ? 'no such row' : 'another row';
  throw new LedgerError(
    'CURSOR_LOST',
    `expected row ${seq} with hash ${hash}, where ${path} says that reading ended, found ${what}`,
    {
      place: { segment: path },
      hint: 'it is another ledger, or rows were cut off or rewritten: see "ledger verify"; remove the file to begin with the first row',
    },
  );
}

/** @throws LedgerError NOT_WRITABLE */
export async function writeCursor(path: string, { seq, hash }: Cursor): Promise<void> {
  try {
    await replaceFile(path, `${JSON.stringify({ seq, hash })}\n`);
  } catch (error) {
    throw new LedgerError('NOT_WRITABLE', `expected to write ${path}, found ${errnoOf(error) ?? String(error)}`, {
      place: { segment: path },
      hint: 'the rows were shown; the next call will show them again',
      cause: error,
    });
  }
}
