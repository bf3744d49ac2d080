/**
 * Which lines of a ledger have to be looked at for a filter: those that the index names for a run, a decision, a key or a
 * window of time, and what was appended since; else all of them.
 *
 * What the index says counts only where the file bears it out: every line that it names is read and counted before the
 * first one is handed on. An index that disagrees is passed over.
 */
import { keyOf } from '../../core/indexDigest';
import { FieldReader } from '../../core/query/field';
import type { RequiredMember, RowFilter } from '../../core/query/rowFilter';
import type { StatePaths } from '../paths';
import { statOf } from '../files';
import { askIndex } from '../index/indexAsk';
import type { LedgerIndex } from '../index/indexFile';
import { projectLine } from '../index/indexRows';
import { placesOfKeys, placesOfWindow } from '../index/indexWindow';
import type { ByteRange, KeyedMember, WindowPlaces } from '../index/indexWindow';
import type { Segment } from '../ledger/segments';
import { scanLines } from '../read/lines';
import type { LineRange } from '../read/lines';
import { offsetAfterSeq } from '../read/seek';
import type { LedgerEnd } from './ledgerEnd';
import type { Lines } from './lineBlocks';

export interface WantedLines {
  readonly lines: Lines;
  readonly source: 'file' | 'index' | 'index+file';
  /** Rows that the index knows and the file has no more. */
  readonly lostRows: number;
}

export interface LinesRequest {
  readonly closed: readonly Segment[];
  readonly end: LedgerEnd;
  readonly filter: RowFilter;
  /** Rows up to this one are of no interest. */
  readonly afterSeq: number;
}

/** @throws LedgerError INDEX_FAILED, and others that are no reason to pass the index over */
export function wantedLines(paths: StatePaths, { closed, end, filter, afterSeq }: LinesRequest): WantedLines {
  const { fd, linesEnd, bareLine } = end;
  const bare = bareLine === undefined ? undefined : { line: bareLine, offset: linesEnd };
  const asked = askFor(filter);
  const answer = asked === undefined ? undefined : askIndex(paths, fd, asked.places);
  // It may be the index of a file that has taken the place of this one.
  const isOfThisFile = answer !== undefined && statOf(paths.ledger)?.ino === end.ino;
  const lostRows = isOfThisFile && answer.kind === 'ahead' ? answer.rows : 0;
  if (isOfThisFile && answer.kind === 'places' && asked !== undefined && bearsOut(fd, answer.places, asked.has)) {
    const ranges = cutTo([...answer.places.ranges, { from: answer.offset, to: linesEnd }], linesEnd);
    const source = answer.offset < linesEnd ? 'index+file' : 'index';
    return { lines: { closed: [], fd, ranges, bareLine: bare }, source, lostRows };
  }
  const from = afterSeq === 0 ? 0 : offsetAfterSeq(fd, linesEnd, afterSeq);
  const lines = {
    closed: from === 0 ? closed : [],
    fd,
    ranges: cutTo([{ from, to: linesEnd }], linesEnd),
    bareLine: bare,
  };
  return { lines, source: 'file', lostRows };
}

interface Asked {
  readonly places: (index: LedgerIndex) => WindowPlaces | undefined;
  /** Whether a line is one that the index has to name. */
  readonly has: (line: LineRange) => boolean;
}

const KEYED: ReadonlySet<string> = new Set<KeyedMember>(['run_id', 'decision_id', 'idempotency_key']);

function askFor({ required, sinceMs, untilMs }: RowFilter): Asked | undefined {
  const keyed = required.find(isKeyed);
  if (keyed !== undefined) {
    const { member } = keyed;
    const keys = new Set(keyed.texts.map(keyOf));
    return { places: (index) => placesOfKeys(index, member, keys), has: hasKey(member, keys) };
  }
  if (sinceMs === -Infinity && untilMs === Infinity) return undefined;
  return {
    places: (index) => placesOfWindow(index, sinceMs, untilMs),
    // What has no time, or names a gap, is named by the index for every window.
    has: (line) => {
      const row = projectLine(line, 0);
      if (row === undefined) return false;
      const { effectiveMs: ms, gapOf } = row;
      return (ms >= sinceMs && ms < untilMs) || ms === 0 || gapOf !== undefined;
    },
  };
}

/** A few lines mostly, which are parsed faster than they are read off their bytes. */
function hasKey(member: KeyedMember, keys: ReadonlySet<number>): Asked['has'] {
  const reader = new FieldReader();
  const index = reader.add({ member, path: [] });
  return ({ block, start, end }) => {
    const value = reader.read(block, start, end) ? reader.value(index) : undefined;
    return typeof value === 'string' && keys.has(keyOf(value));
  };
}

function isKeyed(required: RequiredMember): required is RequiredMember & { readonly member: KeyedMember } {
  return KEYED.has(required.member);
}

/** Whether as many of the rows stand there as the index says. */
function bearsOut(fd: number, { ranges, rows }: WindowPlaces, has: Asked['has']): boolean {
  let found = 0;
  let whole = true;
  for (const { from, to } of ranges) {
    scanLines(fd, from, to, (line) => {
      whole &&= line.terminated && !line.cut;
      if (whole && has(line)) found++;
      return whole;
    });
  }
  return whole && found === rows;
}

function cutTo(ranges: readonly ByteRange[], end: number): ByteRange[] {
  return ranges.map(({ from, to }) => ({ from, to: Math.min(to, end) })).filter(({ from, to }) => from < to);
}
