/**
 * `append --enforce`: a row whose cost would pass a cap is not appended; that it was refused is a row. Held against the
 * caps under the lock, row by row, so that what one row of a group takes the next one lacks. Rows without a cost, refunds
 * and duplicates go in as ever.
 *
 * As with a gate nothing spills: a row that waits would be counted by nobody.
 */
import { ROW_KINDS } from '../core/costs';
import { rowKindOf } from '../core/costLine';
import { LedgerError } from '../core/errors';
import type { JsonObject } from '../core/json';
import { parseCostNanos } from '../core/money';
import { parseJson } from '../core/parseJson';
import { refusalText, refusedRow } from '../core/reservation';
import { checkRow } from '../core/row';
import type { CheckedRow } from '../core/row';
import { textMembers } from '../core/capState';
import type { Ask } from '../core/capState';
import { orRefused } from '../store/append/append';
import type { Receipt } from '../store/append/append';
import type { Placer } from '../store/append/placer';
import type { AppendRows } from '../store/append/writer';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { nodeHost } from '../store/machine/nodeHost';
import { spendSoFar } from '../store/spend/currentSpend';
import { Judge } from '../store/spend/judge';
import { checkCaps, spendRequest } from '../store/spend/spendPlan';

/** A row that asks for money. */
interface Costly {
  readonly members: JsonObject;
  readonly ask: Ask;
}

/**
 * Appends under the caps of the config.
 * @throws LedgerError NO_CAPS, CONFIG_INVALID; the function itself as `Writer.appendDecided` does: nothing is stored then
 */
export function underCaps(place: Place): AppendRows {
  const located = locate(place);
  checkCaps(located);
  const host = nodeHost();
  return async (writer, rows) => {
    const costly = rows.map((row) => costlyOf(row));
    const soFar = await spendSoFar(spendRequest(place, located, host.nowMs()));
    return writer.appendDecided(async (ready, placer) => {
      const nowMs = host.nowMs();
      const judge = await Judge.over(spendRequest(place, located, nowMs), ready, soFar);
      await judge.learn(costly.flatMap((one) => one?.ask ?? []));
      judge.keep();
      return rows.map((row, i) => orRefused(() => placeOne(placer, judge, row, costly[i], nowMs)));
    });
  };
}

function placeOne(placer: Placer, judge: Judge, row: CheckedRow, costly: Costly | undefined, nowMs: number): Receipt {
  const key = row.idempotencyKey;
  const isKnown = key !== undefined && placer.keyUse(key) !== undefined;
  // What was allowed already is settled in full.
  const isSettled = key !== undefined && judge.isOpen(key);
  if (costly === undefined || isKnown || isSettled) return placer.placeOne(row);
  const { ask, members } = costly;
  const states = judge.statesFor(ask);
  if (states.every(({ fits }) => fits)) {
    judge.allow(ask);
    return placer.placeOne(row);
  }
  const asked = { members, nanos: ask.nanos, states };
  const { openings } = row;
  const refused = checkRow(refusedRow(asked), { nowMs });
  const { seq } = placer.place(openings === undefined ? refused : { ...refused, openings });
  throw new LedgerError('OVER_CAP', refusalText(asked), {
    place: { member: 'cost_usd' },
    hint: `not appended; row ${seq} says so. "ledger caps" shows what is left`,
  });
}

/** Undefined for a row that takes nothing from a cap. */
function costlyOf({ members: text }: CheckedRow): Costly | undefined {
  if (!text.includes('"cost_usd":')) return undefined;
  const members = parseJson(`{${text}}`) as JsonObject;
  const cost = members.get('cost_usd');
  const nanos = typeof cost === 'number' ? parseCostNanos(String(cost)) : undefined;
  const kind = rowKindOf(members.get('action'), members.get('provenance'));
  if (nanos === undefined || nanos <= 0 || kind > ROW_KINDS.imported) return undefined;
  // The refusal is a row of its own, which nobody signed.
  members.delete('signature');
  return { members, ask: { nanos: BigInt(nanos), members: textMembers(members) } };
}
