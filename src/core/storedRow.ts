/**
 * Lines as rows for whoever asks what they say. Whoever can compute a hash can write what no writer of ours does: it is
 * `verify` that names it, and nothing else stumbles over it.
 */
import { MAX_DEPTH } from './json';
import { MEMBERS } from './members';
import type { Row } from './members';
import { jsonText } from './printable';
import { completeObject, isDeeper, isTooDeep, memberFault, whiteSpaceAround } from './rowText';
import { sealIn } from './seal';
import { unsealable } from './sealable';

const NUMBERS: readonly string[] = [...MEMBERS.values()].flatMap(({ name, kind }) =>
  kind === 'cost' || kind === 'count' ? [name] : [],
);

/**
 * A line as a row, whatever its hash; undefined for what is no row, or lacks what every row has.
 * @param value the line as `rowObject` gives it, where it was parsed before
 */
export function storedRow(line: Buffer, value = rowObject(line)): Row | undefined {
  if (value === undefined || memberFault(value) !== undefined) return undefined;
  return isInOrder(value) ? (value as unknown as Row) : asSaid(value);
}

function isInOrder(value: Readonly<Record<string, unknown>>): boolean {
  if (value['by'] === undefined) return false;
  // Nearly all are texts, as they should be but for these.
  for (const name of NUMBERS) if (value[name] !== undefined && isMisplaced(name, value[name])) return false;
  for (const name in value) if (typeof value[name] !== 'string' && isMisplaced(name, value[name])) return false;
  return true;
}

/**
 * Who can compute a hash can write a row whose agent is a list: its JSON text stands for it. What is no number counts nothing,
 * and a row of nobody's is by "".
 */
function asSaid(value: Readonly<Record<string, unknown>>): Row {
  const members = Object.entries(value).flatMap(([name, of]) => {
    if (!isMisplaced(name, of)) return [[name, of] as const];
    return NUMBERS.includes(name) ? [] : [[name, jsonText(of)] as const];
  });
  return { by: '', ...Object.fromEntries(members) } as unknown as Row;
}

/** A sealed one is in its place where a caller may seal it. */
function isMisplaced(name: string, value: unknown): boolean {
  if (name === 'payload' || (name !== 'by' && !MEMBERS.has(name))) return false;
  if (typeof value === 'object' && sealIn(value) !== undefined && unsealable(name) === undefined) return false;
  // In a line 1e999 can stand, too.
  return NUMBERS.includes(name) ? !Number.isFinite(value) : typeof value !== 'string';
}

/** What may count as a row, whatever its hash: no writer puts white space around one, nor nests its values so deep. */
export function rowObject(line: Buffer): Readonly<Record<string, unknown>> | undefined {
  if (whiteSpaceAround(line) !== undefined) return undefined;
  const object = completeObject(line);
  return object === undefined || isTooDeep(line, object) ? undefined : object;
}

/** The members of a line, to be shown: one that is nested deeper than a row may be is told of, and not given. */
export function shownMembers(line: Buffer): Readonly<Record<string, unknown>> {
  const object = completeObject(line) ?? {};
  if (!isTooDeep(line, object)) return object;
  const shown = (value: unknown): unknown => (isDeeper(value, MAX_DEPTH - 1) ? `more than ${MAX_DEPTH} levels` : value);
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, shown(value)]));
}
