/** From what somebody asks to the lines that have to be looked at: conditions, the file as it is now, the index. */
import type { Zone } from '../../core/day';
import { invariant } from '../../core/errors';
import type { Pattern } from '../../core/query/pattern';
import { RowFilter } from '../../core/query/rowFilter';
import { fieldsOf, parseTerm } from '../../core/query/term';
import type { Term } from '../../core/query/term';
import { parseWhen, parseWindow } from '../../core/when';
import type { TimeWindow, WindowFlags } from '../../core/when';
import { closeQuietly } from '../files';
import { calendarOf } from '../ledger/calendar';
import { locate } from '../ledger/locate';
import type { Place } from '../ledger/locate';
import { presentSegments } from '../ledger/segments';
import type { Segment } from '../ledger/segments';
import type { StatePaths } from '../paths';
import { countSpilled } from '../spill/spillState';
import type { Cursor } from './cursor';
import { openLedgerEnd } from './ledgerEnd';
import type { LedgerEnd } from './ledgerEnd';
import type { Lines } from './lineBlocks';
import { newBrokenLines } from './matchingLines';
import type { BrokenLines } from './matchingLines';
import { wantedLines } from './wantedLines';
import type { WantedLines } from './wantedLines';

export interface Conditions extends WindowFlags {
  readonly place: Place;
  readonly tz?: string | undefined;
  readonly nowMs: number;
  /** `FIELD=VALUE` and the like, as typed. */
  readonly terms: readonly string[];
  /** An expression, as typed. */
  readonly where?: string | undefined;
  /** Whether the rows are wanted as objects: those that the index names are parsed once then. */
  readonly asObjects?: boolean;
}

export interface QueryNotes {
  /** Lines that are no rows, among those that were looked into, and the first places. */
  readonly broken: BrokenLines;
  /** Bytes behind the last row that are none. */
  readonly tornBytes: number;
  readonly lostRows: number;
  readonly spilledRows: number;
}

export interface Opened {
  readonly paths: StatePaths;
  readonly zone: Zone;
  readonly window: TimeWindow | undefined;
  readonly filter: RowFilter;
  readonly closed: readonly Segment[];
  readonly end: LedgerEnd;
  readonly wanted: WantedLines;
  readonly notes: QueryNotes;
}

/** @throws LedgerError USAGE, CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED */
export async function openQuery(conditions: Conditions, cursor: Cursor | undefined): Promise<Opened> {
  const { place, nowMs, tz, asObjects = false } = conditions;
  const located = locate(place);
  const { paths } = located;
  const calendar = calendarOf(place, located, tz);
  const window = parseWindow(conditions, { nowMs, calendar });
  const filter = await filterOf(conditions, cursor, {
    window,
    parseTime: (text, flag) => parseWhen(text, { nowMs, calendar, flag }),
  });
  const closed = presentSegments(paths).filter(({ kind }) => kind !== 'live');
  const end = await openLedgerEnd(paths);
  try {
    const wanted = wantedLines(paths, { closed, end, filter, afterSeq: cursor?.seq ?? 0, asObjects });
    const { tornBytes } = end;
    const notes = { broken: newBrokenLines(), tornBytes, lostRows: wanted.lostRows, spilledRows: countSpilled(paths) };
    return { paths, zone: calendar.zone, window, filter, closed, end, wanted, notes };
  } catch (error) {
    closeQuietly(end.fd);
    throw error;
  }
}

/** All lines of the ledger, whatever was asked for. */
export function everyLine({ wanted, end, closed }: Opened): Lines {
  return { ...wanted.lines, closed, kept: [], ranges: end.linesEnd === 0 ? [] : [{ from: 0, to: end.linesEnd }] };
}

interface FilterContext {
  readonly window: TimeWindow | undefined;
  readonly parseTime: (text: string, flag: string) => number;
}

async function filterOf(
  { terms, where }: Conditions,
  cursor: Cursor | undefined,
  { window, parseTime }: FilterContext,
): Promise<RowFilter> {
  const parsed = [...terms.map(parseTerm), ...(cursor === undefined ? [] : [behind(cursor)])];
  // A regular expression's engine, and the parser of expressions, are loaded only where there are any.
  const hasPatterns = where !== undefined || parsed.some(({ operator }) => operator === '~' || operator === '!~');
  const patterns = hasPatterns ? await import('../../core/query/pattern') : undefined;
  const expressions = where === undefined ? undefined : await import('../../core/query/expression');
  const parsePattern = (text: string): Pattern => {
    invariant(patterns !== undefined, 'a regular expression where none was typed');
    return patterns.compilePattern(text);
  };
  return new RowFilter(
    {
      terms: parsed,
      where: expressions && ((fields) => expressions.compileExpression(where ?? '', fields, parsePattern)),
      sinceMs: window?.sinceMs ?? -Infinity,
      untilMs: window?.untilMs ?? Infinity,
    },
    { parseTime, parsePattern },
  );
}

function behind({ seq }: Cursor): Term {
  return { ...fieldsOf('seq'), operator: '>', text: String(seq) };
}
