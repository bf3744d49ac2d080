/**
 * Rows as lines of a terminal, one row a line: when, who, what, on what, how it ended, what it cost, why. The columns are
 * set by the width alone, so that rows which come later stand beneath those before.
 *
 *    41  20:09:24  void-pulse    pulse.probe           env         success    0.0001  status=green
 */
import { BAD_OUTCOME } from '../core/activity';
import { agoText } from '../core/ago';
import { formatLocalSecond } from '../core/day';
import type { Zone } from '../core/day';
import type { Row } from '../core/members';
import { parseCostNanos, formatNanos } from '../core/money';
import { plainText, printable } from '../core/printable';
import { SEALED_TEXT, sealIn } from '../core/seal';
import { parseRfc3339 } from '../core/time';
import type { Colors } from './color';
import { cut, widthOf } from './table';

interface Column {
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly text: (row: Row, zone: Zone) => string;
}

/** What is there from which width on; the last column takes the rest. */
const COST: Column = { width: 9, align: 'right', text: costText };
const OUTCOME: Column = { width: 8, align: 'left', text: ({ outcome }) => shown(outcome) };
const SEQ: Column = { width: 6, align: 'right', text: ({ seq }) => String(seq) };

function columnsFor({ width, dated = false, nowMs }: RowLineOptions): readonly Column[] {
  const time = (chars: number): Column => ({
    width: chars,
    align: 'left',
    text: (row, zone) => timeText(row, zone, chars),
  });
  const agent = (chars: number): Column => ({ width: chars, align: 'left', text: ({ agent: name }) => shown(name) });
  const action = (chars: number): Column => ({ width: chars, align: 'left', text: actionText });
  const target = (chars: number): Column => ({ width: chars, align: 'left', text: ({ target: what }) => shown(what) });
  const short = dated ? DATED_CHARS : 8;
  if (width < 60) return [time(5), agent(8), action(14), { ...COST, width: 7 }];
  if (width < 80) return [time(short), agent(8), action(22), { ...OUTCOME, width: 7 }, { ...COST, width: 7 }];
  if (width < 120) return [SEQ, time(short), agent(10), action(19), target(8), OUTCOME, COST];
  const ago: Column = { width: 6, align: 'right', text: (row) => agoText((nowMs ?? NaN) - (momentOf(row) ?? NaN)) };
  const isWide = width >= 130 && nowMs !== undefined;
  return [SEQ, time(19), ...(isWide ? [ago] : []), agent(14), action(24), target(14), OUTCOME, COST];
}

const GAP = '  ';

export interface RowLineOptions {
  readonly width: number;
  readonly zone: Zone;
  readonly colors: Colors;
  /** Whether rows may be of any day, so that a time alone would not do. */
  readonly dated?: boolean;
  /** For a column that says how long ago it was, where there is room. */
  readonly nowMs?: number;
}

/** One row in one line, no wider than the terminal. */
export function rowLine(row: Row, options: RowLineOptions): string {
  const { width, zone, colors } = options;
  const columns = withWholeCost(columnsFor(options), row);
  const used = columns.reduce((sum, column) => sum + column.width + GAP.length, 0);
  const cells = columns.map((column) => {
    const text = fit(column.text(row, zone), column);
    return column.text === OUTCOME.text ? paint(row.outcome, text, colors) : text;
  });
  const reason = used < width ? cut(printable(reasonText(row)), width - used) : '';
  return [...cells, colors.dim(reason)].join(GAP).trimEnd();
}

/** An amount is never cut: where it is longer than its column, those before it lend it the room. */
function withWholeCost(columns: readonly Column[], row: Row): readonly Column[] {
  const wanted = widthOf(costText(row));
  let missing = wanted - (columns.at(-1)?.width ?? 0);
  if (missing <= 0) return columns;
  const lenders = columns.slice(0, -1).map((column) => ({ ...column }));
  for (const lender of lenders.toReversed()) {
    const lent = Math.min(missing, lender.width - 1);
    lender.width -= lent;
    missing -= lent;
  }
  return [...lenders, { ...COST, width: wanted }];
}

/** A line that stands in place of rows. */
export function gapLine(seq: number, lastSeq: number, { width, colors }: RowLineOptions): string {
  const rows = seq === lastSeq ? `row ${seq}` : `rows ${seq} to ${lastSeq}`;
  return colors.warn(cut(`${rows}: broken and set aside, a named gap (see: ledger show ${seq})`, width));
}

function fit(value: string, { width, align }: Column): string {
  const text = cut(printable(value), width);
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? space + text : text + space;
}

/** Who can compute a hash can write a row with a number for a name: it is shown, not stumbled over. */
function shown(value: unknown): string {
  if (sealIn(value) !== undefined) return SEALED_TEXT;
  return value === undefined ? '' : plainText(value);
}

function paint(outcome: unknown, text: string, colors: Colors): string {
  if (typeof outcome !== 'string') return text;
  if (BAD_OUTCOME.test(outcome)) return colors.bad(text);
  return outcome === 'success' ? colors.good(text) : text;
}

/** What is not live is labelled wherever it is shown, in front, where no cut takes it off. */
function actionText({ action, provenance }: Row): string {
  return provenance === undefined || provenance === 'live' ? action : `[${shown(provenance)}] ${action}`;
}

/** The ledger's own rows say it in their payload. */
function reasonText({ reason, action, payload }: Row): string {
  if (reason !== undefined || !action.startsWith('audit.')) return shown(reason);
  return Object.entries(payload ?? {})
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}

function costText({ cost_usd: cost }: Row): string {
  if (cost === undefined) return '';
  const nanos = parseCostNanos(plainText(cost));
  return nanos === undefined ? plainText(cost) : formatNanos(nanos);
}

function momentOf(row: Row): number | undefined {
  return parseRfc3339(shown(row.occurred_at ?? row.ts));
}

/** `11-22 20:09` */
const DATED_CHARS = 11;

/** When it happened: the time alone, or with the day where there is room. */
function timeText(row: Row, zone: Zone, chars: number): string {
  const ms = momentOf(row);
  if (ms === undefined) return '';
  const local = formatLocalSecond(zone, ms).replace('T', ' ');
  if (chars === DATED_CHARS) return local.slice(5, 5 + chars);
  return chars < 19 ? local.slice(11, 11 + chars) : local.slice(0, chars);
}
