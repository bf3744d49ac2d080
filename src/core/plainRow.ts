/**
 * The short way in for a row as most are: one flat JSON object of known members, texts without an escape, numbers in the
 * spelling that a line holds. Its values go into the line as they came, unparsed: a third of the time of the long way,
 * which is parseJson.ts and row.ts.
 *
 *   {"agent":"coder","action":"tool.call","cost_usd":0.0123}  →  members: the same text, without its braces
 *
 * Whoever writes rows writes them alike: what stands between the values of one row (its shape) is met again in the next,
 * so that only the values are looked into.
 *
 * Nothing is refused here: what is not plain, or may be wrong, is left to the long way, which says what is wrong with it.
 * Where there is an answer, it is the long way's to the byte.
 */
import { BACKSLASH, CLOSE, COLON, COMMA, DOT, NINE, OPEN, QUOTE, ZERO } from './jsonBytes';
import { LEDGER_TIME_MEMBER, MEMBERS } from './members';
import type { CallerMember, Member } from './members';
import type { CheckedRow } from './row';
import { isActionName, MAX_AHEAD_MS, MAX_INPUT_BYTES, PROVENANCES } from './row';
import { storedTimeMs } from './time';

const SPACE = 0x20;

/** 1 for what stands in a line as it is: Latin-1 but for controls, the quote and the backslash. Anything else takes the long way. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, unit) =>
  unit < SPACE || unit === QUOTE || unit === BACKSLASH || (unit >= 0x7f && unit < 0xa0) ? 0 : 1,
);
const MAX_INTEGER_DIGITS = 15;
const MAX_COST_WHOLE = 6;
const MAX_COST_PLACES = 9;
/** A double with more zeros behind its point is spelled with an exponent. */
const MAX_LEADING_ZEROS = 5;

/** The shapes met last, the newest first. */
const shapes: Shape[] = [];
const MAX_SHAPES = 4;

/**
 * @param text one line of input
 * @param nowMs the wall clock: nothing may have happened much later
 * @returns undefined where the row takes the long way
 */
export function checkPlainRow(text: string, nowMs: number): CheckedRow | undefined {
  if (text.length * 3 > MAX_INPUT_BYTES) return undefined;
  for (let i = 0; i < shapes.length; i++) {
    const shape = shapes[i] as Shape;
    if (!shape.fits(text, nowMs)) continue;
    if (i > 0) shapes.unshift(...shapes.splice(i, 1));
    return shape.row(text);
  }
  const shape = shapeOf(text);
  if (shape === undefined || !shape.fits(text, nowMs)) return undefined;
  shapes.unshift(shape);
  shapes.length = Math.min(shapes.length, MAX_SHAPES);
  return shape.row(text);
}

/** Members that stand in the line one behind the other as they do in the input. */
interface Run {
  readonly prefix: string;
  readonly first: number;
  readonly last: number;
}

/** What the rows of one writer have in common: their members, and what stands between the values. */
class Shape {
  /** Where the values of the row that was looked at last begin and end. */
  private readonly from: Int32Array;
  private readonly to: Int32Array;
  private readonly runs: readonly Run[];
  private readonly places: Readonly<Record<'action' | 'run_id' | 'decision_id' | 'idempotency_key', number>>;

  /**
   * @param members in the order of the input
   * @param before what stands before each value, and behind the last one
   */
  constructor(
    private readonly members: readonly Member[],
    private readonly before: readonly string[],
  ) {
    this.from = new Int32Array(members.length);
    this.to = new Int32Array(members.length);
    this.runs = runsOf(members, before);
    const placeOf = (name: CallerMember): number => members.findIndex((member) => member.name === name);
    this.places = {
      action: placeOf('action'),
      run_id: placeOf('run_id'),
      decision_id: placeOf('decision_id'),
      idempotency_key: placeOf('idempotency_key'),
    };
  }

  /** Whether a row has this shape, and values that its members may have, in stored spelling. */
  fits(text: string, nowMs: number): boolean {
    const { members, before, from, to } = this;
    let at = 0;
    for (let i = 0; i < members.length; i++) {
      const between = before[i] as string;
      if (!text.startsWith(between, at)) return false;
      at += between.length;
      from[i] = at;
      const isText = text.charCodeAt(at) === QUOTE;
      const end = isText ? stringEnd(text, at) : numberEnd(text, at);
      if (
        end < 0 ||
        !(isText
          ? takesText(members[i] as Member, text, at, end, nowMs)
          : takesNumber(members[i] as Member, text, at, end))
      )
        return false;
      to[i] = end;
      at = end;
    }
    const rest = before[members.length] as string;
    return text.length - at === rest.length && text.startsWith(rest, at);
  }

  /** The row that fitted just now. */
  row(text: string): CheckedRow {
    const { places, from, to } = this;
    let members = '';
    for (const { prefix, first, last } of this.runs) members += prefix + text.slice(from[first], to[last]);
    return {
      members,
      action: this.inside(text, places.action) as string,
      runId: this.inside(text, places.run_id),
      decisionId: this.inside(text, places.decision_id),
      idempotencyKey: this.inside(text, places.idempotency_key),
      contentHash: undefined,
    };
  }

