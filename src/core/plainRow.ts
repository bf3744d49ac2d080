/**
 * The short way in for a row as most are: one flat JSON object of known members, texts without an escape, numbers in the
 * spelling that a line holds. Its values go into the line as they came, unparsed: half the time of the long way, which is
 * parseJson.ts and row.ts.
 *
 *   {"agent":"coder","action":"tool.call","cost_usd":0.0123}  →  members: the same text, without its braces
 *
 * Nothing is refused here: what is not plain, or may be wrong, is left to the long way, which says what is wrong with it.
 * Where there is an answer, it is the long way's to the byte.
 */
import { BACKSLASH, CLOSE, COLON, COMMA, DOT, NINE, OPEN, QUOTE, ZERO } from './jsonBytes';
import { LEDGER_TIME_MEMBER, MEMBERS } from './members';
import type { Member } from './members';
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

/**
 * @param text one line of input
 * @param nowMs the wall clock: nothing may have happened much later
 * @returns undefined where the row takes the long way
 */
export function checkPlainRow(text: string, nowMs: number): CheckedRow | undefined {
  return text.length * 3 > MAX_INPUT_BYTES ? undefined : new PlainRow(text, nowMs).read();
}

class PlainRow {
  private at = 0;
  private readonly pieces: string[] = [];
  private readonly ranks: number[] = [];
  private action: string | undefined;
  private runId: string | undefined;
  private decisionId: string | undefined;
  private idempotencyKey: string | undefined;

  constructor(
    private readonly text: string,
    private readonly nowMs: number,
  ) {}

  read(): CheckedRow | undefined {
    this.skip();
    if (this.next() !== OPEN || !this.members() || this.action === undefined) return undefined;
    this.skip();
    if (this.at < this.text.length) return undefined;
    const { action, runId, decisionId, idempotencyKey } = this;
    return { members: this.pieces.join(','), action, runId, decisionId, idempotencyKey, contentHash: undefined };
  }

  private members(): boolean {
    for (;;) {
      this.skip();
      if (!this.member()) return false;
      this.skip();
      const end = this.next();
      if (end === CLOSE) return true;
      if (end !== COMMA) return false;
    }
  }

  private member(): boolean {
    const { text } = this;
    const nameAt = this.at;
    const nameEnd = this.stringEnd();
    if (nameEnd < 0) return false;
    const name = text.slice(nameAt + 1, nameEnd - 1);
    const member = MEMBERS.get(name === LEDGER_TIME_MEMBER ? 'occurred_at' : name);
    if (member === undefined) return false;
    this.at = nameEnd;
    this.skip();
    if (this.next() !== COLON) return false;
    this.skip();
    const from = this.at;
    const to = text.charCodeAt(from) === QUOTE ? this.stringEnd() : this.numberEnd();
    if (to < 0 || !this.takes(member, from, to)) return false;
    this.at = to;
    const isVerbatim = from === nameEnd + 1 && name.length + 3 === member.prefix.length;
    return this.place(member, isVerbatim ? text.slice(nameAt, to) : member.prefix + text.slice(from, to));
  }

  /** In stored order; false where the member is there already. */
  private place({ rank }: Member, piece: string): boolean {
    const { ranks, pieces } = this;
    let at = ranks.length;
    while (at > 0 && rank < (ranks[at - 1] as number)) at--;
    if (at > 0 && ranks[at - 1] === rank) return false;
    if (at === ranks.length) {
      ranks.push(rank);
      pieces.push(piece);
    } else {
      ranks.splice(at, 0, rank);
      pieces.splice(at, 0, piece);
    }
    return true;
  }

  /** Whether the value `[from, to)` is one that the member may have, in stored spelling. */
  private takes(member: Member, from: number, to: number): boolean {
    const { text } = this;
    const isText = text.charCodeAt(from) === QUOTE;
    switch (member.kind) {
      case 'string':
        return isText && to - from > 2 && this.keeps(member, from, to);
      case 'action':
        this.action = text.slice(from + 1, to - 1);
        return isText && isActionName(this.action);
      case 'time':
        return isText && this.isTime(member, text.slice(from + 1, to - 1));
      case 'cost':
        return !isText && isPlainCost(text, from, to);
      case 'count':
        return !isText && isPlainInteger(text, from, to);
      case 'provenance':
        return isText && PROVENANCES.has(text.slice(from + 1, to - 1));
      case 'payload':
        return false;
    }
  }

  private keeps({ name }: Member, from: number, to: number): boolean {
    if (name === 'run_id') this.runId = this.text.slice(from + 1, to - 1);
    else if (name === 'decision_id') this.decisionId = this.text.slice(from + 1, to - 1);
    else if (name === 'idempotency_key') this.idempotencyKey = this.text.slice(from + 1, to - 1);
    return true;
  }

  private isTime({ name }: Member, value: string): boolean {
    const ms = storedTimeMs(value);
    // Also false for NaN.
    return name === 'occurred_at' ? ms <= this.nowMs + MAX_AHEAD_MS : !Number.isNaN(ms);
  }

  /** Behind the string that begins here; -1 where it is none, or none that is plain. */
  private stringEnd(): number {
    const { text } = this;
    if (text.charCodeAt(this.at) !== QUOTE) return -1;
    let at = this.at + 1;
    while (PLAIN[text.charCodeAt(at)] === 1) at++;
    return text.charCodeAt(at) === QUOTE ? at + 1 : -1;
  }

  /** Behind the digits and points that begin here; -1 where there are none. */
  private numberEnd(): number {
    const { text } = this;
    let at = this.at;
    for (let unit = text.charCodeAt(at); isDigit(unit) || unit === DOT; unit = text.charCodeAt(at)) at++;
    return at === this.at ? -1 : at;
  }

  private next(): number {
    return this.text.charCodeAt(this.at++);
  }

  private skip(): void {
    while (this.text.charCodeAt(this.at) === SPACE) this.at++;
  }
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
