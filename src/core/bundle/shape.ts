/** What JSON that comes from outside must look like, as data: every member, none besides, and what is in each. */

import { MAX_DEPTH } from '../json';
import { jsonText } from '../printable';

export interface ShapeFault {
  readonly want: string;
  readonly got: string;
}

export type Shape =
  | { readonly is: (value: unknown) => boolean; readonly want: string }
  | { readonly each: Shape }
  | { readonly members: Readonly<Record<string, Shape>>; readonly optional?: readonly string[] };

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
export const isOneOf = (values: readonly unknown[]) => ({
  is: (value: unknown) => values.includes(value),
  want: values.map((value) => JSON.stringify(value)).join(' or '),
});
export const TEXT: Shape = { is: (value) => typeof value === 'string', want: 'a text' };
export const NAME: Shape = {
  is: (value) => typeof value === 'string' && value !== '',
  want: 'a text that is not empty',
};
export const COUNT: Shape = { is: isCount, want: 'a whole number' };
export const VALUE: Shape = { is: (value) => isWithin(value, MAX_VALUE_DEPTH), want: 'a value of a row' };
export const matching = (pattern: RegExp, want: string): Shape => ({
  is: (value) => typeof value === 'string' && pattern.test(value),
  want,
});

/** The first thing that is not as it must be; `at` says where, as in `inclusion[3].index`. */
export function faultIn(value: unknown, shape: Shape, at = ''): ShapeFault | undefined {
  if ('is' in shape) return shape.is(value) ? undefined : { want: `${named(at)} as ${shape.want}`, got: shown(value) };
  if ('each' in shape) return listFault(value, shape.each, at);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { want: `${named(at)} as an object`, got: shown(value) };
  const { members, optional = [] } = shape;
  const names = Object.keys(value);
  const odd = names.find((name) => !Object.hasOwn(members, name));
  if (odd !== undefined) return { want: `no other member in ${named(at)}`, got: shown(odd) };
  for (const [name, inner] of Object.entries(members)) {
    const place = at === '' ? name : `${at}.${name}`;
    const isThere = Object.hasOwn(value, name);
    if (!isThere && !optional.includes(name)) return { want: `a member "${place}"`, got: 'none' };
    const fault = isThere ? faultIn((value as Record<string, unknown>)[name], inner, place) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function listFault(value: unknown, each: Shape, at: string): ShapeFault | undefined {
  if (!Array.isArray(value)) return { want: `${named(at)} as a list`, got: shown(value) };
  for (let i = 0; i < value.length; i++) {
    const item: unknown = value[i];
    // Most items are of one plain kind: no place is spelled for them.
    if ('is' in each && each.is(item)) continue;
    const fault = faultIn(item, each, `${at}[${i}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const named = (at: string): string => (at === '' ? 'it' : `"${at}"`);
const shown = (value: unknown): string => (value === undefined ? 'none' : jsonText(value).slice(0, 100));

/** A row's own level, and that of the payload, are not among a member's. */
const MAX_VALUE_DEPTH = MAX_DEPTH - 2;

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((one) => isWithin(one, levels - 1));
}
