/**
 * Conditions as they are typed on a command line, and what they say of a value.
 *
 *   agent=coder  outcome!=success  reason~timeout  reason!~^ok  cost_usd>=0.01  ts<2026-11-21  payload.exit_status>0  model=
 *   actor|payload.actor=ann        in any of these fields; with != and !~ in none
 *
 * A number is compared as a number where the row holds one, a time as a moment, everything else as text. `model=` finds
 * rows without a model, `model!=` those with one. `!=` and `!~` are the exact opposite of `=` and `~`.
 */
import { LedgerError } from '../errors';
import { MEMBERS } from '../members';
import { parseRfc3339 } from '../time';
import { fieldText, parseField } from './field';
import type { Field } from './field';
import type { Pattern } from './pattern';

export type Operator = '=' | '!=' | '~' | '!~' | '>' | '>=' | '<' | '<=';

export interface Term {
  /** Those that it may be in, as they were typed: of one field mostly. */
  readonly name: string;
  readonly fields: readonly [Field, ...Field[]];
  readonly operator: Operator;
  readonly text: string;
}

export type ValueTest = (value: unknown) => boolean;

export interface TermContext {
  /** The moment that a text means, in ms; throws LedgerError USAGE. */
  readonly parseTime: (text: string, what: string) => number;
  /** Compiles a regular expression; throws LedgerError USAGE. */
  readonly parsePattern: (text: string) => Pattern;
}

const TERM = /^([^=!~<>]*)(!=|!~|>=|<=|=|~|>|<)(.*)$/s;
const NUMBER = /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
const TIMES: ReadonlySet<string> = new Set(['ts', 'occurred_at', 'as_of']);
const NUMERIC_KINDS: ReadonlySet<string> = new Set(['cost', 'count']);
const PLACES: ReadonlySet<string> = new Set(['seq', 'run_seq', 'decision_seq']);

/** @throws LedgerError USAGE */
export function parseTerm(term: string): Term {
  const match = TERM.exec(term);
  if (match === null) {
    throw new LedgerError('USAGE', `expected FIELD=VALUE, found ${JSON.stringify(term)}`, {
      hint: 'write agent=coder, outcome!=success, reason~timeout or "cost_usd>=0.01" (quoted: > is the shell\'s)',
    });
  }
  const [, name = '', operator, text = ''] = match;
  if (operator === '=' && /^[=~]/.test(text)) {
    throw new LedgerError('USAGE', `expected = or ~ once, found ${JSON.stringify(term)}`, {
      hint: `write ${name}${text}; for a value that begins so: --where '${name} == "${text}"'`,
    });
  }
  return { ...fieldsOf(name), operator: operator as Operator, text };
}

/** The fields of a condition: `actor`, `actor|payload.actor`. */
export function fieldsOf(name: string): Pick<Term, 'name' | 'fields'> {
  const [first = '', ...others] = name.split('|');
  return { name, fields: [parseField(first), ...others.map(parseField)] };
}

/** Whether only members that are exactly this string meet it. */
export function wantsExactly(term: Term): boolean {
  return term.fields.every(({ path }) => path.length === 0) && wantsString(term);
}

/** Whether only this very string meets it, wherever it stands: numbers, times and other JSON values have more spellings. */
export function wantsString({ fields, operator, text }: Term): boolean {
  if (operator !== '=' || fields.some(isTime) || text === '') return false;
  return !NUMBER.test(text) && !/^[[{]/.test(text) && !['true', 'false', 'null'].includes(text);
}

/** Whether `=` or `~`: several of them for one field are alternatives. Every other condition stands for itself. */
export function isAlternative({ operator }: Term): boolean {
  return operator === '=' || operator === '~';
}

/** Whether a condition says what must be in none of its fields. */
export function isNegative({ operator }: Term): boolean {
  return operator === '!=' || operator === '!~';
}

/** @throws LedgerError USAGE for a text that the field cannot be compared with */
export function testOf({ operator, text }: Term, field: Field, context: TermContext): ValueTest {
  switch (operator) {
    case '=':
      return equals(field, text, context);
    case '!=':
      return not(equals(field, text, context));
    case '~':
      return matches(text, context);
    case '!~':
      return not(matches(text, context));
    case '>':
    case '>=':
    case '<':
    case '<=':
      return compares(field, operator, text, context);
  }
}

const not =
  (test: ValueTest): ValueTest =>
  (value) =>
    !test(value);

function equals(field: Field, text: string, context: TermContext): ValueTest {
  if (isTime(field) && text !== '') {
    const ms = context.parseTime(text, field.name);
    return (value) => typeof value === 'string' && (value === text || parseRfc3339(value) === ms);
  }
  const number = NUMBER.test(text) ? Number(text) : NaN;
  return (value) => {
    if (typeof value === 'string' || value === undefined) return (value ?? '') === text;
    return typeof value === 'number' ? value === number : JSON.stringify(value) === text;
  };
}

function matches(text: string, { parsePattern }: TermContext): ValueTest {
  const pattern = parsePattern(text);
  return (value) => value !== undefined && pattern.test(fieldText(value));
}

type Comparison = Extract<Operator, '>' | '>=' | '<' | '<='>;

/** By the sign of a comparison, -1, 0 or 1; NaN where two things cannot be compared. */
const HOLDS: Readonly<Record<Comparison, (sign: number) => boolean>> = {
  '>': (sign) => sign > 0,
  '>=': (sign) => sign >= 0,
  '<': (sign) => sign < 0,
  '<=': (sign) => sign <= 0,
};

function compares(field: Field, operator: Comparison, text: string, context: TermContext): ValueTest {
  const holds = HOLDS[operator];
  if (text === '') throw new LedgerError('USAGE', `expected a value after ${field.name}${operator}, found none`);
  if (isTime(field)) {
    const ms = context.parseTime(text, field.name);
    return (value) => typeof value === 'string' && holds((parseRfc3339(value) ?? NaN) - ms);
  }
  const isNumber = NUMBER.test(text);
  if (isNumeric(field) && !isNumber)
    throw new LedgerError(
      'USAGE',
      `expected ${field.name} to be compared with a number, found ${JSON.stringify(text)}`,
    );
  const number = isNumber ? Number(text) : NaN;
  return (value) => {
    if (typeof value === 'number') return holds(order(value, number));
    return typeof value === 'string' && holds(order(value, text));
  };
}

/** The sign of a comparison of two that are alike; NaN where one of them is. */
export function order<T extends number | string>(left: T, right: T): number {
  return left < right ? -1 : left > right ? 1 : left === right ? 0 : NaN;
}

function isTime({ member, path }: Field): boolean {
  return path.length === 0 && TIMES.has(member);
}

function isNumeric({ member, path }: Field): boolean {
  return path.length === 0 && (PLACES.has(member) || NUMERIC_KINDS.has(MEMBERS.get(member)?.kind ?? ''));
}
