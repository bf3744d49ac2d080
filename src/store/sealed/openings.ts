/**
 * `sealed.jsonl`: the openings of sealed fields, one a line, written before the row that holds their digests is. Lines are
 * added with one O_APPEND write, locked or not: a row that finds no lock spills, and its opening must be safe before that.
 * So the file is never put in the place of another: what is erased is overwritten where it stands (`blank`), and nothing
 * that somebody adds meanwhile is lost.
 *
 * Each write but the first begins with a newline, so that a line which a crash cut short takes none after it along. Blank lines mean
 * nothing. An opening whose row never came harms nobody: no row has its digest.
 */
import { fstatSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, orNothing } from '../../core/errors';
import { parseJson } from '../../core/parseJson';
import { holds, openingLine, readOpening } from '../../core/seal';
import type { Opening } from '../../core/seal';
import { ensureFolder, openFile, closeQuietly, statOf, syncData, syncFolder, withFile, writeAll } from '../files';
import type { StatePaths } from '../paths';
import { scanLines } from '../read/lines';

/** Those that are on disk: a row that is tried again, or spills, has no second ones. */
const stored = new WeakSet<Opening>();

/** Durable when it returns. @throws the system's error; then none of them counts */
export function storeOpenings({ sealed: path }: StatePaths, openings: readonly Opening[]): void {
  const fresh = openings.filter((one) => !stored.has(one));
  if (fresh.length === 0) return;
  ensureFolder(dirname(path));
  const isNew = statOf(path) === undefined;
  withFile(path, 'append-or-create', (fd) => {
    writeAll(fd, Buffer.from(`${isNew ? '' : '\n'}${fresh.map(openingLine).join('\n')}\n`));
    syncData(fd);
  });
  if (isNew) syncFolder(dirname(path));
  for (const one of fresh) stored.add(one);
}

/** How a line begins that holds an opening: by its digest it is told apart without reading the value. */
const START = '{"digest":"';
const START_BYTES = START.length + 64;

interface Found {
  readonly offset: number;
  readonly bytes: number;
}

/** The digest of each line that begins as an opening does, whole or torn, in the order of the file. Nothing where there is no file. */
export function eachOpening(
  { sealed: path }: StatePaths,
  take: (digest: string, line: Found & { readonly text: () => string }) => boolean | void,
  from = 0,
): void {
  if (statOf(path) === undefined) return;
  withFile(path, 'read', (fd) => eachIn(fd, from, take));
}

function eachIn(fd: number, from: number, take: Parameters<typeof eachOpening>[1]): void {
  scanLines(fd, from, fstatSync(fd).size, ({ block, start, end, offset, bytes }) => {
    const beginning = block.toString('latin1', start, Math.min(end, start + START_BYTES));
    if (!beginning.startsWith(START)) return true;
    const text = (): string => block.toString('utf8', start, end);
    return take(beginning.slice(START.length), { offset, bytes, text });
  });
}

/** Finds openings, one after the other: mostly the next one is asked for behind the last, or is the newest. */
export class Openings {
  /** Behind the last that was found. */
  #from = 0;

  constructor(private readonly paths: StatePaths) {}

  /** One that holds. */
  find(digest: string): Opening | undefined {
    return this.#look(digest, this.#from) ?? (this.#from > 0 ? this.#look(digest, 0) : undefined);
  }

  /** Whether anything of it is there, whole or not. */
  has(digest: string): boolean {
    let isThere = false;
    eachOpening(this.paths, (there) => {
      isThere = there === digest;
      return !isThere;
    });
    return isThere;
  }

  #look(digest: string, from: number): Opening | undefined {
    let opening: Opening | undefined;
    const take: Parameters<typeof eachOpening>[1] = (there, { offset, bytes, text }) => {
      if (there !== digest) return true;
      const found = orNothing(() => readOpening(parseJson(text(), Infinity)));
      // Whoever writes another value under this digest hides nothing.
      if (found === undefined || !holds(found)) return true;
      opening = found;
      this.#from = offset + bytes + 1;
      return false;
    };
    eachOpening(this.paths, take, from);
    if (opening !== undefined) stored.add(opening);
    return opening;
  }
}

/**
 * Overwrites what opens a digest, the value first: what a power cut leaves of it is found by its digest until all of it is
 * gone. Under the lock of the ledger.
 * @returns whether there was anything
 */
export function blankOpening({ sealed: path }: StatePaths, digest: string): boolean {
  let fd: number;
  try {
    fd = openFile(path, 'update');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  try {
    const lines: Found[] = [];
    eachIn(fd, 0, (there, { offset, bytes }) => {
      if (there === digest) lines.push({ offset, bytes });
    });
    if (lines.length === 0) return false;
    for (const { offset, bytes } of lines) fill(fd, offset + START_BYTES, bytes - START_BYTES);
    syncData(fd);
    for (const { offset, bytes } of lines) fill(fd, offset, Math.min(bytes, START_BYTES));
    syncData(fd);
    return true;
  } finally {
    closeQuietly(fd);
  }
}

/** With spaces: a blank line means nothing. */
function fill(fd: number, offset: number, bytes: number): void {
  const blank = Buffer.alloc(Math.max(0, bytes), ' ');
  for (let done = 0; done < blank.length;) done += writeSync(fd, blank, done, blank.length - done, offset + done);
}
