/**
 * A foreign file of JSON lines, read in batches, every line with its place and its digest. A pipe is copied to the state
 * folder first (a file without a name, gone with the process): only so can a broken line of any length be set aside.
 *
 * Split on byte 0x0A only; a CR before it belongs to the line's end; a UTF-8 BOM at the start of the file is no content.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, createReadStream, fstatSync, openSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sha256Hex } from '../../core/digest';
import { errnoOf, LedgerError } from '../../core/errors';
import { MAX_INPUT_BYTES } from '../../core/row';
import { ensureFolder, openFile, readAt, statOf, writeAll } from '../files';
import { checkFolder } from '../ledger/ledger';
import { scanLines } from '../read/lines';
import type { LineRange } from '../read/lines';
import type { StatePaths } from '../paths';
import { digestRange } from '../heal/quarantine';

export interface ImportSource {
  readonly fd: number;
  /** Null for a pipe. */
  readonly name: string | null;
  readonly sizeBytes: number;
  close(): void;
}

/** One line that is not blank. `text` is undefined where the bytes are no text, or too many for a row. */
export interface SourceLine {
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly text: string | undefined;
  readonly why: 'INPUT_UTF8' | 'ROW_TOO_LONG';
}

export interface SourceBatch {
  readonly lines: readonly SourceLine[];
  readonly blank: number;
  /** Where the next batch begins. */
  readonly next: number;
}

/** A line may be a little longer than the row in it: white space, escapes that the ledger spells shorter. */
const MAX_LINE_BYTES = 2 * MAX_INPUT_BYTES;
const CR = 0x0d;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const BLANK = /^[ \t\r]*$/;
/** What is surely no JSON lines, by its first bytes, and what to do about it. */
const FOREIGN: readonly (readonly [Buffer, string, string])[] = [
  [Buffer.from([0x1f, 0x8b]), 'gzip data', 'unpack it on the way: zcat FILE | ledger import -'],
  [Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 'zstd data', 'unpack it on the way: zstdcat FILE | ledger import -'],
  [Buffer.from([0xff, 0xfe]), 'UTF-16', 'convert it on the way: iconv -f UTF-16 -t UTF-8 FILE | ledger import -'],
  [Buffer.from([0xfe, 0xff]), 'UTF-16', 'convert it on the way: iconv -f UTF-16 -t UTF-8 FILE | ledger import -'],
];

/**
 * @param file a path, or "-" for `stdin`
 * @throws LedgerError READ_FAILED, INPUT_UTF8 (not JSON lines at all), USAGE (the ledger itself)
 */
export async function openSource(file: string, stdin: AsyncIterable<Buffer>, paths: StatePaths): Promise<ImportSource> {
  const given = file === '-' ? 0 : openGiven(file);
  const stats = fstatSync(given);
  if (stats.isDirectory()) throw notReadable(file, 'a folder');
  const direct = stats.isFile();
  const fd = direct ? given : await spool(file === '-' ? stdin : createReadStream(file, { fd: given }), paths);
  const source: ImportSource = {
    fd,
    name: file === '-' ? null : basename(file),
    sizeBytes: fstatSync(fd).size,
    close: () => {
      if (fd !== 0) closeSync(fd);
    },
  };
  const ledger = statOf(paths.ledger);
  if (direct && ledger?.ino === stats.ino && ledger.dev === stats.dev)
    throw new LedgerError('USAGE', `expected a foreign file, found this ledger itself (${paths.ledger})`);
  refuseForeign(source, file);
  return source;
}

function openGiven(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw notReadable(file, errnoOf(error) === 'ENOENT' ? 'no such file' : (errnoOf(error) ?? 'an error'), error);
  }
}

function notReadable(file: string, found: string, cause?: unknown): LedgerError {
  return new LedgerError('READ_FAILED', `expected to read ${file}, found ${found}`, {
    place: { segment: file },
    cause,
  });
}

function refuseForeign(source: ImportSource, file: string): void {
  const start = readAt(source.fd, 0, 4);
  const [, what, hint] = FOREIGN.find(([magic]) => start.subarray(0, magic.length).equals(magic)) ?? [];
  if (what === undefined || hint === undefined) return;
  throw new LedgerError('INPUT_UTF8', `expected JSON lines in ${file}, found ${what}`, {
    place: { segment: file },
    hint,
  });
}

async function spool(input: AsyncIterable<Buffer>, paths: StatePaths): Promise<number> {
  checkFolder(paths.dir);
  ensureFolder(paths.dir);
  const path = join(paths.dir, `.import.${process.pid}.tmp`);
  const fd = openFile(path, 'create');
  unlinkSync(path);
  for await (const chunk of input) writeAll(fd, chunk);
  return fd;
}

/** The lines that begin at `from`, some `maxBytes` of them, blank ones left out. */
export function readBatch({ fd, sizeBytes }: ImportSource, from: number, maxBytes: number): SourceBatch {
  const lines: SourceLine[] = [];
  let blank = 0;
  let next = from;
  scanLines(fd, from, sizeBytes, (range) => {
    next = range.offset + range.bytes + 1;
    const line = sourceLine(fd, range);
    if (line === undefined) blank++;
    else lines.push(line);
    return next - from < maxBytes;
  });
  return { lines, blank, next: Math.min(next, sizeBytes) };
}

/** The SHA-256 of all that stands behind a place, hex. */
export function restDigest({ fd, sizeBytes }: ImportSource, from: number): string | undefined {
  return digestRange(fd, from, sizeBytes - from);
}

function sourceLine(fd: number, range: LineRange): SourceLine | undefined {
  const { block, start, end, offset, bytes } = range;
  if (range.cut) {
    const sha256 = digestRange(fd, offset, bytes) ?? '';
    return { offset, bytes, sha256, text: undefined, why: 'ROW_TOO_LONG' };
  }
  const skipped = offset === 0 && block.subarray(start, start + BOM.length).equals(BOM) ? BOM.length : 0;
  const ended = end > start + skipped && block[end - 1] === CR ? 1 : 0;
  const content = block.subarray(start + skipped, end - ended);
  const tooLong = content.length > MAX_LINE_BYTES;
  const text = !tooLong && isUtf8(content) ? content.toString('utf8') : undefined;
  if (text !== undefined && BLANK.test(text)) return undefined;
  return {
    offset: offset + skipped,
    bytes: content.length,
    sha256: sha256Hex(content),
    text,
    why: tooLong ? 'ROW_TOO_LONG' : 'INPUT_UTF8',
  };
}
