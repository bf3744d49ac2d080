/**
 * Which lines of a ledger have to be looked at for a filter: those that the index names for a run, a decision, a key or a
 * window of time, and what was appended since; else all of them.
 *
 * What the index says counts only where the file bears it out: every line that it names is read and counted before the
 * first one is handed on. An index that disagrees is passed over.
 */
import { keyOf } from '../../core/indexDigest';
import type { RequiredText, RowFilter, Verdict } from '../../core/query/rowFilter';
import type { StatePaths } from '../paths';
import { statOf } from '../files';
import { askIndex } from '../index/indexAsk';
import type { LedgerIndex } from '../index/indexFile';
import { projectLine } from '../index/indexRows';
import { placesOfKeys, placesOfWindow } from '../index/indexWindow';
import type { ByteRange, KeyedMember, WindowPlaces } from '../index/indexWindow';
import type { Segment } from '../ledger/segments';
import { scanLines } from '../read/lines';
import { offsetAfterSeq } from '../read/seek';
import type { LedgerEnd } from './ledgerEnd';
import { eachLine } from './lineBlocks';
import type { JudgedLine, LineBlock, Lines } from './lineBlocks';
import { bytesIn, groupsOf, pickLines } from './pickedLines';

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
  /** Whether the lines that match are wanted as objects, too. */
  readonly asObjects: boolean;
}

/** @throws LedgerError INDEX_FAILED, and others that are no reason to pass the index over */
export function wantedLines(paths: StatePaths, request: LinesRequest): WantedLines {
  const { closed, end, filter, afterSeq } = request;
  const { fd, linesEnd, bareLine } = end;
  const bare = bareLine === undefined ? undefined : { line: bareLine, offset: linesEnd };
  const asked = askFor(filter);
  const answer = asked === undefined ? undefined : askIndex(paths, fd, asked.places);
  // It may be the index of a file that has taken the place of this one.
  const isOfThisFile = answer !== undefined && statOf(paths.ledger)?.ino === end.ino;
  const lostRows = isOfThisFile && answer.kind === 'ahead' ? answer.rows : 0;
  if (isOfThisFile && answer.kind === 'places' && asked !== undefined) {
    const named = namedLines(answer.places, asked, request);
    const rest = { from: answer.offset, to: linesEnd };
    const source = rest.from < rest.to ? 'index+file' : 'index';
    if (named !== undefined) {
      const ranges = cutTo([...named.ranges, rest], linesEnd);
      return { lines: { closed: [], kept: named.kept, fd, ranges, bareLine: bare }, source, lostRows };
    }
  }
  const from = afterSeq === 0 ? 0 : offsetAfterSeq(fd, linesEnd, afterSeq);
  const lines = {
    closed: from === 0 ? closed : [],
    kept: [],
    fd,
    ranges: cutTo([{ from, to: linesEnd }], linesEnd),
    bareLine: bare,
  };
  return { lines, source: 'file', lostRows };
}

interface Asked {
  readonly places: (index: LedgerIndex) => WindowPlaces | undefined;
  readonly look: (bytes: Buffer, start: number, end: number) => Looked;
}

/** What one line is. */
interface Looked {
  /** Whether it is one that the index has to name. */
  readonly isNamed: boolean;
  /** What the filter says of it, where it was asked on the way. */
  readonly verdict?: Verdict;
}

const KEYED: ReadonlySet<string> = new Set<KeyedMember>(['run_id', 'decision_id', 'idempotency_key']);

function askFor(filter: RowFilter): Asked | undefined {
  const { required, sinceMs, untilMs } = filter;
  const keyed = required.find(isKeyed);
  if (keyed !== undefined) {
    const { members } = keyed;
    const keys = new Set(keyed.texts.map(keyOf));
    return { places: (index) => placesOfKeys(index, members, keys), look: forKey(filter, members, keys) };
  }
  if (sinceMs === -Infinity && untilMs === Infinity) return undefined;
  return {
    places: (index) => placesOfWindow(index, sinceMs, untilMs),
    // What has no time, or names a gap, is named by the index for every window.
    look: (block, start, end) => {
      const row = projectLine({ block, start, end, offset: 0, bytes: end - start }, 0);
      if (row === undefined) return { isNamed: false };
      const { effectiveMs: ms, gapOf } = row;
      return { isNamed: (ms >= sinceMs && ms < untilMs) || ms === 0 || gapOf !== undefined };
    },
  };
}

/** To find the key in a line, all of it is read: so the filter does that, and judges it at once. What matches has one. */
function forKey(filter: RowFilter, members: readonly KeyedMember[], keys: ReadonlySet<number>): Asked['look'] {
  const { fields } = filter;
  const places = members.map((member) => fields.add({ member, path: [] }));
  const hasKey = (place: number): boolean => {
    const value = fields.value(place);
    return typeof value === 'string' && keys.has(keyOf(value));
  };
  return (bytes, start, end) => {
    const verdict = filter.judge(bytes, start, end);
    return { verdict, isNamed: verdict === 'match' || (verdict === 'other' && places.some(hasKey)) };
  };
}

function isKeyed(required: RequiredText): required is RequiredText & { readonly members: readonly KeyedMember[] } {
  return required.members.every((member) => KEYED.has(member));
}

/** What the index names, in blocks as far as it was kept, else in ranges that are read again. */
type NamedLines = Pick<Lines, 'kept' | 'ranges'>;

/** What is more is read a second time rather than held in memory. */
const KEPT_BYTES = 8 << 20;

/** The lines that the index names; undefined where not as many of the rows stand there as it says. */
function namedLines(
  { ranges, rows }: WindowPlaces,
  { look }: Asked,
  { end: { fd }, filter: { fields }, asObjects }: LinesRequest,
): NamedLines | undefined {
  if (bytesIn(ranges) > KEPT_BYTES) return countRows(fd, ranges, look) === rows ? { kept: [], ranges } : undefined;
  const kept: LineBlock[] = [];
  let found = 0;
  fields.parsesAll = asObjects;
  for (const group of groupsOf(ranges)) {
    const block = pickLines(fd, group);
    if (block === undefined) return undefined;
    const judged: JudgedLine[] = [];
    eachLine(block, (start, end) => {
      const { isNamed, verdict } = look(block.bytes, start, end);
      if (isNamed) found++;
      if (verdict !== undefined) judged.push({ start, end, verdict, object: asObjects ? fields.object : undefined });
    });
    kept.push(judged.length === 0 ? block : { ...block, judged });
  }
  fields.parsesAll = false;
  return found === rows ? { kept, ranges: [] } : undefined;
}

/** How many of the rows stand in some ranges; undefined where these hold no whole lines. */
function countRows(fd: number, ranges: readonly ByteRange[], look: Asked['look']): number | undefined {
  let found = 0;
  let whole = true;
  for (const { from, to } of ranges) {
    scanLines(fd, from, to, ({ block, start, end, terminated, cut }) => {
      whole &&= terminated && !cut;
      if (whole && look(block, start, end).isNamed) found++;
      return whole;
    });
  }
  return whole ? found : undefined;
}

function cutTo(ranges: readonly ByteRange[], end: number): ByteRange[] {
  return ranges.map(({ from, to }) => ({ from, to: Math.min(to, end) })).filter(({ from, to }) => from < to);
}
