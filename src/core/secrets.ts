/**
 * Secrets in a row: where they stand and what they are, never what they say. A ledger takes nothing back, so what is
 * found is refused before it is stored, or a hash stands in its place.
 *
 *   {"action":"deploy.done","payload":{"headers":{"authorization":"Bearer <a token>"}}}
 *     → payload.headers.authorization: GitHub Token
 */
import { LedgerError } from './errors';
import { storedString } from './json';
import type { Json, JsonObject } from './json';
import { hashText, pathText, withHashes } from './omissions';
import type { Path } from './omissions';
import { mayHoldSecret } from './secretScan';

export interface Secret {
  readonly omission: 'secret';
  /** Whose it is, as far as its shape tells: "GitHub Token". */
  readonly kind: string;
  /** `payload.headers.authorization`; a name that holds one itself is left out. */
  readonly path: string;
  readonly at: Path;
  /** Whether the name of the member holds it, and not the value. */
  readonly inName: boolean;
  readonly asText: true;
}

/** Tells the kinds of secrets in a text. */
export type Detect = (text: string) => readonly string[];

/** What stands in a message in the place of a name that is a secret. */
const HIDDEN = '…';
/** In shorter texts there is none: `mysql://u:word@h`. */
const SHORTEST = 16;

/** The secrets of a row, in the order in which they stand. */
export function secretsIn(row: JsonObject, detect: Detect): Secret[] {
  const found: Secret[] = [];
  lookInto(row, '', { at: [], shown: [], found, detect });
  return found;
}

interface Search {
  /** Lists for the whole row: only what is found keeps a copy. */
  readonly at: (string | number)[];
  readonly shown: (string | number)[];
  readonly found: Secret[];
  readonly detect: Detect;
}

function lookInto(value: Json, name: string, search: Search): void {
  if (typeof value === 'string') {
    for (const kind of kindsOf(name, value, search.detect)) add(search, kind, false);
  } else if (value instanceof Map) {
    for (const [of, one] of value) lookIntoMember(of, one, search);
  } else if (Array.isArray(value)) {
    // What stands in a list is what its name says.
    value.forEach((one, i) => {
      enter(search, i, i);
      lookInto(one, name, search);
      leave(search);
    });
  }
}

function lookIntoMember(name: string, value: Json, search: Search): void {
  const kinds = name.length < SHORTEST || !mayHoldSecret(name) ? [] : search.detect(name);
  const isHidden = kinds.length > 0;
  enter(search, name, isHidden ? HIDDEN : name);
  for (const kind of kinds) add(search, kind, true);
  lookInto(value, isHidden ? '' : name, search);
  leave(search);
}

function enter({ at, shown }: Search, part: string | number, asShown: string | number): void {
  at.push(part);
  shown.push(asShown);
}

function leave({ at, shown }: Search): void {
  at.pop();
  shown.pop();
}

/** Some are known by the name before them alone, which a text has as a row does. */
function kindsOf(name: string, value: string, detect: Detect): readonly string[] {
  if (value.length < SHORTEST || !mayHoldSecret(`${storedString(name)}:${storedString(value)}`)) return [];
  return [...new Set(detect(`"${name}":"${value}"`))];
}

function add({ at, shown, found }: Search, kind: string, inName: boolean): void {
  found.push({ omission: 'secret', kind, path: pathText(shown), at: [...at], inName, asText: true });
}

/** The row with a hash in the place of each text that holds one: no token is guessed from it, a weak password may be. */
export function withoutSecrets(row: JsonObject, secrets: readonly Secret[]): JsonObject {
  const hashed = withHashes(row, secrets.filter(({ inName }) => !inName)); // prettier-ignore
  const names = new Set(secrets.flatMap(({ inName, at }) => (inName ? at.slice(-1) : [])));
  return names.size === 0 ? hashed : (renamed(hashed, names) as JsonObject);
}

function renamed(value: Json, names: ReadonlySet<string | number>): Json {
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  if (!(value instanceof Map)) return value;
  return new Map([...value].map(([name, of]) => [names.has(name) ? hashText(name, 'secret') : name, renamed(of, names)])); // prettier-ignore
}

/** `GitHub Token`, `GitHub Token in its name` */
export function secretText({ kind, inName }: Secret): string {
  return inName ? `${kind} in its name` : kind;
}

/** The refusal of a row that holds some. */
export function secretRefusal(secrets: readonly Secret[]): LedgerError {
  const places = secrets.map((one) => `${one.path}: ${secretText(one)}`);
  const place = secrets[0]?.path;
  return new LedgerError('SECRET', `expected no secrets, which a ledger would keep for ever, found ${places.join('; ')}`, {
    ...(place === undefined ? {} : { place: { member: place } }),
    hint: 'store a reference to it (the name of the variable, the path in the vault); "secrets": "hash" in the config stores its SHA-256',
  }); // prettier-ignore
}
