/** Reading one setting of the config: of the right kind, or an error that names it. */
import { LedgerError } from './errors';
import type { Json, JsonObject } from './json';
import { nearest } from './nearest';

export function optional<T>(settings: JsonObject, name: string, read: (value: Json, name: string) => T): T | undefined {
  const value = settings.get(name);
  return value === undefined ? undefined : read(value, name);
}

export function textOf(value: Json, name: string): string {
  if (typeof value !== 'string' || value === '') throw wrong(name, 'a string that is not empty', value);
  return value;
}

/** @param what they are, in words: "roles" */
export function textsOf(value: Json, name: string, what: string): readonly string[] {
  if (!Array.isArray(value)) throw wrong(name, `a list of ${what}`, value);
  return value.map((one, i) => textOf(one, `${name}[${i}]`));
}

export function objectOf(value: Json, name: string): JsonObject {
  if (!(value instanceof Map)) throw wrong(name, 'an object', value);
  return value;
}

export function wrong(name: string, wanted: string, found: Json | undefined): LedgerError {
  const text =
    found === undefined ? 'nothing' : found instanceof Map ? 'an object' : JSON.stringify(found).slice(0, 60);
  return new LedgerError('CONFIG_INVALID', `expected ${name} to be ${wanted}, found ${text}`);
}

export function knownKeys(object: JsonObject, known: readonly string[], what: string): void {
  for (const key of object.keys()) {
    if (known.includes(key)) continue;
    throw new LedgerError('CONFIG_INVALID', `expected a known ${what}, found ${JSON.stringify(key)}`, {
      hint: `did you mean "${nearest(key, known)}"? Known are: ${known.join(', ')}`,
    });
  }
}
