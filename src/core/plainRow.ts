/**
 * The short way in for a row as most are: one flat JSON object of known members, texts without an escape, numbers in the
 * spelling that a line holds. Its values go into the line as they came, unparsed: a third of the time of the long way,
 * which is parseJson.ts and row.ts.
 *
 *   {"agent":"coder","action":"tool.used","cost_usd":0.0123}  →  members: the same text, without its braces
 *
 * Whoever writes rows writes them alike: what stands between the values of one row is met again in others, so that only
 * the values are looked into. The texts met so far form a tree, one path for each list of members.
 *
 * Nothing is refused here: what is not plain, or may be wrong, is left to the long way, which says what is wrong with it.
 * Where there is an answer, it is the long way's to the byte.
 */
import { CLOSE, COLON, COMMA, OPEN } from './jsonBytes';
import { LEDGER_TIME_MEMBER, MEMBERS } from './members';
import type { CallerMember, Member } from './members';
import { stringEnd, valueEnd } from './plainValue';
import type { CheckedRow } from './row';
import { MAX_INPUT_BYTES } from './row';

const SPACE = 0x20;

/** More than this many steps begin a new tree: rows that are never alike are not worth remembering. */
const MAX_STEPS = 1_000;
/** A name and its punctuation are shorter; what is longer is white space. */
const MAX_BETWEEN = 64;

/** What may come after the values read so far. */
interface Step {
  readonly members: readonly Member[];
  readonly before: readonly string[];
  readonly nexts: Next[];
  readonly ends: End[];
}

/** One more member: the text before its value. */
interface Next {
  readonly between: string;
  readonly member: Member;
  readonly step: Step;
}

/** The end of the row: the text behind its last value. */
interface End {
  readonly rest: string;
  readonly shape: Shape;
}

let root = stepAfter([], []);
let steps = 0;
/** Where the values of the row that is read begin and end. */
const from = new Int32Array(MEMBERS.size);
const to = new Int32Array(MEMBERS.size);

/**
 * @param text one line of input
 * @param nowMs the wall clock: nothing may have happened much later
 * @returns undefined where the row takes the long way
 */
export function checkPlainRow(text: string, nowMs: number): CheckedRow | undefined {
  if (text.length * 3 > MAX_INPUT_BYTES) return undefined;
  if (steps > MAX_STEPS) {
    root = stepAfter([], []);
    steps = 0;
  }
  let step = root;
  for (let at = 0, i = 0; ; i++) {
    let next = knownNext(step, text, at);
    if (next === undefined) {
      const end = knownEnd(step, text, at) ?? newEnd(step, text, at);
      if (end !== undefined) return end.shape.row(text);
      next = newNext(step, text, at);
      if (next === undefined) return undefined;
    }
    at += next.between.length;
    const end = valueEnd(next.member, text, at, nowMs);
    if (end < 0) return undefined;
    from[i] = at;
    to[i] = end;
    at = end;
    step = next.step;
  }
}

function stepAfter(members: readonly Member[], before: readonly string[]): Step {
  return { members, before, nexts: [], ends: [] };
}

function knownNext({ nexts }: Step, text: string, at: number): Next | undefined {
  for (let i = 0; i < nexts.length; i++) {
    const next = nexts[i] as Next;
    if (text.startsWith(next.between, at) && text.charCodeAt(at + next.between.length) !== SPACE) return next;
  }
  return undefined;
}

function knownEnd({ ends }: Step, text: string, at: number): End | undefined {
  for (const end of ends) if (text.length - at === end.rest.length && text.startsWith(end.rest, at)) return end;
  return undefined;
}

/** Behind the name and colon of one more member; undefined where something else stands at `at`, or a member for the second time. */
function newNext(step: Step, text: string, at: number): Next | undefined {
  const opener = skip(text, at);
  if (text.charCodeAt(opener) !== (step.members.length === 0 ? OPEN : COMMA)) return undefined;
  const nameAt = skip(text, opener + 1);
  const nameEnd = stringEnd(text, nameAt);
  if (nameEnd < 0) return undefined;
  const name = text.slice(nameAt + 1, nameEnd - 1);
  const member = MEMBERS.get(name === LEDGER_TIME_MEMBER ? 'occurred_at' : name);
  const colon = skip(text, nameEnd);
  if (member === undefined || step.members.includes(member) || text.charCodeAt(colon) !== COLON) return undefined;
  const valueAt = skip(text, colon + 1);
  if (valueAt - at > MAX_BETWEEN) return undefined;
  const between = copied(text.slice(at, valueAt));
  const next = { between, member, step: stepAfter([...step.members, member], [...step.before, between]) };
  step.nexts.push(next);
  steps++;
  return next;
}

/** The brace that ends the row at `at`, and the text; undefined where something else stands there, or no row was named. */
function newEnd(step: Step, text: string, at: number): End | undefined {
  const brace = skip(text, at);
  if (text.charCodeAt(brace) !== CLOSE || skip(text, brace + 1) < text.length) return undefined;
  if (text.length - at > MAX_BETWEEN) return undefined;
  if (!step.members.some(({ name }) => name === 'action')) return undefined;
  const end = { rest: copied(text.slice(at)), shape: new Shape(step.members, step.before) };
  step.ends.push(end);
  steps++;
  return end;
}

/** A text that does not keep alive the input that it is a part of. */
function copied(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}

/** Members that stand in the line one behind the other as they do in the input. */
interface Run {
  readonly prefix: string;
  readonly first: number;
  readonly last: number;
}

/** What rows of the same members have in common. */
class Shape {
  private readonly runs: readonly Run[];
  private readonly action: number;
  private readonly runId: number;
  private readonly decisionId: number;
  private readonly idempotencyKey: number;

  /** @param before what stands before the value of each */
  constructor(members: readonly Member[], before: readonly string[]) {
    this.runs = runsOf(members, before);
    const placeOf = (name: CallerMember): number => members.findIndex((member) => member.name === name);
    this.action = placeOf('action');
    this.runId = placeOf('run_id');
    this.decisionId = placeOf('decision_id');
    this.idempotencyKey = placeOf('idempotency_key');
  }

  /** The row whose values were found just now. */
  row(text: string): CheckedRow {
    let members = '';
    for (const { prefix, first, last } of this.runs) members += prefix + text.slice(from[first], to[last]);
    return {
      members,
      action: inside(text, this.action) as string,
      runId: inside(text, this.runId),
      decisionId: inside(text, this.decisionId),
      idempotencyKey: inside(text, this.idempotencyKey),
      contentHash: undefined,
    };
  }
}

function inside(text: string, place: number): string | undefined {
  return place < 0 ? undefined : text.slice((from[place] as number) + 1, (to[place] as number) - 1);
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

function skip(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === SPACE) at++;
  return at;
}
