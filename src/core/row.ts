/**
 * What a caller gave, checked and spelled as the line will hold it. Nothing here knows about the ledger's state:
 * `checkRow` runs before the lock, `chain.ts` places the result under it.
 *
 *   {"ts":"2026-04-25T20:09:24.604Z","action":"pulse.probe","cost_usd":"1e-4","x":1}
 *     → members: "occurred_at":"2026-04-25T20:09:24.604Z","action":"pulse.probe","cost_usd":0.0001,"x":1
 */
import { sha256Hex } from './digest';
import { LedgerError } from './errors';
import { canonicalJson, storedJson, storedString } from './json';
import type { Json, JsonObject } from './json';
import { LEDGER_MEMBERS, LEDGER_TIME_MEMBER, MEMBERS } from './members';
import type { CallerMember, Member } from './members';
import { formatNanos, parseCostNanos } from './money';
import { sealIn } from './seal';
import type { Opening } from './seal';
import { unsealable } from './sealable';
import { formatTime, isStoredTime, parseRfc3339 } from './time';

/** A line holds at most this many bytes, its newline not counted. */
export const MAX_LINE_BYTES = 1 << 20;
/** What a caller may give is smaller by the room that the ledger's own members take. */
export const MAX_INPUT_BYTES = MAX_LINE_BYTES - 2048;
/** How far ahead of the clock `occurred_at` may be. */
export const MAX_AHEAD_MS = 5 * 60_000;

