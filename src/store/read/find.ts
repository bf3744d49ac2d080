/**
 * Lines of a ledger by what a person has in hand: a seq, an id, the beginning of a hash. Seq and id are bisected in the
 * live file and streamed in a closed segment; a hash is looked for in all of them. Only lines that end in a newline are
 * found: a row in flight is not there yet. No lock is taken.
 */
import { fstatSync } from 'node:fs';
import { declaredLinks } from '../../core/chain';
import { readLine } from '../../core/rowText';
import type { LineReading } from '../../core/rowText';
import { closeQuietly, openFile, readAt } from '../files';
import { scanLines } from './lines';
import type { StatePaths } from '../paths';
import { offsetAfterSeq, offsetBeforeId } from './seek';
import { listSegments, segmentBlocks } from '../ledger/segments';
import type { Segment } from '../ledger/segments';

export type Sought =
  | { readonly kind: 'seq'; readonly seq: number }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'hash'; readonly prefix: string };

export interface FoundLine {
  readonly segment: string;
  /** In the segment's uncompressed bytes. */
  readonly offset: number;
  readonly line: Buffer;
  readonly reading: LineReading;
  /** The neighbours' declared hash and prev_hash, across segments; undefined where there is none, or it is broken. */
  readonly hashBefore: string | undefined;
  readonly prevHashAfter: string | undefined;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** More lines that fit are not told one by one. */
const MAX_FOUND = 20;
/** Holds the fixed end of a line, where its links stand. */
const END_BYTES = 256;
const NEWLINE = 0x0a;
/** With white space before it a line is no row, and still what is looked for. */
const SEQ = /^[ \t\r]*\{"seq":([0-9]{1,16}),/;
const ID = /^[ \t\r]*\{"seq":[0-9]{1,16},"ts":"[^"]{0,40}","id":"([^"]{1,40})"/;
const LAST_SEQ = /"last_seq":([0-9]{1,16})[,}]/;

/** The lines that are what is sought, at most 20; more than one for the beginning of a hash, and where rows were forged. */
export async function findLines(paths: StatePaths, sought: Sought): Promise<FoundLine[]> {
  const found: FoundLine[] = [];
  const segments = listSegments(paths);
  for (const [i, segment] of segments.entries()) {
    const bisected = segment.kind === 'live' && sought.kind !== 'hash' ? bisectLive(segment, sought) : [];
    const here = bisected.length > 0 ? bisected : await scanSegment(segment, sought);
    for (const line of here) found.push(await withNeighbours(line, segments[i - 1], segments[i + 1]));
    if (found.length >= MAX_FOUND) break;
  }
  return found.slice(0, MAX_FOUND);
}

/** The first line of a segment follows the last of the one before: the chain goes on across files. */
async function withNeighbours(
  line: FoundLine,
  before: Segment | undefined,
  after: Segment | undefined,
): Promise<FoundLine> {
  if (line.isFirst && before !== undefined) line = { ...line, hashBefore: await lastHashOf(before) };
  if (line.isLast && after !== undefined) line = { ...line, prevHashAfter: await firstPrevHashOf(after) };
  return line;
}

async function lastHashOf(segment: Segment): Promise<string | undefined> {
  let end: Buffer = Buffer.alloc(0);
  for await (const { bytes } of segmentBlocks(segment)) end = Buffer.concat([end, bytes]).subarray(-END_BYTES);
  return declaredLinks(end.subarray(0, -1))?.hash;
}

async function firstPrevHashOf(segment: Segment): Promise<string | undefined> {
  for await (const { bytes } of segmentBlocks(segment))
    return declaredLinks(bytes.subarray(0, bytes.indexOf(NEWLINE)))?.prevHash;
  return undefined;
}

/** Where rows are in order this answers; where they are not, the scan of the whole segment does. */
function bisectLive(segment: Segment, sought: Exclude<Sought, { kind: 'hash' }>): FoundLine[] {
  const fd = openFile(segment.path, 'read');
  try {
    const { size } = fstatSync(fd);
    const from = sought.kind === 'seq' ? offsetAfterSeq(fd, size, sought.seq - 1) : offsetBeforeId(fd, size, sought.id);
    const matcher = new Matcher(segment.name, sought);
    if (from > 0) matcher.beginAfter(readAt(fd, Math.max(0, from - END_BYTES), Math.min(from, END_BYTES) - 1));
    scanLines(fd, from, size, ({ block, start, end, offset, terminated }) => {
      if (!terminated) return false;
      matcher.take(block.subarray(start, end), offset);
      return !matcher.isPast;
    });
    return matcher.finish();
  } finally {
    closeQuietly(fd);
  }
}

async function scanSegment(segment: Segment, sought: Sought): Promise<FoundLine[]> {
  const matcher = new Matcher(segment.name, sought);
  for await (const { bytes, offset, overlong } of segmentBlocks(segment)) {
    if (overlong) continue;
    if (sought.kind === 'hash' && !matcher.isWaiting && bytes.indexOf(`,"hash":"${sought.prefix}`) < 0) {
      matcher.beginAfter(bytes.subarray(Math.max(0, bytes.length - END_BYTES), -1));
      continue;
    }
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0) break;
      matcher.take(bytes.subarray(start, end), offset + start);
      start = end + 1;
    }
  }
  return matcher.finish();
}

/** Walks along lines and keeps those that match, with what stands beside them. */
class Matcher {
  readonly #found: { line: Buffer; offset: number; hashBefore: string | undefined; isFirst: boolean }[] = [];
  readonly #after: (string | undefined)[] = [];
  #before: Buffer | undefined;
  #past = false;

