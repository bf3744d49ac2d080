/**
 * Reservations: a spend that was allowed and has yet to happen, as rows.
 *
 *   spend.reserved   {"agent":"coder","action":"spend.reserved","payload":{"est_usd":"0.50","for":"model.call",
 *                     "expires_at":"2026-11-21T10:10:00.000Z","caps":[{"usd":"5","per":"day","period":"2026-11-21","spent_usd":"1.2","reserved_usd":"0"}]}}
 *   spend.refused    the same, not allowed: which caps stood in the way
 *   settled          a row of what was done, with `cost_usd`, `ref` (the reservation's id) and the key "reservation:<id>"
 *   spend.released   nothing was spent: the same key
 *
 * A row with that key closes the reservation, whatever else it says, and only one row can have it: so a reservation is
 * settled once or released once, whoever tries again.
 */
import { formatCap } from './caps';
import { stateMembers } from './capState';
import type { CapState, StateMembers } from './capState';
import { LedgerError } from './errors';
import { isUlid } from './ids';
import { toJson } from './json';
import type { Json, JsonObject } from './json';
import { LEDGER_MEMBERS } from './members';
import type { Row } from './members';
import { formatNanos, parseCostNanos } from './money';
import { REFUSED, RELEASED, RESERVED, SETTLED } from './spendActions';
import { formatTime, parseRfc3339 } from './time';

/** A reservation lasts at most so long: who makes the sums anew need not read further back. */
export const MAX_TTL_MS = 24 * 3_600_000;

export interface Reservation {
  /** The id of its row. */
  readonly id: string;
  readonly nanos: bigint;
  readonly expiresMs: number;
  /** Those that caps may be narrowed to; `action` is what was asked for. */
  readonly members: Readonly<Record<string, string>>;
}

const KEY_PREFIX = 'reservation:';

export function closingKey(id: string): string {
  return `${KEY_PREFIX}${id}`;
}

/** The reservation that a row with this key closes. */
export function closedBy(key: unknown): string | undefined {
  return typeof key === 'string' && key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : undefined;
}

/** The reservation that a row makes; undefined for every other row. `names`: the members that are kept. */
export function reservationOf(row: Row, names: ReadonlySet<string>): Reservation | undefined {
  if (row.action !== RESERVED) return undefined;
  const { est_usd: est, expires_at: expires, for: action } = row.payload ?? {};
  const nanos = typeof est === 'string' ? parseCostNanos(est) : undefined;
  const saidMs = typeof expires === 'string' ? parseRfc3339(expires) : undefined;
  const madeMs = parseRfc3339(row.ts);
  if (nanos === undefined || nanos < 0 || saidMs === undefined || madeMs === undefined) return undefined;
  // A row that somebody wrote by hand holds no money for ever.
  const expiresMs = Math.min(saidMs, madeMs + MAX_TTL_MS);
  const members: Record<string, string> = {};
  for (const name of names) {
    const value = name === 'action' ? action : row[name];
    if (typeof value === 'string') members[name] = value;
  }
  return { id: row.id, nanos: BigInt(nanos), expiresMs, members };
}

/** What a gate says itself, and what belongs to the row that settles it. */
export const NOT_ASKED: readonly string[] = [
  'cost_usd',
  'occurred_at',
  'idempotency_key',
  'payload',
  'ref',
  'provenance',
  'outcome',
  'duration_ms',
];

/**
 * Refuses flags that mean nothing before the money is spent.
 * @throws LedgerError USAGE
 */
export function checkAsked(flags: JsonObject): void {
  const refused = NOT_ASKED.find((name) => flags.has(name));
  if (refused === undefined) return;
  throw new LedgerError('USAGE', `expected a gate without "${refused}", found it in a flag`, {
    place: { member: refused },
    hint: 'it belongs to what was done: give it to "ledger settle"',
  });
}

export interface Asked {
  /** What the caller says of the spend: who, for whom, in which run, and as `action` what for. */
  readonly members: JsonObject;
  readonly nanos: bigint;
  readonly states: readonly CapState[];
}

export function reservedRow(asked: Asked, expiresMs: number): JsonObject {
  return gateRow(RESERVED, asked, [['expires_at', formatTime(expiresMs)]]);
}

export function refusedRow(asked: Asked): JsonObject {
  const row = gateRow(REFUSED, asked, []);
  row.set('outcome', 'refused');
  return row;
}

function gateRow(
  action: string,
  { members, nanos, states }: Asked,
  more: readonly (readonly [string, Json])[],
): JsonObject {
  const row: JsonObject = new Map(members);
  for (const name of NOT_ASKED) row.delete(name);
  const wanted = row.get('action');
  row.set('action', action);
  const payload: [string, Json][] = [['est_usd', formatNanos(nanos)]];
  if (wanted !== undefined) payload.push(['for', wanted]);
  const caps = states.map((state) => new Map<string, Json>(Object.entries(capMember(state))));
  row.set('payload', new Map<string, Json>([...payload, ...more, ['caps', caps]]));
  return row;
}

/** A cap as it stood when a gate was asked. */
export type CapMember = Readonly<Record<keyof StateMembers, string | boolean>> & { readonly fits: boolean };

export function capMember(state: CapState): CapMember {
  return { ...stateMembers(state), fits: state.fits };
}

/** What is left of the caps that stood in the way, in words: for a person who wants to know why. */
export function refusalText({ nanos, states }: Asked): string {
  const full = states.filter(({ fits }) => !fits).map(standing);
  return `${formatNanos(nanos)} USD would pass ${full.length === 1 ? 'the cap of' : 'the caps of'} ${full.join(', ')}`;
}

function standing({ cap, override, label, spentNanos, reservedNanos }: CapState): string {
  const raised = override === undefined ? '' : `, raised to ${formatNanos(override.nanos)} USD,`;
  const reserved = reservedNanos === 0n ? '' : `, ${formatNanos(reservedNanos)} reserved`;
  return `${formatCap(cap)}${raised} (${label}: ${formatNanos(spentNanos)} spent${reserved})`;
}

/** The row that says what became of a reservation: what the gate was told, what the caller adds, and the closing key. */
export function closingRow(reserved: Row, flags: JsonObject, how: 'settled' | 'released'): JsonObject {
  const row: JsonObject = new Map();
  for (const [name, value] of Object.entries(reserved)) {
    if (!LEDGER_MEMBERS.has(name) && !NOT_ASKED.includes(name)) row.set(name, toJson(value));
  }
  const wanted = reserved.payload?.['for'];
  row.set('action', how === 'released' ? RELEASED : typeof wanted === 'string' ? wanted : SETTLED);
  // The call that spends is another span than the one that asked.
  row.delete('traceparent');
  for (const [name, value] of flags) row.set(name, value);
  row.set('ref', reserved.id);
  row.set('idempotency_key', closingKey(reserved.id));
  return row;
}

/** @throws LedgerError USAGE for what is no id of a row */
export function parseReservationId(text: string): string {
  const id = text.toUpperCase();
  if (isUlid(id)) return id;
  throw new LedgerError('USAGE', `expected the id that "ledger gate" printed, found ${JSON.stringify(text)}`);
}