const ACTION = /^[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/;
export const PROVENANCES: ReadonlySet<Json> = new Set(['live', 'sample', 'fallback', 'imported']);

const REFUNDS: ReadonlySet<string> = new Set(['cost.refund', 'cost.correction']);

/** The caller's part of a row, ready to be placed. */
export interface CheckedRow {
  /** The caller's members as the line holds them, joined by commas, without braces. */
  readonly members: string;
  readonly action: string;
  readonly runId: string | undefined;
  readonly decisionId: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly contentHash: string | undefined;
  /** Of a signed row: the ledger that its signature is for. */
  readonly signedFor?: string;
  /** Of a row with sealed fields: their openings, to be on disk before the row is. */
  readonly openings?: readonly Opening[];
}

/** Which rows are checked against what: the wall clock, or nothing for rows whose time was checked before (a drain, an import). */
export interface CheckOptions {
  readonly nowMs: number | undefined;
  /** Members that only the ledger may set, allowed here because the ledger itself calls (`spill_id`, `imported_from`), or was seen to be right (`signature`). */
  readonly own?: ReadonlyMap<string, Json>;
  /** How long the members may be; default `MAX_INPUT_BYTES`. */
  readonly maxBytes?: number;
}

/**
 * Checks one input row.
 * @param input the row's members in the caller's order
 * @throws LedgerError with a refusal code and `place.member`
 */
export function checkRow(input: Json, options: CheckOptions): CheckedRow {
  if (!(input instanceof Map))
    throw new LedgerError('ROW_NOT_OBJECT', `expected a JSON object, found ${kindOf(input)}`);
  const texts: string[] = [];
  const ranks: number[] = [];
  const extra: string[] = [];
  let inOrder = true;
  for (const [given, value] of input) {
    const name = given === LEDGER_TIME_MEMBER ? occurredAt(input) : given;
    const member = MEMBERS.get(name);
    if (member === undefined) {
      if (LEDGER_MEMBERS.has(name)) throw reserved(name);
      extra.push(`${storedString(name)}:${storedJson(value)}`);
      continue;
    }
    const { rank } = member;
    if (ranks.length > 0 && rank < (ranks[ranks.length - 1] as number)) inOrder = false;
    texts.push(member.prefix + memberText(member, value, input, options));
    ranks.push(rank);
  }
  for (const [name, value] of options.own ?? []) extra.push(`"${name}":${storedJson(value)}`);
  if (!input.has('action'))
    throw new LedgerError('MEMBER_MISSING', 'expected a member "action", found none', { place: { member: 'action' } });
  // Most callers write the members in the ledger's order already.
  const known = (inOrder ? texts : byRank(texts, ranks)).join(',');
  const members = extra.length === 0 ? known : `${known},${extra.join(',')}`;
  return finish(input, members, options.maxBytes ?? MAX_INPUT_BYTES);
}

function byRank(texts: readonly string[], ranks: readonly number[]): string[] {
  const order = ranks.map((_, i) => i).sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
  return order.map((i) => texts[i] as string);
}

function finish(given: JsonObject, members: string, maxBytes: number): CheckedRow {
  // A UTF-16 unit is at most three bytes: shorter texts need no exact count.
  const bytes = members.length * 3 <= maxBytes ? 0 : Buffer.byteLength(members);
  if (bytes > maxBytes) {
    throw new LedgerError('ROW_TOO_LONG', `expected a row of at most ${maxBytes} bytes, found ${bytes}`, {
      hint: 'store the content elsewhere and put its reference and SHA-256 in the row',
    });
  }
  const text = (name: CallerMember): string | undefined => given.get(name) as string | undefined;
  const payload = given.get('payload');
  return {
    members,
    action: text('action') as string,
    runId: text('run_id'),
    decisionId: text('decision_id'),
    idempotencyKey: text('idempotency_key'),
    contentHash: payload === undefined ? undefined : sha256Hex(canonicalJson(payload)),
  };
}

/** An input member `ts` says when it happened, so it is taken as `occurred_at`. */
function occurredAt(input: JsonObject): CallerMember {
  if (!input.has('occurred_at')) return 'occurred_at';
  throw new LedgerError('MEMBER_RESERVED', 'expected either "ts" or "occurred_at", found both', {
    place: { member: 'ts' },
    hint: '"ts" in input is taken as "occurred_at"; give one of them',
  });
}

function memberText({ name, kind }: Member, value: Json, row: JsonObject, options: CheckOptions): string {
  switch (kind) {
    case 'string':
      if (typeof value === 'string' && value !== '') return storedString(value);
      if (sealIn(value) === undefined || unsealable(name) !== undefined)
        throw wrongType(name, 'a string that is not empty', value);
      return storedJson(value);
    case 'action':
      return actionText(value);
    case 'time':
      return timeText(name, value, options.nowMs);
    case 'cost':
      return costText(value, row);
    case 'count':
      if (typeof value !== 'number' || value < 0) throw wrongType(name, 'a number of 0 or more', value);
      return String(value === 0 ? 0 : value);
    case 'provenance':
      if (!PROVENANCES.has(value)) throw wrongType(name, 'one of live, sample, fallback, imported', value);
      return storedJson(value);
    case 'payload':
      if (!(value instanceof Map)) throw wrongType(name, 'an object', value);
      return storedJson(value);
  }
}

/** Whether a text can be the action of a caller's row. */
export function isActionName(text: string): boolean {
  return isDottedName(text) && !isOwnAction(text);
}

/** The same, or the name of one that only the ledger writes. */
export function isDottedName(text: string): boolean {
  return text.length <= 128 && ACTION.test(text);
}

function isOwnAction(text: string): boolean {
  return text === 'audit' || text.startsWith('audit.');
}

function actionText(value: Json): string {
  if (typeof value !== 'string' || !isDottedName(value)) {
    throw wrongType('action', 'a dotted or snake_case name such as "pulse.probe", of at most 128 characters', value);
  }
  if (isOwnAction(value)) {
    throw new LedgerError(
      'MEMBER_RESERVED',
      `expected an action of your own, found ${JSON.stringify(value)}: "audit.*" rows are the ledger's`,
      {
        place: { member: 'action' },
      },
    );
  }
  return `"${value}"`;
}

function timeText(name: CallerMember, value: Json, nowMs: number | undefined): string {
  const ms = typeof value === 'string' ? parseRfc3339(value) : undefined;
  if (typeof value !== 'string' || ms === undefined)
    throw wrongType(name, 'an RFC 3339 time such as "2026-04-25T20:09:24.604Z"', value);
  if (name === 'occurred_at' && nowMs !== undefined && ms > nowMs + MAX_AHEAD_MS) {
    throw new LedgerError(
      'CLOCK_AHEAD',
      `expected occurred_at at most 5 minutes ahead of the clock (${formatTime(nowMs)}), found ${formatTime(ms)}`,
      {
        place: { member: name },
        hint: 'check the clocks of this machine and of the source',
      },
    );
  }
  return isStoredTime(value) ? `"${value}"` : `"${formatTime(ms)}"`;
}

function costText(value: Json, row: JsonObject): string {
  const nanos = typeof value === 'number' || typeof value === 'string' ? parseCostNanos(String(value)) : undefined;
  if (nanos === undefined) throw wrongType('cost_usd', 'a decimal of at most 9 places, below 1000000 in size', value);
  if (nanos < 0 && !(REFUNDS.has(row.get('action') as string) && row.has('ref'))) {
    throw new LedgerError('MEMBER_VALUE', `expected a cost of 0 or more, found ${formatNanos(nanos)}`, {
      place: { member: 'cost_usd' },
      hint: 'a negative cost needs action "cost.refund" or "cost.correction" and "ref", the id of the row that it corrects',
    });
  }
  // A double's shortest digits are in plain notation already, but for the smallest costs.
  if (typeof value !== 'number') return formatNanos(nanos);
  const text = String(value);
  return text.includes('e') ? formatNanos(nanos) : text;
}

function reserved(name: string): LedgerError {
  return new LedgerError('MEMBER_RESERVED', `expected members of your own, found "${name}", which the ledger sets`, {
    place: { member: name },
    hint: `remove "${name}", or bring existing rows in with "ledger import"`,
  });
}

function wrongType(name: CallerMember, wanted: string, found: Json): LedgerError {
  const shown = JSON.stringify(found instanceof Map ? {} : found).slice(0, 60);
  const code = kindOf(found) === 'a string' && wanted !== 'an object' ? 'MEMBER_VALUE' : 'MEMBER_TYPE';
  return new LedgerError(
    code,
    `expected "${name}" to be ${wanted}, found ${found instanceof Map ? 'an object' : shown}`,
    { place: { member: name } },
  );
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Map) return 'an object';
  return typeof value === 'string' ? 'a string' : `a ${typeof value}`;
}
