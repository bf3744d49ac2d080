/**
 * `verify --strict`: is a line exactly what the writer would have written? Unique keys, members in their order, strings
 * and numbers in their one spelling, no spaces. The line is parsed strictly and written again; the two must be equal.
 *
 *   {"seq":2,"ts":"…","id":"…","by":"…",<known members in the order of members.ts>,<extra ones>,"run_seq":…,…,"hash":"…"}
 */
import { LedgerError } from './errors';
import { storedJson, storedString } from './json';
import { parseJson } from './parseJson';
import type { Json, JsonObject } from './json';
import { CALLER_MEMBERS, CALLER_MEMBER_NAMES } from './members';
import { formatNanos, parseCostNanos } from './money';

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
    return { want: 'a nonce of 22 base64url characters', got: storedJson(nonce ?? null).slice(0, SHOWN_CHARS) };
  return firstDifference(written(row), line);
}

/** The line that the writer would have made of these members. */
function written(row: JsonObject): string {
  const own = new Set([...FIRST, ...LAST]);
  const extra = [...row.keys()].filter((name) => !own.has(name) && !Object.hasOwn(CALLER_MEMBERS, name));
  const present = (names: readonly string[]): string[] => names.filter((name) => row.has(name));
  const order = [...FIRST, ...callerOrder(row, present(CALLER_MEMBER_NAMES)), ...extra, ...present(LAST)];
  return `{${order.map((name) => `${storedString(name)}:${valueText(name, row.get(name) as Json)}`).join(',')}}`;
}

/** The ledger's own rows begin with their action, whatever follows it. */
function callerOrder(row: JsonObject, known: readonly string[]): readonly string[] {
  const action = row.get('action');
  if (typeof action !== 'string' || !action.startsWith('audit.')) return known;
  return [...row.keys()].filter((name) => known.includes(name));
}

function valueText(name: string, value: Json): string {
  if (name !== 'cost_usd' || typeof value !== 'number') return storedJson(value);
  // A cost is plain decimal notation where RFC 8785 would write 1e-7.
  const nanos = parseCostNanos(String(value));
  return nanos === undefined ? storedJson(value) : formatNanos(nanos);
}

function firstDifference(want: string, got: string): { readonly want: string; readonly got: string } | undefined {
  if (want === got) return undefined;
  let at = 0;
  while (want[at] === got[at]) at++;
  const from = Math.max(0, at - 20);
  return { want: want.slice(from, from + SHOWN_CHARS), got: got.slice(from, from + SHOWN_CHARS) };
}