  constructor(
    private readonly segment: string,
    private readonly sought: Sought,
  ) {}

  /** Whether a match waits for the line behind it. */
  get isWaiting(): boolean {
    return this.#found.length > this.#after.length;
  }

  get isPast(): boolean {
    return this.#past && !this.isWaiting;
  }

  /** Lines without a match were left out; this is the end of the last of them, the neighbour of what comes. */
  beginAfter(lineEnd: Buffer): void {
    this.#before = Buffer.from(lineEnd);
  }

  take(line: Buffer, offset: number): void {
    if (this.isWaiting) this.#after.push(declaredLinks(line)?.prevHash ?? '');
    const place = this.#placeOf(line);
    if (place === 'here' && this.#found.length < MAX_FOUND) {
      const hashBefore = this.#before === undefined ? undefined : declaredLinks(this.#before)?.hash;
      this.#found.push({ line: Buffer.from(line), offset, hashBefore, isFirst: offset === 0 });
    }
    if (place === 'after') this.#past = true;
    this.#before = Buffer.from(line.subarray(Math.max(0, line.length - END_BYTES)));
  }

  finish(): FoundLine[] {
    return this.#found.map(({ line, ...where }, i) => ({
      segment: this.segment,
      ...where,
      line,
      reading: readLine(line),
      prevHashAfter: this.#after[i] === '' ? undefined : this.#after[i],
      isLast: i >= this.#after.length,
    }));
  }

  #placeOf(line: Buffer): 'before' | 'here' | 'after' | 'unknown' {
    const { sought } = this;
    if (sought.kind === 'hash')
      return declaredLinks(line)?.hash.startsWith(sought.prefix) === true ? 'here' : 'unknown';
    const start = line.toString('latin1', 0, 256);
    if (sought.kind === 'id') {
      const id = ID.exec(start)?.[1];
      if (id === undefined) return 'unknown';
      return id === sought.id ? 'here' : id < sought.id ? 'before' : 'after';
    }
    const seq = Number(SEQ.exec(start)?.[1] ?? NaN);
    if (Number.isNaN(seq)) return 'unknown';
    const lastSeq = start.includes('"audit.tombstone"') ? Number(LAST_SEQ.exec(start)?.[1] ?? seq) : seq;
    if (seq > sought.seq) return 'after';
    return lastSeq >= sought.seq ? 'here' : 'before';
  }
}
