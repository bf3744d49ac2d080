/** What a gate is answered from, held against a second way of adding up: all rows, every time. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { unitsOf } from '../../src/core/caps';
import type { Cap } from '../../src/core/caps';
import { periodAt } from '../../src/core/day';
import type { Calendar, PeriodUnit } from '../../src/core/day';
import type { Row } from '../../src/core/members';
import { formatNanos } from '../../src/core/money';
import { MAX_OVERRIDE_MS, overrideRow } from '../../src/core/override';
import { closingKey } from '../../src/core/reservation';
import { neededSince } from '../../src/core/spendSince';
import { Spend } from '../../src/core/spend';
import { inForce } from '../../src/core/capState';
import type { Ask } from '../../src/core/capState';
import { formatTime, parseRfc3339 } from '../../src/core/time';
import { zoneNamed } from '../../src/store/machine/hostZone';

const cap = (usd: number, per: Cap['per'], scope: Record<string, string> = {}): Cap => ({
  nanos: BigInt(Math.round(usd * 1e9)),
  per,
  scope: new Map(Object.entries(scope)),
});

const CAPS: readonly Cap[] = [
  cap(5, 'day'),
  cap(2, 'day', { agent: 'coder' }),
  cap(1, 'hour', { action: 'model.call' }),
  cap(20, 'week'),
  cap(60, 'month', { customer_id: 'c1' }),
  cap(4, 'rolling_24h'),
  cap(0.5, 'run'),
  cap(0.4, 'run', { agent: 'coder' }),
];

const calendar: Calendar = { zone: zoneNamed('Europe/Berlin', {}), dayStartMs: 4 * 3_600_000 };
const START = Date.parse('2026-10-24T00:00:00.000Z');
const SINCE = { seq: 0, hash: '0'.repeat(64), bytes: 0 };

const periodOf = (unit: PeriodUnit, ms: number) => periodAt(calendar, unit, ms);

/** As a gate begins that finds nothing stored: without the rows, and since when it needs them. */
function beginning(caps: readonly Cap[], nowMs: number): { readonly spend: Spend; readonly sinceMs: number } {
  const periods = unitsOf(caps).map((unit) => periodAt(calendar, unit, nowMs));
  const sinceMs = neededSince(caps, nowMs, periods);
  return { spend: Spend.empty(caps, SINCE, sinceMs, periods), sinceMs };
}

interface Step {
  readonly kind: 'spend' | 'reserve' | 'close' | 'import' | 'sample' | 'refund' | 'raise' | 'end';
  readonly nanos: number;
  readonly aheadMs: number;
  readonly agent: string | undefined;
  readonly run: string | undefined;
  readonly action: string;
  readonly customer: string | undefined;
  readonly ttlMs: number;
  /** How long an override lasts. */
  readonly raisedMs: number;
  readonly which: number;
  readonly saved: boolean;
}

const maybe = (...names: string[]) => fc.constantFrom<string | undefined>(undefined, ...names);
const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('spend', 'reserve', 'close', 'import', 'sample', 'refund', 'raise', 'end'),
    nanos: fc.integer({ min: 0, max: 2_000_000_000 }),
    // Mostly a little later, at times days, and now and then the clock goes back.
    aheadMs: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 3_600_000 }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 * 86_400_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: -3 * 86_400_000, max: 0 }) },
    ),
    agent: maybe('coder', 'writer'),
    run: maybe('r1', 'r2', 'r3'),
    action: fc.constantFrom('model.call', 'tool.used'),
    customer: maybe('c1', 'c2'),
    ttlMs: fc.integer({ min: 1000, max: 86_400_000 }),
    raisedMs: fc.oneof(fc.integer({ min: 1, max: 7_200_000 }), fc.integer({ min: 1, max: 40 * 86_400_000 })),
    which: fc.nat(CAPS.length - 1),
    saved: fc.boolean(),
  }),
  { maxLength: 40 },
);

