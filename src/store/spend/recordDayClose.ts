/**
 * Closes a day: adds up what it cost and says so in a row, once. The files are read before the lock is taken; under it
 * only the rows that came since are added, so the sums are of everything before the row.
 */
import { fstatSync } from 'node:fs';
import type { Calendar, Period } from '../../core/day';
import { closeKey, dayClosedRow, dayCloseOf } from '../../core/dayClose';
import { LedgerError } from '../../core/errors';
import { storedJson } from '../../core/json';
import type { Row } from '../../core/members';
import { allGroups } from '../../core/rollup';
import { checkRow } from '../../core/row';
import { DAY_CLOSED } from '../../core/spendActions';
import { Tally } from '../../core/tally';
import type { TallyPlan, TallySums } from '../../core/tally';
import type { AppendEvents } from '../append/append';
import { Writer } from '../append/writer';
import { readCosts } from '../costs/costs';
import { scanPart } from '../costs/costScan';
import type { LiveEnd } from '../costs/costScan';
import type { ReadyLedger } from '../ledger/ledger';
import type { LocatedLedger } from '../ledger/locate';
import { nodeHost } from '../machine/nodeHost';
import { rowsSince } from '../read/rowsOfAction';

export interface CloseWish {
  readonly located: LocatedLedger;
  readonly calendar: Calendar;
  readonly day: Period;
  /** The members that it is summed up by. */
  readonly by: readonly string[];
  readonly events: AppendEvents;
}

export interface RecordedClose {
  readonly status: 'closed' | 'duplicate';
  readonly seq: number;
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The file was another one, or its end was not whole, each time that it was read. */
const MAX_TRIES = 3;

/**
 * @throws LedgerError LEDGER_BROKEN where lines of the day may be missing, IDEMPOTENCY_CONFLICT where another row has the key,
 *   LEDGER_MISSING, a refusal code, and whatever kept the row from the disk
 */
export async function recordDayClose(wish: CloseWish): Promise<RecordedClose> {
  const { paths, config } = wish.located;
  const [known] = (await rowsSince(paths, DAY_CLOSED, wish.day.endMs)).filter(
    ({ idempotency_key: key }) => key === closeKey(wish.day.label),
  );
  if (known !== undefined) return duplicateOf(known);
  const writer = new Writer({ paths, host: nodeHost(), durability: config.durability, events: wish.events });
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const readings = await readDay(wish);
      const closed = await writer.appendDecided((ready, placer) => {
        const use = placer.keyUse(closeKey(wish.day.label));
        if (use?.stored !== undefined) return Promise.resolve(duplicateOf(use.stored));
        const sums = readings.map((reading) => broughtUp(reading, ready, wish.calendar));
        if (!sums.every((one) => one !== undefined)) return Promise.resolve(undefined);
        const row = rowOf(wish, sums, ready);
        const { seq, id } = placer.place(checkRow(row, { nowMs: ready.host.nowMs() }));
        const payload = JSON.parse(storedJson(row.get('payload') ?? null)) as RecordedClose['payload'];
        return Promise.resolve({ status: 'closed' as const, seq, id, payload });
      });
      if (closed !== undefined) return closed;
    }
  } finally {
    await writer.close();
  }
  throw new LedgerError('READ_FAILED', `expected ${paths.ledger} to stay one file while it is read, found others`);
}

/** @throws LedgerError IDEMPOTENCY_CONFLICT where a row that closes no day has the key */
function duplicateOf(row: Row): RecordedClose {
  const { seq, id, payload } = row;
  if (dayCloseOf(row) !== undefined) return { status: 'duplicate', seq, id, payload: payload ?? {} };
  const key = row.idempotency_key ?? '';
  throw new LedgerError('IDEMPOTENCY_CONFLICT', `expected key "${key}" on a row that closes a day, found row ${seq}`, {
    hint: `look at it: ledger show ${seq}. A key is used once: this day cannot be closed any more`,
  });
}

interface Reading {
  readonly plan: TallyPlan;
  readonly sums: TallySums;
  readonly end: LiveEnd | undefined;
}

/** The sum of the day, and the sums by each member: each is read on its own, as a rollup would. */
async function readDay({ located, calendar, day, by }: CloseWish): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const member of [undefined, ...by]) {
    const plan = {
      sinceMs: day.startMs,
      untilMs: day.endMs,
      nowMs: day.endMs,
      by: member,
      period: undefined,
      caps: [],
    };
    const { sums, end, brokenLines, brokenAt, lostRows } = await readCosts(located.paths, plan, calendar);
    if (brokenLines + lostRows > 0) throw notWhole(brokenLines, lostRows, brokenAt[0]);
    readings.push({ plan, sums, end });
  }
  return readings;
}

function notWhole(broken: number, lost: number, place: { segment: string; offset: number } | undefined): LedgerError {
  const found = broken > 0 ? `${broken} broken line${broken === 1 ? '' : 's'}` : `${lost} rows lost`;
  return new LedgerError('LEDGER_BROKEN', `expected whole rows to add up, found ${found}`, {
    ...(place === undefined ? {} : { place }),
    hint: 'run "ledger sweep": it heals torn lines and names what is gone; then close the day',
  });
}

/** With the rows since; undefined where the file is not the one that was read. */
function broughtUp({ plan, sums, end }: Reading, ready: ReadyLedger, calendar: Calendar): Tally | undefined {
  const { sizeBytes } = ready.tail;
  if (end === undefined || fstatSync(ready.fd).ino !== end.ino || end.bytes > sizeBytes) return undefined;
  const since = scanPart({ fd: ready.fd, from: end.bytes, to: sizeBytes }, plan, calendar);
  if (since.brokenLines > 0 || since.unsettledAt !== undefined) return undefined;
  const tally = new Tally(plan, calendar);
  tally.merge(sums);
  tally.merge(since.sums);
  return tally;
}

function rowOf(
  { calendar, day, by }: CloseWish,
  tallies: readonly Tally[],
  { tail }: ReadyLedger,
): ReturnType<typeof dayClosedRow> {
  const [groups = [], ...parts] = tallies.map((tally) => allGroups(tally.result()));
  const through = { seq: tail.head.seq, hash: tail.head.hash };
  return dayClosedRow({
    period: day,
    calendar,
    through,
    groups,
    by: new Map(by.map((name, i) => [name, parts[i] ?? []])),
  });
}
