/** What the operators and functions of an expression make of values: of like ones only, and never an error. */
import { fieldText } from './field';
import { order as orderOf } from './term';

export const isTrue = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== false && value !== 0 && value !== '' && !Number.isNaN(value);

/** What two values make; `null` is a field that is not there. */
type Apply = (left: unknown, right: unknown) => unknown;

export const BINARY: Readonly<Record<string, Apply>> = {
  '==': equal,
  '===': equal,
  '!=': (left, right) => !equal(left, right),
  '!==': (left, right) => !equal(left, right),
  '<': (left, right) => order(left, right) < 0,
  '<=': (left, right) => order(left, right) <= 0,
  '>': (left, right) => order(left, right) > 0,
  '>=': (left, right) => order(left, right) >= 0,
  in: (left, right) => Array.isArray(right) && right.some((one) => equal(left, one)),
  '+': (left, right) => numbers(left, right, (a, b) => a + b),
  '-': (left, right) => numbers(left, right, (a, b) => a - b),
  '*': (left, right) => numbers(left, right, (a, b) => a * b),
  '/': (left, right) => numbers(left, right, (a, b) => a / b),
  '%': (left, right) => numbers(left, right, (a, b) => a % b),
};

function equal(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || left === null) return left === right;
  return typeof right === 'object' && JSON.stringify(left) === JSON.stringify(right);
}

/** NaN, of which nothing holds, for two things that are not alike. */
function order(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return orderOf(left, right);
  if (typeof left === 'string' && typeof right === 'string') return orderOf(left, right);
  return NaN;
}

function numbers(left: unknown, right: unknown, apply: (a: number, b: number) => number): number | null {
  return typeof left === 'number' && typeof right === 'number' ? apply(left, right) : null;
}

const text = (value: unknown): string => (value === null ? '' : fieldText(value));

/** Takes as many values as it has parameters. */
type Call = (...values: unknown[]) => unknown;

export const FUNCTIONS: Readonly<Record<string, Call>> = {
  contains: (whole: unknown, part: unknown) =>
    Array.isArray(whole) ? whole.some((one) => equal(one, part)) : text(whole).includes(text(part)),
  startsWith: (whole: unknown, part: unknown) => text(whole).startsWith(text(part)),
  endsWith: (whole: unknown, part: unknown) => text(whole).endsWith(text(part)),
  lower: (value: unknown) => text(value).toLowerCase(),
  length: (value: unknown) => (Array.isArray(value) ? value.length : [...text(value)].length),
  has: (value: unknown) => value !== null,
};