/** The row of a step. `made`: the reservations before it. */
function rowOf(step: Step, seq: number, ms: number, made: readonly string[], runs: Map<string, number>): Row {
  const id = `01${String(seq).padStart(24, '0')}`;
  const run = step.run === undefined ? {} : { run_id: step.run, run_seq: (runs.get(step.run) ?? 0) + 1 };
  if (step.run !== undefined) runs.set(step.run, (runs.get(step.run) ?? 0) + 1);
  const cost = step.kind === 'refund' ? -step.nanos : step.nanos;
  const asked = { est_usd: formatNanos(step.nanos), for: step.action, expires_at: formatTime(ms + step.ttlMs) };
  const open = made[step.which];
  return {
    seq,
    ts: formatTime(ms),
    id,
    by: '',
    nonce: '',
    prev_hash: '',
    hash: String(seq),
    ...run,
    ...(step.agent === undefined ? {} : { agent: step.agent }),
    ...(step.customer === undefined ? {} : { customer_id: step.customer }),
    ...(step.kind === 'import' ? { provenance: 'imported' as const } : {}),
    ...(step.kind === 'sample' ? { provenance: 'sample' as const } : {}),
    ...(step.kind === 'close' && open !== undefined ? { idempotency_key: closingKey(open) } : {}),
    ...bodyOf(step, ms, asked, cost),
  };
}

function bodyOf(
  step: Step,
  ms: number,
  asked: Row['payload'],
  cost: number,
): Pick<Row, 'action' | 'cost_usd' | 'payload'> {
  if (step.kind === 'reserve') return { action: 'spend.reserved', ...(asked && { payload: asked }) };
  if (step.kind !== 'raise' && step.kind !== 'end') return { action: step.action, cost_usd: Number(formatNanos(cost)) };
  const raise = { nanos: step.kind === 'raise' ? BigInt(step.nanos) * 4n : undefined, untilMs: ms + step.raisedMs };
  const row = overrideRow(CAPS[step.which] as Cap, step.kind === 'end' ? { ...raise, untilMs: ms } : raise, new Map());
  return { action: 'spend.override', payload: Object.fromEntries(row.get('payload') as Map<string, string>) };
}

/** In how many rows it was spent, for a cap of a calendar period. */
function rowsCounted(one: Cap, rows: readonly Row[], nowMs: number): number {
  if (one.per === 'run' || one.per === 'rolling_24h') return 0;
  const { startMs } = periodAt(calendar, one.per as PeriodUnit, nowMs);
  const counts = rows.filter((row) => row.provenance !== 'sample' && row.cost_usd !== undefined && matches(one, row));
  return counts.filter(({ ts }) => (parseRfc3339(ts) as number) >= startMs).length;
}

/** How high a cap is at a moment, from all rows. */
function heightOf(one: Cap, rows: readonly Row[], nowMs: number): bigint {
  const said = rows.findLast(
    ({ action, payload }) =>
      action === 'spend.override' &&
      payload?.['usd'] === formatNanos(one.nanos) &&
      payload['per'] === one.per &&
      matches(one, payload) &&
      Object.keys(payload).filter((name) => !PLAIN.includes(name)).length === one.scope.size,
  );
  const fromMs = parseRfc3339(said?.ts ?? '') ?? Infinity;
  const saidMs = parseRfc3339(String(said?.payload?.['raised_until'])) ?? 0;
  const holds = nowMs >= fromMs && nowMs < Math.min(saidMs, fromMs + 31 * 86_400_000);
  const to = BigInt(Math.round(Number(said?.payload?.['raised_to_usd'] ?? 0) * 1e9));
  return holds && to > one.nanos ? to : one.nanos;
}

const PLAIN = ['usd', 'per', 'raised_to_usd', 'raised_until'];

const nanosOf = (row: Row): bigint => BigInt(Math.round((row.cost_usd ?? 0) * 1e9));
const matches = ({ scope }: Cap, of: Readonly<Record<string, unknown>>): boolean =>
  [...scope].every(([name, value]) => of[name] === value);

