/**
 * Sealed fields: in a row stands the digest of a value, and the value with its salt lies apart, as its opening. Whoever has
 * the opening can show what the row says; where it is gone nobody can, and the row is what it was.
 *
 *   "reason":"churn risk"  →  "reason":{"sealed":"<hex SHA-256 of RFC 8785 of [salt, name, value]>"}
 *                             {"digest":"…","salt":"<22 base64url>","name":"reason","value":"churn risk"}
 *
 * A field is named by its path: `reason`, `payload.email`, `payload.steps[2].note`. The name is part of the digest, so that
 * an opening fits no other field; with the salt in it nobody guesses a value, however few there are.
 */
import { sha256Hex } from './digest';
import { canonicalJson, storedJson } from './json';
import type { Json, JsonObject } from './json';
import { LEDGER_MEMBERS } from './members';

/** In place of a value, exactly this stands. */
const SEALED = 'sealed';
const DIGEST = /^[0-9a-f]{64}$/;
const SALT = /^[A-Za-z0-9_-]{22}$/;
export const SALT_BYTES = 16;

/** What shows the value of one sealed field. */
export interface Opening {
  readonly digest: string;
  /** 16 random bytes, base64url. */
  readonly salt: string;
  readonly name: string;
  readonly value: Json;
}

/** Finds the opening of a digest; undefined where there is none. */
export type FindOpening = (digest: string) => Opening | undefined;

/** A sealed field of a row. */
export interface SealedField {
  readonly field: string;
  readonly digest: string;
}

export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && DIGEST.test(text);
}

export function saltText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

export function digestOf({ salt, name, value }: Omit<Opening, 'digest'>): string {
  return sha256Hex(canonicalJson([salt, name, value]));
}

export function openingOf(name: string, value: Json, salt: string): Opening {
  return { digest: digestOf({ salt, name, value }), salt, name, value };
}

/** Whether what it says of itself holds: its value, under this name and salt, is what the digest is of. */
export function holds(opening: Opening): boolean {
  return digestOf(opening) === opening.digest;
}

/** An opening as it came; undefined where it is none. Whether it holds is another question. */
export function readOpening(value: Json | undefined): Opening | undefined {
  if (!(value instanceof Map)) return undefined;
  const [digest, salt, name, of] = ['digest', 'salt', 'name', 'value'].map((member) => value.get(member));
  const isOne = isDigest(digest) && typeof salt === 'string' && SALT.test(salt) && typeof name === 'string';
  return isOne && of !== undefined ? { digest, salt, name, value: of } : undefined;
}

/** So many bytes a line is long, or a multiple of that: what was erased does not tell how long it was. */
const LINE_BYTES = 256;

/** An opening as a line of its file, without the newline. */
export function openingLine(opening: Opening): string {
  const text = openingText(opening);
  const over = Buffer.byteLength(text) % LINE_BYTES;
  return over === 0 ? text : text + ' '.repeat(LINE_BYTES - over);
}

/** In JSON: the digest first, so that it is found without reading the value. */
export function openingText({ digest, salt, name, value }: Opening): string {
  return `{"digest":"${digest}","salt":"${salt}","name":${storedJson(name)},"value":${storedJson(value)}}`;
}

/** The digest that stands in place of a value, of a row as it was parsed here or anywhere; undefined for any other value. */
export function sealIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const [member, ...others] = value instanceof Map ? [...(value as JsonObject)] : Object.entries(value);
  if (member === undefined || others.length > 0 || member[0] !== SEALED) return undefined;
  const digest: unknown = member[1];
  return isDigest(digest) ? digest : undefined;
}

/** What a seal is shown as, where a value would be. */
export const SEALED_TEXT = '[sealed]';

const SEAL_TEXT = /^\{"sealed":"[0-9a-f]{64}"\}$/;

/** A value as text, or its JSON text, as the name of a group: sealed values are one, for each has a digest of its own. */
export function groupName(text: string | null): string | null {
  return text !== null && SEAL_TEXT.test(text) ? SEALED_TEXT : text;
}

export function sealFor(digest: string): JsonObject {
  return new Map([[SEALED, digest]]);
}

/** As it stands in a line: within a text the quotes would be escaped. */
const IN_LINE = Buffer.from(`{"${SEALED}":"`);
const DIGESTS_IN_LINE = /\{"sealed":"([0-9a-f]{64})"\}/g;

/** Whether lines hold any seal. */
export function holdsSeal(lines: Buffer): boolean {
  return lines.includes(IN_LINE);
}

/** The digests in a line that stand in place of values, without parsing it. */
export function digestsInLine(line: string): string[] {
  return [...line.matchAll(DIGESTS_IN_LINE)].map(([, digest]) => digest as string);
}

/** The fields of a row that are sealed, in the order in which they stand. */
export function sealedFields(row: JsonObject): SealedField[] {
  const found: SealedField[] = [];
  replaced(row, (field, value) => {
    const digest = sealIn(value);
    if (digest !== undefined) found.push({ field, digest });
    return undefined;
  });
  return found;
}

/** Whether a value is a seal, or holds one. */
export function hasSeal(value: Json): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(hasSeal);
  return sealIn(value) !== undefined || [...value.values()].some(hasSeal);
}

/** Whether a row has a field at all. */
export function hasField(row: JsonObject, name: string): boolean {
  let found = false;
  replaced(row, (field) => {
    if (field === name) found = true;
    return undefined;
  });
  return found;
}

/**
 * Seals fields of a row; of two that stand in one another, the outer one.
 * @param openingFor gives the opening of a field that is to be sealed, with a salt that nothing else has
 * @returns the row as it is to be stored, and the openings, in the order of the fields
 */
export function sealRow(
  row: JsonObject,
  openingFor: (field: string, value: Json) => Opening | undefined,
): { readonly row: JsonObject; readonly openings: readonly Opening[] } {
  const openings: Opening[] = [];
  const sealed = replaced(row, (field, value) => {
    const opening = openingFor(field, value);
    if (opening === undefined) return undefined;
    openings.push(opening);
    return sealFor(opening.digest);
  });
  return { row: sealed, openings };
}

/** The row with each value that can be shown in place of its seal. */
export function openRow(row: JsonObject, find: FindOpening): JsonObject {
  return replaced(row, (field, value) => {
    const digest = sealIn(value);
    const opening = digest === undefined ? undefined : find(digest);
    return opening?.name === field && holds(opening) ? opening.value : undefined;
  });
}

type Replace = (field: string, value: Json) => Json | undefined;

/** The row with other values for some; those within them are not looked at. What the ledger sets is nobody's to seal. */
export function replaced(row: JsonObject, replace: Replace): JsonObject {
  const within = (field: string, value: Json): Json => {
    const other = replace(field, value);
    if (other !== undefined) return other;
    if (value instanceof Map) return new Map([...value].map(([name, of]) => [name, within(`${field}.${name}`, of)]));
    return Array.isArray(value) ? value.map((of, i) => within(`${field}[${i}]`, of)) : value;
  };
  return new Map([...row].map(([name, value]) => [name, LEDGER_MEMBERS.has(name) ? value : within(name, value)]));
}
