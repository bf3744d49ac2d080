/**
 * May this be spent? Every cap that applies is held against what was spent and what is promised, and the answer is a row:
 * the reservation, or the refusal. Both are made under one lock, so that of any number of callers none is told yes twice.
 *
 *   1. before the lock: the sums, up to the end of the file
 *   2. under it: what waited is chained, the sums are brought up to the last row
 *   3. spent + reserved + asked ≤ every cap  ⇔  allowed
 *   4. the row is written and synced; then it counts, and the lock is let go
 *
 * What cannot be looked up, written or synced is not allowed: a gate never spills.
 */
import { completeRow, environmentDefaults } from '../core/defaults';
import { LedgerError } from '../core/errors';
import type { JsonObject } from '../core/json';
import { formatNanos, parseCostNanos } from '../core/money';
import { capMember, checkAsked, MAX_TTL_MS, refusalText, refusedRow, reservedRow } from '../core/reservation';
import type { Asked, CapMember } from '../core/reservation';
import { checkRow } from '../core/row';
import type { CheckedRow } from '../core/row';
import { textMembers } from '../core/spend';
import type { Ask } from '../core/spend';
import { formatTime } from '../core/time';
import type { AppendEvents } from '../store/append/append';
import { Writer } from '../store/append/writer';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { nodeHost } from '../store/machine/nodeHost';
import { Judge } from '../store/spend/judge';
import { checkCaps, spendRequest } from './caps';

export interface GateRequest {
  readonly place: Place;
  /** What is said of the spend: who, for whom, in which run, and as `action` what for. */
  readonly flags: JsonObject;
  /** What it may cost at most, as typed: "0.50". */
  readonly estUsd: string;
  /** How long the reservation lasts. */
  readonly ttlMs: number;
  readonly events: AppendEvents;
}

export interface GateResult {
  readonly allowed: boolean;
  /** The id of the row: of the reservation, or of the refusal. */
  readonly id: string;
  readonly seq: number;
  readonly est_usd: string;
  /** Until when the reservation holds; null for a refusal. */
  readonly expires_at: string | null;
  /** The caps that apply, as they stood before. */
  readonly caps: readonly CapMember[];
  /** Why not, in words; null where it is allowed. */
  readonly refusal: string | null;
}

/**
 * @throws LedgerError USAGE, NO_CAPS, LEDGER_BROKEN, and whatever kept the row from the disk: then nothing was allowed
 */
export async function gate(request: GateRequest): Promise<GateResult> {
  const nanos = estimateOf(request.estUsd);
  checkAsked(request.flags);
  checkTtl(request.ttlMs);
  const located = locate(request.place);
  checkCaps(located);
  const host = nodeHost();
  const members = membersOf(request);
  // What the row would be refused for is to be known before anybody waits.
  checkRow(reservedRow({ members, nanos, states: [] }, host.nowMs()), { nowMs: host.nowMs() });
  const soFar = await Judge.prepare(spendRequest(request.place, located, host.nowMs()));
  const { paths, config } = located;
  const writer = new Writer({ paths, host, durability: config.durability, events: request.events });
  try {
    return await writer.appendDecided(async (ready, placer) => {
      const nowMs = host.nowMs();
      const judge = await Judge.over(spendRequest(request.place, located, nowMs), ready, soFar);
      const ask: Ask = { nanos, members: textMembers(members) };
      await judge.learn([ask]);
      const { row, answer } = decide(request, { members, nanos, states: judge.statesFor(ask) }, nowMs);
      const { id, seq } = placer.place(row);
      return { ...answer, id, seq };
    });
  } finally {
    await writer.close();
  }
}

interface Decision {
  readonly row: CheckedRow;
  readonly answer: Omit<GateResult, 'id' | 'seq'>;
}

function decide({ ttlMs }: GateRequest, asked: Asked, nowMs: number): Decision {
  const { nanos, states } = asked;
  const allowed = states.every(({ fits }) => fits);
  const expiresMs = nowMs + ttlMs;
  return {
    row: checkRow(allowed ? reservedRow(asked, expiresMs) : refusedRow(asked), { nowMs }),
    answer: {
      allowed,
      est_usd: formatNanos(nanos),
      expires_at: allowed ? formatTime(expiresMs) : null,
      caps: states.map(capMember),
      refusal: allowed ? null : refusalText(asked),
    },
  };
}

/** The row's members, with what the environment says of the one who asks; a run's own defaults as well. */
function membersOf({ place, flags }: GateRequest): JsonObject {
  const members = completeRow(new Map(), flags, environmentDefaults(place.env));
  // What the environment says of costs and moments is not of this row.
  for (const name of ['cost_usd', 'occurred_at', 'ref', 'provenance']) members.delete(name);
  return members;
}

function estimateOf(text: string): bigint {
  const nanos = parseCostNanos(text);
  if (nanos !== undefined && nanos >= 0) return BigInt(nanos);
  throw new LedgerError('USAGE', `expected --est to be an amount in USD such as 0.50, found ${JSON.stringify(text)}`, {
    hint: 'say what it may cost at most: at most 9 places, below 1000000',
  });
}

function checkTtl(ms: number): void {
  if (ms >= 1000 && ms <= MAX_TTL_MS) return;
  throw new LedgerError('USAGE', `expected --ttl from 1 second to 24 hours, found ${ms / 1000} seconds`, {
    hint: 'for instance --ttl 90s, --ttl 10m, --ttl 2h',
  });
}