/** Spent and reserved under one cap, from all rows. */
function summed(one: Cap, rows: readonly Row[], ask: Ask, nowMs: number): readonly [bigint, bigint] {
  const run = ask.members['run_id'];
  const since = {
    run: -Infinity,
    rolling_24h: Math.floor((nowMs - 86_400_000) / 60_000) * 60_000,
    window: NaN,
  } as Record<string, number>;
  const from = since[one.per] ?? periodAt(calendar, one.per as PeriodUnit, nowMs).startMs;
  const counts = rows.filter(
    (row) =>
      row.provenance !== 'sample' &&
      row.cost_usd !== undefined &&
      (parseRfc3339(row.ts) as number) >= from &&
      matches(one, row) &&
      (one.per !== 'run' || row.run_id === run),
  );
  const closed = new Set(rows.filter((row) => row.provenance !== 'sample').map((row) => row.idempotency_key));
  const open = rows.filter(
    (row) =>
      row.action === 'spend.reserved' &&
      !closed.has(closingKey(row.id)) &&
      (parseRfc3339(String(row.payload?.['expires_at'])) as number) > nowMs &&
      matches(one, { ...row, action: row.payload?.['for'] }) &&
      (one.per !== 'run' || row.run_id === run),
  );
  const reserved = open.map((row) => BigInt(Math.round(Number(row.payload?.['est_usd']) * 1e9)));
  const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, one_) => total + one_, 0n);
  return [sum(counts.map(nanosOf)), sum(reserved)];
}

