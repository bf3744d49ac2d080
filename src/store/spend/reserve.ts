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
import type { JsonObject } from '../../core/json';
import { formatNanos } from '../../core/money';
import { LedgerError } from '../../core/errors';
import { capMember, NOT_ASKED, refusalText, refusedRow, reservedRow } from '../../core/reservation';
import type { Asked, CapMember } from '../../core/reservation';
import { checkRow } from '../../core/row';
import type { CheckedRow } from '../../core/row';
import { SETTLED } from '../../core/spendActions';
import { textMembers } from '../../core/capState';
import type { Ask } from '../../core/capState';
import { formatTime } from '../../core/time';
import type { AppendEvents } from '../append/append';
import { locate } from '../ledger/locate';
import type { LocatedLedger, Place } from '../ledger/locate';
import { presentSegments } from '../ledger/segments';
import { nodeHost } from '../machine/nodeHost';
import { Sealing } from '../sealed/sealing';
import { checkCaps } from './spendPlan';
import { decideUnderCaps } from './underCaps';

export interface ReserveRequest {
  readonly place: Place;
  /** What is said of the spend: who, for whom, in which run, and as `action` what for. */
  readonly members: JsonObject;
  /** What it may cost at most. */
  readonly nanos: bigint;
  readonly ttlMs: number;
  readonly events: AppendEvents;
}

export interface Reserved {
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
 * @throws LedgerError NO_CAPS, LEDGER_BROKEN, a refusal code, and whatever kept the row from the disk: then nothing was
 *   allowed
 */
export async function reserve({ place, members, nanos, ttlMs, events }: ReserveRequest): Promise<Reserved> {
  const located = locate(place);
  const sealing = new Sealing(located);
  checkCaps(located);
  checkScopes(located);
  // A mistyped folder would be a fresh budget.
  presentSegments(located.paths);
  const nowMs = nodeHost().nowMs();
  // What this row, or the one that settles it, would be refused for is to be known before the money is spent.
  checkRow(reservedRow({ members, nanos, states: [] }, nowMs), { nowMs });
  checkRow(new Map([['action', SETTLED], ...members]), { nowMs });
  return decideUnderCaps({ place, located, events }, async ({ judge, nowMs: atMs, placer }) => {
    const ask: Ask = { nanos, members: textMembers(members) };
    await judge.learn([ask]);
    judge.keep();
    const { row, answer } = decide({ members, nanos, states: judge.statesFor(ask) }, atMs, ttlMs);
    const { id, seq } = placer.place(sealing.sealedOwn(row));
    return { ...answer, id, seq };
  });
}

/**
 * A cap that is narrowed to what nobody knows before the money is spent is no cap that a gate can hold.
 * @throws LedgerError CONFIG_INVALID
 */
function checkScopes({ config, configPath }: LocatedLedger): void {
  const names = config.caps.flatMap(({ scope }) => [...scope.keys()]);
  const unknown = names.find((name) => NOT_ASKED.includes(name));
  if (unknown === undefined) return;
  throw new LedgerError('CONFIG_INVALID', `expected caps that a gate can hold, found one on "${unknown}"`, {
    ...(configPath === undefined ? {} : { place: { segment: configPath } }),
    hint: `what a row says of "${unknown}" is known once it is spent: narrow the cap to who, what for or in which run`,
  });
}

interface Decision {
  readonly row: CheckedRow;
  readonly answer: Omit<Reserved, 'id' | 'seq'>;
}

function decide(asked: Asked, nowMs: number, ttlMs: number): Decision {
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
