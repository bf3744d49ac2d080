/**
 * What a row gets from around it: flags say the same of every row, the environment fills what is missing.
 * A flag that contradicts a row is refused: silently keeping either would falsify the other.
 */
import { LedgerError } from './errors';
import { canonicalJson, MAX_DEPTH } from './json';
import { parseJson } from './parseJson';
import type { Json, JsonObject } from './json';
import { CALLER_MEMBERS, CALLER_MEMBER_NAMES } from './members';
import type { CallerMember } from './members';
import { parseCostNanos } from './money';
import { parseRfc3339 } from './time';

/** They belong to one row: a key that came with every row of a pipe would make all but the first a duplicate, or refused. */
const NOT_FROM_ENVIRONMENT: ReadonlySet<string> = new Set<CallerMember>(['action', 'payload', 'idempotency_key']);
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** `LEDGER_RUN_ID` for `run_id`, and so on. */
export function environmentName(member: CallerMember): string {
  return `LEDGER_${member.toUpperCase()}`;
}

/** Every variable that is named as a member is. */
export const MEMBER_VARIABLES: readonly string[] = CALLER_MEMBER_NAMES.map(environmentName);

/** The members that the environment sets for every row: `LEDGER_AGENT=a` → `agent: "a"`, and W3C `TRACEPARENT`. Empty means unset. */
export function environmentDefaults(env: Readonly<Record<string, string | undefined>>): JsonObject {
  const defaults: JsonObject = new Map();
  for (const name of CALLER_MEMBER_NAMES) {
    const text = NOT_FROM_ENVIRONMENT.has(name) ? undefined : env[environmentName(name)];
    if (text !== undefined && text !== '') defaults.set(name, memberFromText(name, text));
  }
  const trace = env['TRACEPARENT'];
  if (trace !== undefined && TRACEPARENT.test(trace) && !defaults.has('traceparent'))
    defaults.set('traceparent', trace);
  return defaults;
}

/** The variables that are set, are named as a member is, and set none: `LEDGER_IDEMPOTENCY_KEY`. */
export function ignoredInEnvironment(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return CALLER_MEMBER_NAMES.filter((name) => NOT_FROM_ENVIRONMENT.has(name))
    .map(environmentName)
    .filter((name) => (env[name] ?? '') !== '');
}

/** A member given as text, by a flag or the environment. Costs stay text: they are decimals. */
export function memberFromText(name: CallerMember, text: string): Json {
  const kind = CALLER_MEMBERS[name];
  return kind === 'count' || kind === 'payload' ? parseMember(name, text) : text;
}

function parseMember(name: CallerMember, text: string): Json {
  try {
    return parseMemberJson(text);
  } catch (cause) {
    if (!(cause instanceof LedgerError)) throw cause;
    throw new LedgerError(cause.code, `"${name}": ${cause.message}`, { place: { member: name }, cause });
  }
}

/** A JSON text that becomes a member of a row: one level is the row's. */
export function parseMemberJson(text: string): Json {
  return parseJson(text, MAX_DEPTH - 1);
}

/** Whether two values of a member mean the same: `0.1` and `"0.10"` are one cost, two spellings of a moment one time. */
function isSameValue(name: string, one: Json, other: Json): boolean {
  const [a, b] = [meaningOf(name, one), meaningOf(name, other)];
  return a === undefined || b === undefined ? canonicalJson(one) === canonicalJson(other) : a === b;
}

function meaningOf(name: string, value: Json): number | undefined {
  const kind = Object.hasOwn(CALLER_MEMBERS, name) ? CALLER_MEMBERS[name as CallerMember] : undefined;
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  if (kind === 'cost') return parseCostNanos(String(value));
  return kind === 'time' ? parseRfc3339(String(value)) : undefined;
}

/**
 * A row with its flags and defaults; a signed one is whole as it is.
 * @throws LedgerError MEMBER_VALUE where a flag and the row say different things
 */
export function completeRow(row: JsonObject, flags: JsonObject, defaults: JsonObject): JsonObject {
  if (flags.size === 0 && defaults.size === 0) return row;
  if (row.has('signature')) {
    if (flags.size === 0) return row;
    const [name = ''] = flags.keys();
    throw new LedgerError('MEMBER_VALUE', `expected a signed row as it was signed, found a flag for "${name}"`, {
      place: { member: name },
    });
  }
  const complete: JsonObject = new Map(row);
  for (const [name, value] of flags) {
    const own = row.get(name);
    if (own !== undefined && !isSameValue(name, own, value)) {
      throw new LedgerError(
        'MEMBER_VALUE',
        `expected one value of "${name}", found ${shown(own)} in the row and ${shown(value)} in a flag`,
        {
          place: { member: name },
          hint: 'leave the flag out, or the member',
        },
      );
    }
    // The row's own spelling stays: a flag adds nothing to what it says.
    if (own === undefined) complete.set(name, value);
  }
  for (const [name, value] of defaults) {
    const standsIn = name === 'occurred_at' && complete.has('ts');
    if (!complete.has(name) && !standsIn) complete.set(name, value);
  }
  return complete;
}

function shown(value: Json): string {
  return canonicalJson(value).slice(0, 60);
}
