/**
 * What an audit trail leaves out on purpose, and why. Each omission is found by the name of a field and by the shape of
 * what it holds; the texts of flags and comments, and reasons, are a person's words: of those only the names are looked at.
 *
 *   {"reasoning":"First I …"}                            chain-of-thought, by its name
 *   {"output_shape":[{"account":"4711","amount":12.5}]}  raw business content, by its shape
 *   {"output_shape":"42 rows, 2 currencies"}             as it should be
 */
import { sha256Hex } from './digest';
import { LedgerError } from './errors';
import { canonicalJson } from './json';
import type { Json, JsonObject } from './json';
import { MEMBERS } from './members';
import { fieldName } from './omissionNames';
import type { FieldName, Omission } from './omissionNames';
import { omissionOfShape } from './omissionShapes';
import type { TextKind } from './omissionShapes';

/** Why a trail is better without it. */
export const OMISSION_REASONS: Readonly<Record<Omission, string>> = {
  'chain-of-thought': 'fluent reasoning is read as the decision, which is what was called and what was drafted',
  'unused context': 'what was read and not used would be audited in place of the decision: give the scope of the read',
  'raw business content':
    'a second copy of values must be defended and may differ from its source: give kinds and counts',
  'token-level metadata': 'probabilities and samples tell a reader of the trail nothing that can be checked',
};

export type Path = readonly (string | number)[];

export interface Omitted {
  readonly omission: Omission;
  /** `payload.steps[2].reasoning` */
  readonly path: string;
  /** The same in its parts: a name may hold a dot. */
  readonly at: Path;
  readonly by: 'name' | 'shape';
  /** Whether a text must stand in its place: schemas ask for one where it says who and where. */
  readonly asText: boolean;
}

/** What is done about a row that holds one. */
export const OMISSION_MODES = ['refuse', 'hash', 'warn', 'off'] as const;
export type OmissionMode = (typeof OMISSION_MODES)[number];

/** Members of every row that a caller fills with a text of its own. */
const TEXT_MEMBERS: readonly string[] = ['target', 'data_ref'];

/** What rows of a type are there to tell. */
const TOLD: ReadonlyMap<Json | undefined, string> = new Map([
  ['proof.order', 'amount_usd'],
  ['proof.revenue', 'amount_usd'],
  ['decision.created', 'context'],
]);

interface Around {
  readonly kind: TextKind;
  /** In a person's words, names alone. */
  readonly namesOnly: boolean;
}

/** What a row holds that a trail leaves out, in the order in which it stands. */
export function omittedIn(row: JsonObject): Omitted[] {
  const found: Omitted[] = [];
  const around: Around = { kind: 'content', namesOnly: false };
  const told = TOLD.get(row.get('action'));
  for (const [name, value] of row) {
    if (name === 'payload' && value instanceof Map) {
      for (const [field, of] of value)
        if (field !== told || of instanceof Map) look(of, field, [name, field], around, found);
    } else if (!MEMBERS.has(name) ? name !== 'ts' : TEXT_MEMBERS.includes(name))
      look(value, name, [name], around, found);
  }
  return found;
}

/** `at` is one list for the whole row: only what is found keeps a copy. */
function look(value: Json, name: string, at: (string | number)[], around: Around, found: Omitted[]): void {
  if (isHash(value)) return;
  const field = fieldName(name);
  const kind = field.isIdentity ? 'identity' : around.kind;
  const namesOnly = around.namesOnly || field.isOwnWords;
  const isNamed = field.omission !== undefined && typeof at.at(-1) === 'string' && !isHarmless(value, name, field);
  const omission = isNamed ? field.omission : namesOnly ? undefined : omissionOfShape(value, field, kind);
  if (omission !== undefined) {
    const asText = kind === 'identity' && typeof value === 'string';
    found.push({ omission, path: pathText(at), at: [...at], by: isNamed ? 'name' : 'shape', asText });
  } else if (value !== null && typeof value === 'object') lookInside(value, name, at, { kind, namesOnly }, found);
}