  private inside(text: string, place: number): string | undefined {
    return place < 0 ? undefined : text.slice((this.from[place] as number) + 1, (this.to[place] as number) - 1);
  }
}

/** In stored order, as few pieces as can be. */
function runsOf(members: readonly Member[], before: readonly string[]): Run[] {
  const stored = members.map((_, i) => i).sort((a, b) => rankOf(members, a) - rankOf(members, b));
  const runs: Run[] = [];
  for (const i of stored) {
    const { prefix } = members[i] as Member;
    const run = runs.at(-1);
    if (run?.last === i - 1 && before[i] === `,${prefix}`) runs[runs.length - 1] = { ...run, last: i };
    else runs.push({ prefix: run === undefined ? prefix : `,${prefix}`, first: i, last: i });
  }
  return runs;
}

const rankOf = (members: readonly Member[], i: number): number => (members[i] as Member).rank;

/** The shape of a row, whatever its values are; undefined where it is no flat object of known members, each there once. */
function shapeOf(text: string): Shape | undefined {
  const members: Member[] = [];
  const before: string[] = [];
  let at = skip(text, 0);
  if (text.charCodeAt(at) !== OPEN) return undefined;
  for (let from = 0; ;) {
    const nameAt = skip(text, at + 1);
    const nameEnd = stringEnd(text, nameAt);
    if (nameEnd < 0) return undefined;
    const name = text.slice(nameAt + 1, nameEnd - 1);
    const member = MEMBERS.get(name === LEDGER_TIME_MEMBER ? 'occurred_at' : name);
    const colon = skip(text, nameEnd);
    if (member === undefined || members.includes(member) || text.charCodeAt(colon) !== COLON) return undefined;
    const valueAt = skip(text, colon + 1);
    const valueEnd = text.charCodeAt(valueAt) === QUOTE ? stringEnd(text, valueAt) : numberEnd(text, valueAt);
    if (valueEnd < 0) return undefined;
    members.push(member);
    before.push(text.slice(from, valueAt));
    from = valueEnd;
    at = skip(text, valueEnd);
    if (text.charCodeAt(at) === COMMA) continue;
    if (text.charCodeAt(at) !== CLOSE || skip(text, at + 1) < text.length) return undefined;
    before.push(text.slice(from));
    return members.some((one) => one.name === 'action') ? new Shape(members, before) : undefined;
  }
}

/** Whether the member may have the text `[from, to)`, quotes included. */
function takesText({ kind, name }: Member, text: string, from: number, to: number, nowMs: number): boolean {
  switch (kind) {
    case 'string':
      return to - from > 2;
    case 'action':
      return isActionName(text.slice(from + 1, to - 1));
    case 'time': {
      const ms = storedTimeMs(text.slice(from + 1, to - 1));
      // Also false for NaN.
      return name === 'occurred_at' ? ms <= nowMs + MAX_AHEAD_MS : !Number.isNaN(ms);
    }
    case 'provenance':
      return PROVENANCES.has(text.slice(from + 1, to - 1));
    case 'cost':
    case 'count':
    case 'payload':
      return false;
  }
}

/** Whether the member may have the number `[from, to)`. */
function takesNumber({ kind }: Member, text: string, from: number, to: number): boolean {
  if (kind === 'cost') return isPlainCost(text, from, to);
  return kind === 'count' && isPlainInteger(text, from, to);
}

/** Behind the string that begins at `from`; -1 where it is none, or none that is plain. */
function stringEnd(text: string, from: number): number {
  if (text.charCodeAt(from) !== QUOTE) return -1;
  let at = from + 1;
  while (PLAIN[text.charCodeAt(at)] === 1) at++;
  return text.charCodeAt(at) === QUOTE ? at + 1 : -1;
}

/** Behind the digits and points that begin at `from`; -1 where there are none. */
function numberEnd(text: string, from: number): number {
  let at = from;
  for (let unit = text.charCodeAt(at); isDigit(unit) || unit === DOT; unit = text.charCodeAt(at)) at++;
  return at === from ? -1 : at;
}

function skip(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === SPACE) at++;
  return at;
}

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= NINE;
}

/** `0` or digits that begin with another one, few enough for a double. */
function isPlainInteger(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (text.charCodeAt(at) === DOT) return false;
  return to - from <= MAX_INTEGER_DIGITS && (text.charCodeAt(from) !== ZERO || to - from === 1);
}

/** A cost of 0 or more in the digits that a double's shortest spelling has, and a line holds. */
function isPlainCost(text: string, from: number, to: number): boolean {
  let point = from;
  while (point < to && text.charCodeAt(point) !== DOT) point++;
  if (point === from || point - from > MAX_COST_WHOLE || !isPlainInteger(text, from, point)) return false;
  if (point === to) return true;
  const first = point + 1;
  let zeros = 0;
  while (text.charCodeAt(first + zeros) === ZERO) zeros++;
  for (let at = first; at < to; at++) if (text.charCodeAt(at) === DOT) return false;
  return to > first && to - first <= MAX_COST_PLACES && zeros <= MAX_LEADING_ZEROS && text.charCodeAt(to - 1) !== ZERO;
}