test('whatever comes in whatever order, what a gate is told is what all rows add up to', () => {
  fc.assert(
    fc.property(steps, fc.subarray([...CAPS], { minLength: 1 }), (all, caps) => {
      let nowMs = START;
      const rows: Row[] = [];
      const made: string[] = [];
      const runs = new Map<string, number>();
      const build = (): Spend => {
        const { spend: fresh, sinceMs } = beginning(caps, nowMs);
        // Only from where a gate begins to read: at the first row since, and ids grow though a clock may go back.
        const from = rows.findIndex((row) => (parseRfc3339(row.ts) as number) >= sinceMs);
        const older = rows.findIndex((row) => (parseRfc3339(row.ts) as number) >= sinceMs - MAX_OVERRIDE_MS);
        if (older >= 0) for (const row of rows.slice(older, from < 0 ? undefined : from)) fresh.addOlder(row);
        for (const row of from < 0 ? [] : rows.slice(from)) fresh.add(row, 0);
        return fresh;
      };
      let spend = build();
      for (const step of all) {
        nowMs += step.aheadMs;
        // As a gate does: first the periods of now, then the rows since.
        if (spend.moveTo(nowMs, periodOf) === 'lost') spend = build();
        const row = rowOf(step, rows.length + 1, nowMs, made, runs);
        if (step.kind === 'reserve') made.push(row.id);
        rows.push(row);
        spend.add(row, 0);
        if (step.saved)
          spend = Spend.fromRecord(
            caps,
            JSON.parse(JSON.stringify(spend.toRecord(nowMs))) as ReturnType<Spend['toRecord']>,
          );
        const members = { agent: step.agent, run_id: step.run, action: step.action, customer_id: step.customer };
        const given = Object.entries(members).filter((pair): pair is [string, string] => pair[1] !== undefined);
        const ask: Ask = { nanos: BigInt(step.nanos), members: Object.fromEntries(given) };
        const unknown = spend.lacksRun(ask);
        if (unknown !== undefined)
          spend.setRun(
            unknown,
            caps.map((one) => (one.per === 'run' ? summed(one, rows, ask, nowMs)[0] : undefined)),
          );
        assert.equal(spend.lacksRun(ask), undefined);
        for (const state of spend.statesFor(ask, nowMs)) {
          const [spent, reserved] = summed(state.cap, rows, ask, nowMs);
          assert.equal(state.spentNanos, spent, `spent per ${state.cap.per}`);
          assert.equal(state.costRows, rowsCounted(state.cap, rows, nowMs), `rows per ${state.cap.per}`);
          assert.equal(state.reservedNanos, reserved, `reserved per ${state.cap.per}`);
          // Money that came back makes no room for more than the cap.
          const height = heightOf(state.cap, rows, nowMs);
          assert.equal(inForce(state).nanos, height, `height per ${state.cap.per}`);
          assert.equal(state.fits, (spent > 0n ? spent : 0n) + reserved + ask.nanos <= height);
        }
        const applying = caps.filter(
          (one) => matches(one, ask.members) && (one.per !== 'run' || step.run !== undefined),
        );
        assert.deepEqual(
          spend.statesFor(ask, nowMs).map((state) => state.cap),
          applying,
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('50 × 0.10 fills a cap of 5.00 to the nano-dollar, and one nano more does not fit', () => {
  const spend = beginning([cap(5, 'day')], START).spend;
  const none = new Map<string, number>();
  const step = { kind: 'spend', agent: undefined, run: undefined, action: 'a', customer: undefined } as const;
  const rest = { ttlMs: 1000, raisedMs: 1, which: 0, saved: false, aheadMs: 0 };
  for (let i = 1; i < 50; i++) spend.add(rowOf({ ...step, ...rest, nanos: 1e8 }, i, START, [], none), 0);
  const fits = (nanos: bigint): boolean | undefined => spend.statesFor({ nanos, members: {} }, START)[0]?.fits;
  assert.equal(fits(100_000_000n), true);
  assert.equal(fits(100_000_001n), false);
});

test('500 × 0.01 fills a cap of 5.00 as exactly', () => {
  const spend = beginning([cap(5, 'day')], START).spend;
  const none = new Map<string, number>();
  const step = { kind: 'spend', agent: undefined, run: undefined, action: 'a', customer: undefined } as const;
  const rest = { ttlMs: 1000, raisedMs: 1, which: 0, saved: false, aheadMs: 0 };
  for (let i = 1; i <= 500; i++) spend.add(rowOf({ ...step, ...rest, nanos: 1e7 }, i, START, [], none), 0);
  const state = spend.statesFor({ nanos: 0n, members: {} }, START)[0];
  assert.deepEqual([state?.spentNanos, state?.fits], [5_000_000_000n, true]);
  assert.equal(spend.statesFor({ nanos: 1n, members: {} }, START)[0]?.fits, false);
});

test('of many runs none is forgotten before it was asked about', () => {
  const caps = [cap(0.5, 'run')];
  const { spend } = beginning(caps, START);
  const none = new Map<string, number>();
  const rest = {
    kind: 'spend',
    agent: undefined,
    action: 'a',
    customer: undefined,
    ttlMs: 1,
    raisedMs: 1,
    which: 0,
    saved: false,
    aheadMs: 0,
  } as const;
  for (let i = 1; i <= 2000; i++) spend.add(rowOf({ ...rest, run: `r${i}`, nanos: 4e8 }, i, START, [], none), 0);
  const ask: Ask = { nanos: 2n * 100_000_000n, members: { run_id: 'r1' } };
  const kept = Spend.fromRecord(caps, spend.toRecord(START));
  assert.equal(spend.statesFor(ask, START)[0]?.fits, false);
  assert.equal(kept.lacksRun(ask), 'r1');
  assert.throws(() => kept.statesFor(ask, START), /before it was learned/);
  assert.equal(kept.lacksRun({ ...ask, members: { run_id: 'r2000' } }), undefined);
});

test('a run whose first row was not seen is asked for', () => {
  const caps = [cap(1, 'run'), cap(5, 'day'), cap(1, 'run', { agent: 'coder' })];
  const spend = beginning(caps, START).spend;
  const ask = { nanos: 1n, members: { run_id: 'old', agent: 'coder' } };
  assert.equal(spend.lacksRun(ask), 'old');
  assert.equal(spend.lacksRun({ nanos: 1n, members: { agent: 'coder' } }), undefined);
  spend.setRun('old', [400_000_000n, undefined, 300_000_000n]);
  assert.equal(spend.lacksRun(ask), undefined);
  assert.deepEqual(
    spend.statesFor(ask, START).map(({ spentNanos }) => spentNanos),
    [400_000_000n, 0n, 300_000_000n],
  );
});