function lookInside(
  value: JsonObject | readonly Json[],
  name: string,
  at: (string | number)[],
  around: Around,
  found: Omitted[],
): void {
  const step = (one: Json, of: string, part: string | number): void => {
    at.push(part);
    look(one, of, at, around, found);
    at.pop();
  };
  if (value instanceof Map) for (const [of, one] of value) step(one, of, of);
  // What stands in a list is what its name says.
  else value.forEach((one, i) => step(one, name, i));
}

/** Under the name of a content, a number of things and "none" say its shape; so does how a context is made up. */
function isHarmless(value: Json, name: string, field: FieldName): boolean {
  return isCount(value, field) || (name === 'context' && value instanceof Map);
}

function isCount(value: Json, field: FieldName): boolean {
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isInteger(value) && !field.isSetting && !field.isAmount;
  if (field.omission === 'chain-of-thought') return false;
  if (typeof value === 'string') return !field.isSetting && /^(?:none|\d{1,9}(?: \p{L}+)?)$/u.test(value);
  if (!(value instanceof Map) || value.size === 0) return false;
  return [...value].every(([name, one]) => typeof one === 'number' && isCount(one, fieldName(name)));
}

/** What stands in the place of a value that was left out. */
function isHash(value: Json): boolean {
  if (!(value instanceof Map) || value.size !== 2) return false;
  const [omitted, hash] = [value.get('omitted'), value.get('sha256')];
  return (
    typeof omitted === 'string' &&
    Object.hasOwn(OMISSION_REASONS, omitted) &&
    typeof hash === 'string' &&
    /^[0-9a-f]{64}$/.test(hash)
  );
}

/** What is left out, and where. */
export interface Hashed extends Pick<Omitted, 'at' | 'asText'> {
  readonly omission: string;
}

/** The row with a hash in the place of what is left out: whoever has the value can show that it was this one. */
export function withHashes(row: JsonObject, omitted: readonly Hashed[]): JsonObject {
  const places = new Map(omitted.map((one) => [JSON.stringify(one.at), one]));
  const replaced = (value: Json, at: Path): Json => {
    const one = places.get(JSON.stringify(at));
    if (one !== undefined) return hashOf(value, one);
    if (value instanceof Map) return new Map([...value].map(([name, of]) => [name, replaced(of, [...at, name])]));
    return Array.isArray(value) ? value.map((of, i) => replaced(of, [...at, i])) : value;
  };
  return new Map([...row].map(([name, value]) => [name, replaced(value, [name])]));
}

function hashOf(value: Json, { omission, asText }: Hashed): Json {
  if (asText) return hashText(value, omission);
  return new Map([['omitted', omission], ['sha256', sha256Hex(canonicalJson(value))]]); // prettier-ignore
}

/** The same where a text must stand. */
export function hashText(value: Json, omission: string): string {
  return `${omission} omitted, sha256 ${sha256Hex(canonicalJson(value))}`;
}

export function pathText(at: Path): string {
  return at.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** `chain-of-thought by its name (fluent …)` */
export function omittedText({ omission, by }: Omitted): string {
  return `${omission} by its ${by} (${OMISSION_REASONS[omission]})`;
}

const textAtPath = (one: Omitted): string => `${one.path}: ${omittedText(one)}`;

/** The refusal of a row that holds some. */
export function omittedRefusal(omitted: readonly Omitted[]): LedgerError {
  const place = omitted[0]?.path;
  return new LedgerError(
    'OMITTED',
    `expected none of what a trail leaves out, found ${omitted.map(textAtPath).join('; ')}`,
    {
      ...(place === undefined ? {} : { place: { member: place } }),
      hint: 'say its shape: kinds and counts ("42 rows, 2 currencies"); the words of a person go into a comment or a flag',
    },
  );
}
