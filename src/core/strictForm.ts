/**
 * `verify --strict`: is a line exactly what the writer would have written? Unique keys, members in their order, strings
 * and numbers in their one spelling, no spaces, and no value that the writer refuses. The line is parsed strictly, checked
 * as the input of a caller is, and written again; the two must be equal.
 *
 *   {"seq":2,"ts":"…","id":"…","by":"…",<known members in the order of members.ts>,<extra ones>,"run_seq":…,…,"hash":"…"}
 */
import { LedgerError } from './errors';
import { storedJson, storedString } from './json';
import { parseJson } from './parseJson';
import type { Json, JsonObject } from './json';
import { MEMBERS } from './members';
import type { MemberKind } from './members';
import { checkRow, MAX_LINE_BYTES } from './row';
import { readSignature } from './signing/signature';

const FIRST = ['seq', 'ts', 'id', 'by'];
const LAST = [
  'run_seq',
  'run_prev_hash',
  'decision_seq',
  'decision_prev_hash',
  'content_hash',
  'nonce',
  'prev_hash',
  'hash',
];
/** What the ledger itself adds behind the caller's members. */
const ADDED = ['imported_from', 'signature', 'spill_id'];
const REQUIRED = [...FIRST, 'action', 'nonce', 'prev_hash', 'hash'];
const NONCE = /^[A-Za-z0-9_-]{22}$/;
const SHOWN_CHARS = 60;

/** The difference between a line and what the writer would have written, or undefined where there is none. */
export function strictFault(line: string): { readonly want: string; readonly got: string } | undefined {
  let row: Json;
  try {
    row = parseJson(line);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { want: 'strict JSON', got: error.message };
  }
  if (!(row instanceof Map)) return { want: 'an object', got: line.slice(0, SHOWN_CHARS) };
  const missing = REQUIRED.find((name) => !row.has(name));
  if (missing !== undefined) return { want: `a member "${missing}"`, got: 'none' };
  const nonce = row.get('nonce');
  if (typeof nonce !== 'string' || !NONCE.test(nonce))
    return { want: 'a nonce of 22 base64url characters', got: shown(nonce) };
  const by = row.get('by');
  if (typeof by !== 'string' || by === '') return { want: 'the account that appended, as "by"', got: shown(by) };
  try {
    return firstDifference(written(row), line);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { want: 'a row that the writer takes', got: error.message };
  }
}

/**
 * The line that the writer would have made of these members.
 * @throws LedgerError where it would have refused them
 */
function written(row: JsonObject): string {
  const action = row.get('action');
  const isOwn = typeof action === 'string' && action.startsWith('audit.');
  const members = isOwn ? ownMembers(row) : callerMembers(row);
  return `{${[...texts(row, FIRST), members, ...texts(row, LAST)].join(',')}}`;
}

function texts(row: JsonObject, names: readonly string[]): string[] {
  return names
    .filter((name) => row.has(name))
    .map((name) => `${storedString(name)}:${storedJson(row.get(name) as Json)}`);
}

/** What a caller gave is checked as it was then, but for the clock. */
function callerMembers(row: JsonObject): string {
  const given = without(row, [...FIRST, ...LAST, ...ADDED]);
  if (row.has('signature') && (readSignature(row.get('signature')) === undefined || row.has('imported_from')))
    throw new LedgerError('MEMBER_TYPE', 'expected a signature {alg, key_id, value} by Ed25519, of a row that was not imported, found another value'); // prettier-ignore
  const own = new Map(ADDED.flatMap((name) => (row.has(name) ? [[name, row.get(name) as Json] as const] : [])));
  return checkRow(given, { nowMs: undefined, own, maxBytes: MAX_LINE_BYTES }).members;
}

/** The ledger's own rows begin with their action, whatever follows it; they hold texts, and a payload. */
function ownMembers(row: JsonObject): string {
  const given = [...without(row, [...FIRST, ...LAST]).keys()];
  const known = given.filter((name) => MEMBERS.has(name));
  const odd = known.find((name) => !fitsOwnRow(MEMBERS.get(name)?.kind, row.get(name)));
  if (odd !== undefined)
    throw new LedgerError('MEMBER_TYPE', `expected texts and a payload in a row of the ledger's own, found "${odd}"`);
  return texts(row, [...known, ...given.filter((name) => !MEMBERS.has(name))]).join(',');
}

function fitsOwnRow(kind: MemberKind | undefined, value: Json | undefined): boolean {
  if (kind === 'payload') return value instanceof Map;
  return typeof value === 'string' && (kind === 'string' || kind === 'action');
}

function without(row: JsonObject, names: readonly string[]): JsonObject {
  return new Map([...row].filter(([name]) => !names.includes(name)));
}

const shown = (value: Json | undefined): string => storedJson(value ?? null).slice(0, SHOWN_CHARS);

function firstDifference(want: string, got: string): { readonly want: string; readonly got: string } | undefined {
  if (want === got) return undefined;
  let at = 0;
  while (want[at] === got[at]) at++;
  const from = Math.max(0, at - 20);
  return { want: want.slice(from, from + SHOWN_CHARS), got: got.slice(from, from + SHOWN_CHARS) };
}
