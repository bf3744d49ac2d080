/**
 * `sealed.jsonl`: the openings of sealed fields, one a line, written before the row that holds their digests is. Lines are
 * added with one O_APPEND write, locked or not: a row that finds no lock spills, and its opening must be safe before that.
 * So the file is never put in the place of another: what is erased is overwritten where it stands (`blank`), and nothing
 * that somebody adds meanwhile is lost.
 *
 * Each write but the first begins with a newline, so that a line which a crash cut short takes none after it along. Blank lines mean
 * nothing. An opening whose row never came opens nothing: no row has its digest. Its value goes with the next opening of the
 * same value that is erased (erase.ts).
 */
import { fstatSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, orNothing } from '../../core/errors';
import { parseJson } from '../../core/parseJson';
import { canonicalJson } from '../../core/json';
import { holds, openingLine, openingText, readOpening } from '../../core/seal';
import type { Opening } from '../../core/seal';
import { ensureFolder, openFile, closeQuietly, statOf, syncData, syncFolder, withFile, writeAll } from '../files';
import type { StatePaths } from '../paths';
import { scanLines } from '../read/lines';

/** Those that are on disk, and from where on they stand: a row that is tried again, or spills, has no second ones. */
const stored = new WeakMap<Opening, number>();

/** Durable when it returns. @throws the system's error; then none of them counts */
export function storeOpenings(paths: StatePaths, openings: readonly Opening[]): void {
  const { sealed: path } = paths;
  const fresh = openings.filter((one) => !stored.has(one));
  if (fresh.length === 0) return;
  ensureFolder(dirname(path));
  const from = statOf(path)?.size;
  try {
    withFile(path, 'append-or-create', (fd) => {
      writeAll(fd, Buffer.from(`${from === undefined ? '' : '\n'}${fresh.map(openingLine).join('\n')}\n`));
      syncData(fd);
    });
    if (from === undefined) syncFolder(dirname(path));
  } catch (error) {
    orNothing(() => blankOpenings(paths, digestsOf(fresh), { from: from ?? 0 }));
    throw error;
  }
  for (const one of fresh) stored.set(one, from ?? 0);
}

/** Takes back what no row took, as far as that can be done: what is left is found by its value (erase.ts). */
export function takeBackOpenings(paths: StatePaths, openings: readonly Opening[]): void {
  const there = openings.filter((one) => stored.has(one));
  if (there.length === 0) return;
  orNothing(() => blankOpenings(paths, digestsOf(there), { from: whereTheyBegin(there) }));
  for (const one of there) stored.delete(one);
}

/**
 * Without the lock: somebody who erases the same value may have found no row for them yet, and have taken them along. Once a
 * record with their digests is on disk nobody does.
 */
export function keepOpenings(paths: StatePaths, openings: readonly Opening[]): void {
  if (openings.length === 0) return;
  const there = new Set<string>();
  eachOpening(paths, (digest) => void there.add(digest), whereTheyBegin(openings));
  const gone = openings.filter(({ digest }) => !there.has(digest));
  for (const one of gone) stored.delete(one);
  storeOpenings(paths, gone);
}

const digestsOf = (openings: readonly Opening[]): Set<string> => new Set(openings.map(({ digest }) => digest));

function whereTheyBegin(openings: readonly Opening[]): number {
  return openings.reduce((least, one) => Math.min(least, stored.get(one) ?? 0), Infinity);
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

/**
 * Where lines stand that are no opening, and neither blank nor cut short: somebody changed them. Whatever is in them, nobody
 * can disclose it, and nobody erase it.
 */
export function strayLines({ sealed: path }: StatePaths): number[] {
  const stray: number[] = [];
  if (statOf(path) === undefined) return stray;
  withFile(path, 'read', (fd) =>
    scanLines(fd, 0, fstatSync(fd).size, ({ block, start, end, offset }) => {
      if (isStray(block.toString('utf8', start, end))) stray.push(offset);
    }),
  );
  return stray;
}

function isStray(line: string): boolean {
  const text = line.trimEnd();
  if (START.startsWith(text)) return false;
  if (!text.startsWith(START)) return true;
  const value = orNothing(() => parseJson(text, Infinity));
  const opening = readOpening(value);
  return value !== undefined && (opening === undefined || !holds(opening));
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
      stored.set(found, offset);
      return false;
    };
    eachOpening(this.paths, take, from);
    return opening;
  }
}

/**
 * The digests of further openings of the same field and value, whole or torn, of those before a place in the file.
 */
export function copiesOf(paths: StatePaths, { digest: of, name, value }: Opening, to: number): Set<string> {
  const copies = new Set<string>();
  const [canonical, text] = [canonicalJson(value), openingText({ digest: of, salt: '', name, value })];
  const behindSalt = text.slice(text.indexOf('","name":'));
  eachOpening(paths, (digest, { offset, text: lineText }) => {
    if (offset >= to) return false;
    if (digest === of) return true;
    const line = lineText().trimEnd();
    const opening = orNothing(() => readOpening(parseJson(line, Infinity)));
    const isCopy =
      opening === undefined
        ? isBeginning(line.slice(line.indexOf('","name":')), behindSalt)
        : opening.name === name && canonicalJson(opening.value) === canonical;
    if (isCopy) copies.add(digest);
    return true;
  });
  return copies;
}

/** Whether a line that a crash cut short may have gone on so. */
function isBeginning(torn: string, whole: string): boolean {
  return torn.includes('","value":') && whole.startsWith(torn);
}

/**
 * Overwrites what opens these digests, the values first: what a power cut leaves of one is found by its digest until all of
 * it is gone. Lines stay where they are, so that this needs no lock; that no row will have the digest is for the caller to know.
 * @returns how many lines there were
 */
export function blankOpenings(
  { sealed: path }: StatePaths,
  digests: ReadonlySet<string>,
  { from = 0, to = Infinity }: { readonly from?: number; readonly to?: number } = {},
): number {
  if (digests.size === 0) return 0;
  let fd: number;
  try {
    fd = openFile(path, 'update');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
  try {
    const lines: Found[] = [];
    eachIn(fd, from, (there, { offset, bytes }) => {
      if (digests.has(there) && offset < to) lines.push({ offset, bytes });
    });
    if (lines.length === 0) return 0;
    for (const { offset, bytes } of lines) fill(fd, offset + START_BYTES, bytes - START_BYTES);
    syncData(fd);
    for (const { offset, bytes } of lines) fill(fd, offset, Math.min(bytes, START_BYTES));
    syncData(fd);
    return lines.length;
  } finally {
    closeQuietly(fd);
  }
}

/** With spaces: a blank line means nothing. */
function fill(fd: number, offset: number, bytes: number): void {
  const blank = Buffer.alloc(Math.max(0, bytes), ' ');
  for (let done = 0; done < blank.length;) done += writeSync(fd, blank, done, blank.length - done, offset + done);
}
