/**
 * Values that go into a stored line as they stand in the input: texts without an escape, numbers in the digits that a line
 * holds. For `plainRow.ts`: what is anything else, or may be wrong, is left to the long way.
 */
import { BACKSLASH, DOT, NINE, QUOTE, ZERO } from './jsonBytes';
import type { Member } from './members';
import { isActionName, MAX_AHEAD_MS, PROVENANCES } from './row';
import { storedTimeMs } from './time';

const SPACE = 0x20;
/** 1 for what stands in a line as it is: Latin-1 but for controls, the quote and the backslash. Anything else takes the long way. */
const PLAIN = new Uint8Array(256).fill(1).fill(0, 0, SPACE).fill(0, 0x7f, 0xa0);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;
const MAX_INTEGER_DIGITS = 15;
const MAX_COST_WHOLE = 6;
const MAX_COST_PLACES = 9;
/** A double with more zeros behind its point is spelled with an exponent. */
const MAX_LEADING_ZEROS = 5;

/** Behind the value that begins at `at`; -1 where the member cannot have it, or not in this spelling. */
export function valueEnd(member: Member, text: string, at: number, nowMs: number): number {
  const isText = text.charCodeAt(at) === QUOTE;
  const end = isText ? stringEnd(text, at) : numberEnd(text, at);
  if (end < 0) return -1;
  return (isText ? takesText(member, text, at, end, nowMs) : takesNumber(member, text, at, end)) ? end : -1;
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
export function stringEnd(text: string, from: number): number {
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
