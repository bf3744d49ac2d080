/** Sums of costs: exact, independent of order, by any member, held against caps to the nano-dollar. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { capsReport } from '../../src/core/capReport';
import { percentOf, useOf } from '../../src/core/caps';
import type { Cap } from '../../src/core/caps';
import { CostLineReader, costRowOf } from '../../src/core/costLine';
import type { CostLineRow } from '../../src/core/costLine';
import { emptyCosts, mergeCosts, ROW_KINDS } from '../../src/core/costs';
import type { CostGroup } from '../../src/core/costs';
import { DAY_MS, HOUR_MS, openZone } from '../../src/core/day';
import { formatNanos, parseCostNanos } from '../../src/core/money';
import { allGroups, burnLine, groupLines, netOf, periodLines, totalOf } from '../../src/core/rollup';
import { MAX_AHEAD_MS } from '../../src/core/row';
import { membersOf, Tally } from '../../src/core/tally';
import { parseRfc3339 } from '../../src/core/time';
import type { TallyPlan, TallySums } from '../../src/core/tally';

const noon = Date.parse('2026-11-21T12:00:00Z');
const midnight = Date.parse('2026-11-21T00:00:00Z');
const calendar = { zone: openZone('UTC'), dayStartMs: 0 };
const PLAN: TallyPlan = {
  sinceMs: -Infinity,
  untilMs: Infinity,
  nowMs: noon,
  by: undefined,
  period: undefined,
  caps: [],
};

type Fields = Readonly<Record<string, unknown>>;

function lineOf(fields: Fields): string {
  return JSON.stringify({ seq: 1, ts: new Date(noon).toISOString(), action: 'a.b', ...fields });
}

function rowOf(fields: Fields, plan: TallyPlan = PLAN): CostLineRow {
  const line = Buffer.from(lineOf(fields));
  const row = new CostLineReader(membersOf(plan)).read(line, 0, line.length);
  return row ?? assert.fail(`broken: ${line.toString()}`);
}

function tally(rows: readonly Fields[], plan: Partial<TallyPlan> = {}): TallySums {
  const whole = { ...PLAN, ...plan };
  const sums = new Tally(whole, calendar);
  for (const row of rows) sums.add(rowOf(row, whole));
  return sums.result();
}

const totalIn = (sums: TallySums): CostGroup => totalOf(allGroups(sums));
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const cap = (usd: string, per: Cap['per'] = 'window', scope: readonly (readonly [string, string])[] = []): Cap => ({
  nanos: BigInt(parseCostNanos(usd) ?? assert.fail(usd)),
  per,
  scope: new Map(scope),
});

/** Adds decimal texts digit by digit, knowing nothing of nano-dollars. */
function decimalSum(texts: readonly string[]): string {
  const scale = 10n ** 9n;
  const units = texts.map((text) => {
    const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
    const size = BigInt(whole) * scale + BigInt(fraction.padEnd(9, '0'));
    return text.startsWith('-') ? -size : size;
  });
  const sum = units.reduce((a, b) => a + b, 0n);
  const size = sum < 0n ? -sum : sum;
  const fraction = (size % scale).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sum < 0n ? '-' : ''}${size / scale}${fraction === '' ? '' : `.${fraction}`}`;
}

const costs = fc
  .record({ whole: fc.integer({ min: 0, max: 999_999 }), places: fc.integer({ min: 0, max: 999_999_999 }) })
  .map(({ whole, places }) => formatNanos(BigInt(whole) * 1_000_000_000n + BigInt(places)));

const anyRow = fc.record(
  {
    cost: costs,
    refund: fc.boolean(),
    agent: fc.constantFrom('coder', 'void', '__proto__', 'constructor', 'toString', ''),
    provenance: fc.constantFrom('live', 'imported', 'sample', 'fallback'),
    hoursLate: fc.integer({ min: 0, max: 50 }),
  },
  { requiredKeys: [] },
);

/** The line as text, so that the cost keeps every digit that a double would round. */
function lineOfAny(row: {
  cost?: string;
  refund?: boolean;
  agent?: string;
  provenance?: string;
  hoursLate?: number;
}): string {
  const { cost, refund, hoursLate, ...members } = row;
  const occurred = hoursLate === undefined ? {} : { occurred_at: new Date(noon - hoursLate * HOUR_MS).toISOString() };
  const text = lineOf({ ...members, ...occurred });
  return cost === undefined ? text : text.replace(/\}$/, `,"cost_usd":${refund && cost !== '0' ? '-' : ''}${cost}}`);
}

test('fifty times 0.10 against 5.00 is at the cap, not over it; floats miss that', () => {
  const total = totalIn(tally(times(50, { cost_usd: 0.1 })));
  assert.equal(formatNanos(netOf(total)), '5');
  assert.deepEqual(useOf(cap('5.00'), netOf(total), [0.5, 0.8, 1]), {
    spentNanos: 5_000_000_000n,
    remainingNanos: 0n,
    percent: '100.00',
    threshold: 1,
    over: false,
  });
  assert.equal(useOf(cap('5.00'), netOf(total) + 1n, []).over, true);
});

test('500 × 0.01 is 5, and a million of the largest costs is exact', () => {
  assert.equal(formatNanos(netOf(totalIn(tally(times(500, { cost_usd: 0.01 }))))), '5');
  const largest = rowOf({ cost_usd: 0 });
  const sums = new Tally(PLAN, calendar);
  for (let i = 0; i < 1_000_000; i++) sums.add({ ...largest, costNanos: 999_999_999_999_999 });
  assert.equal(formatNanos(netOf(totalIn(sums.result()))), '999999999999.999');
});

test('sums are those of an independent decimal sum, in any order and in any two parts', () => {
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 60 }), fc.nat(), (rows, cut) => {
      const plan = { ...PLAN, by: 'agent', period: 'day' as const, caps: [cap('1', 'day', [['agent', '__proto__']])] };
      const read = rows.map((row) => {
        const line = Buffer.from(lineOfAny(row));
        return new CostLineReader(membersOf(plan)).read(line, 0, line.length) ?? assert.fail(line.toString());
      });
      const sumOf = (some: readonly CostLineRow[]): Tally => {
        const sums = new Tally(plan, calendar);
        for (const row of some) sums.add(row);
        return sums;
      };
      const expected = decimalSum(
        rows
          .filter(({ provenance }) => provenance !== 'sample' && provenance !== 'fallback')
          .flatMap(({ cost, refund }) => (cost === undefined ? [] : [refund && cost !== '0' ? `-${cost}` : cost])),
      );
      const whole = sumOf(read).result();
      assert.equal(formatNanos(netOf(totalIn(whole))), expected);
      assert.deepEqual(sorted(sumOf([...read].reverse()).result()), sorted(whole));
      const place = cut % (read.length + 1);
      const parts = sumOf(read.slice(place));
      parts.merge(sumOf(read.slice(0, place)).result());
      assert.deepEqual(sorted(parts.result()), sorted(whole));
    }),
    { numRuns: 200 },
  );
});

/** Groups in the order of their keys, for comparing. */
function sorted(sums: TallySums): unknown {
  const byKey = (a: CostGroup, b: CostGroup): number => String(a.key).localeCompare(String(b.key));
  return {
    ...sums,
    lines: sums.lines.map(({ startMs, groups }) => ({ startMs, groups: [...groups].sort(byKey) })),
    caps: sums.caps.map((spent) => [...spent].sort(([a], [b]) => Number(a) - Number(b))),
  };
}

/** What counts, spelled a second time. */
function groupOfOne(row: CostLineRow, lateAfterMs: number): CostGroup {
  const excluded = row.kind === ROW_KINDS.sample || row.kind === ROW_KINDS.fallback;
  const imported = row.kind === ROW_KINDS.imported;
  const nanos = excluded ? undefined : row.costNanos;
  const refund = nanos !== undefined && nanos < 0;
  return {
    ...emptyCosts(null),
    rows: 1,
    costRows: nanos === undefined ? 0 : 1,
    spentNanos: nanos === undefined || refund ? 0n : BigInt(nanos),
    missingCostRows: !excluded && nanos === undefined ? 1 : 0,
    refundNanos: refund ? BigInt(nanos) : 0n,
    refundRows: refund ? 1 : 0,
    importedNanos: imported && nanos !== undefined ? BigInt(nanos) : 0n,
    importedRows: imported ? 1 : 0,
    excludedRows: excluded ? 1 : 0,
    lateRows: row.tsMs >= lateAfterMs ? 1 : 0,
  };
}

test('a tally is the fold of the groups of its rows: one definition of what counts', () => {
  fc.assert(
    fc.property(fc.array(anyRow, { minLength: 1, maxLength: 30 }), (rows) => {
      const read = rows.map((row) => {
        const line = Buffer.from(lineOfAny(row));
        return new CostLineReader([]).read(line, 0, line.length) ?? assert.fail(line.toString());
      });
      const sums = new Tally(PLAN, calendar);
      for (const row of read) sums.add(row);
      const folded = read
        .map((row) => groupOfOne(row, Math.floor(row.effectiveMs / DAY_MS) * DAY_MS + DAY_MS))
        .reduce(mergeCosts);
      assert.deepEqual(totalIn(sums.result()), folded);
    }),
  );
});

test('a sum beyond 2^63 nano-dollars stays exact', () => {
  const rows = times(10_000, { cost_usd: 999_999.999999999 });
  assert.equal(totalIn(tally(rows, {})).spentNanos, 999_999_999_999_999n * 10_000n);
});

test('a line that is parsed gives what its bytes give', () => {
  const names = ['agent', 'team', '__proto__', 'cost_usd', 'n'];
  const both = (text: string, asked: readonly string[]): boolean => {
    const line = Buffer.from(text);
    const parsed = costRowOf(JSON.parse(text) as Record<string, unknown>, asked);
    if (parsed !== undefined) assert.deepEqual(parsed, new CostLineReader(asked).read(line, 0, line.length), text);
    return parsed !== undefined;
  };
  fc.assert(fc.property(anyRow, (row) => assert(both(lineOfAny(row), ['agent', '__proto__', 'provenance']))));
  for (const more of [
    '"cost_usd":"0.1"',
    '"cost_usd":null',
    '"cost_usd":0.0000000001',
    '"cost_usd":1e6',
    '"cost_usd":-0.5',
    '"cost_usd":0',
    '"occurred_at":"2026-11-20T10:00:00+02:00"',
    '"occurred_at":"yesterday"',
    '"occurred_at":null',
    '"ts":7',
    '"ts":"2026-02-30T00:00:00.000Z"',
    '"action":"audit.heal-truncation"',
    '"action":"audit.tombstone"',
    '"team":{"x":[1,null,"\\u00e9"]},"n":-7',
    '"team":null,"n":true',
    '"__proto__":"x"',
    '"provenance":7',
  ])
    both(lineOf({ agent: 'a' }).replace(/\}$/, `,${more}}`), names);
});

test('group keys named like what every object has are keys like any other', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const rows = names.flatMap((agent) => times(3, { agent, cost_usd: 0.5 }));
  const lines = groupLines(allGroups(tally(rows, { by: 'agent' })));
  assert.deepEqual(lines.map(({ key, spent_usd }) => [key, spent_usd]).sort(), names.map((key) => [key, '1.5']).sort());
  const own = Buffer.from(lineOf({ cost_usd: 1 }).replace('{', '{"__proto__":"x",'));
  assert.deepEqual(new CostLineReader(['__proto__', 'constructor']).read(own, 0, own.length)?.members, ['x', null]);
  assert.equal(({} as Record<string, unknown>)['n'], undefined);
});

test('any member groups, also extra ones; a missing one is not a value of that name', () => {
  const rows = [{ team: 'a' }, { team: 7 }, { team: { x: 1 } }, { team: '(none)' }, {}];
  const groups = groupLines(allGroups(tally(rows, { by: 'team' })));
  assert.deepEqual(
    groups.map(({ key }) => key),
    ['(none)', '7', 'a', '{"x":1}', null],
  );
});

test('a late row counts in its own day and is named late; one of the same day is not', () => {
  const rows = [
    { occurred_at: '2026-11-20T23:59:59.999Z', cost_usd: 1 },
    { occurred_at: '2026-11-21T00:00:00.000Z', cost_usd: 2 },
  ];
  const sums = tally(rows, { period: 'day' });
  const days = periodLines({ ...PLAN, period: 'day' }, sums, calendar);
  assert.deepEqual(
    days.map(({ label, spent_usd, late_rows }) => [label, spent_usd, late_rows]),
    [
      ['2026-11-20', '1', 1],
      ['2026-11-21', '2', 0],
    ],
  );
});

test('missing costs, refunds, imported and sample rows stand apart; the ledger’s own rows are no rows of yours', () => {
  const total = totalIn(
    tally([
      { cost_usd: 2 },
      {},
      { cost_usd: -0.5, action: 'cost.refund', ref: 'x' },
      { cost_usd: 1, provenance: 'imported' },
      { cost_usd: 100, provenance: 'sample' },
      { cost_usd: 100, provenance: 'fallback' },
      { action: 'audit.heal-truncation', cost_usd: 100 },
    ]),
  );
  assert.deepEqual(total, {
    key: null,
    rows: 6,
    costRows: 3,
    spentNanos: 3_000_000_000n,
    missingCostRows: 1,
    refundNanos: -500_000_000n,
    refundRows: 1,
    importedNanos: 1_000_000_000n,
    importedRows: 1,
    excludedRows: 2,
    lateRows: 0,
  });
});

test('a cost that is no amount is counted as missing, and told', () => {
  const sums = tally([{ cost_usd: '1' }, { cost_usd: null }, { cost_usd: 1e6 }, { cost_usd: 1e-10 }, { cost_usd: 1 }]);
  assert.equal(sums.unreadableCosts, 4);
  assert.equal(totalIn(sums).missingCostRows, 4);
});

/** Of a row whose `ts` is noon; undefined where it is broken. */
function effectiveMsOf(row: Fields): number | undefined {
  if (!Object.hasOwn(row, 'occurred_at')) return noon;
  const occurred = row['occurred_at'];
  return typeof occurred === 'string' ? parseRfc3339(occurred) : undefined;
}

test('the reader of bytes sees what JSON.parse sees, also in lines that no writer of ours spells', () => {
  const names = ['agent', 'x', '__proto__', 'a"b', 'é'];
  const times = ['2026-11-21T10:00:00.000Z', '2026-11-21T10:00:00+02:00', '2026-02-30T00:00:00.000Z', '2026-11-21'];
  const values = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(...times));
  const keys = fc.constantFrom(...names, 'cost_usd', 'occurred_at', 'payload', 'hash', 'nonce', 'y');
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, values), { maxLength: 8 }), fc.nat(2), (pairs, style) => {
      const ts = `"ts":${JSON.stringify(new Date(noon).toISOString())}`;
      const spaces = style === 1 ? ' ' : '';
      const escape = (text: string): string =>
        style === 2 ? text.replace(/[a-z]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`) : text;
      const members = pairs.map(
        ([k, v]) => `"${escape(JSON.stringify(k).slice(1, -1))}"${spaces}:${spaces}${JSON.stringify(v)}`,
      );
      const line = `{${[ts, ...members].join(`,${spaces}`)}}`;
      const bytes = Buffer.from(line);
      const row = new CostLineReader(names).read(bytes, 0, bytes.length);
      const parsed = JSON.parse(line) as Record<string, unknown>;
      assert.equal(row?.effectiveMs, effectiveMsOf(parsed));
      if (row === undefined) return;
      const expected = names.map((name) => {
        const value = Object.hasOwn(parsed, name) ? parsed[name] : undefined;
        return value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);
      });
      assert.deepEqual(row.members, expected);
      assert.equal(row.tsMs, noon);
    }),
    { numRuns: 500 },
  );
});

test('a line cut anywhere is broken, and so is one with zeros, two objects, or no time', () => {
  const line = Buffer.from(lineOf({ agent: 'a', cost_usd: 0.5, payload: { a: ['}', { b: '\\"' }] } }));
  const reader = new CostLineReader(['agent']);
  for (let length = 0; length < line.length; length++)
    assert.equal(reader.read(line.subarray(0, length), 0, length), undefined);
  const broken = [
    '{}',
    '[]',
    '1',
    '',
    '{"ts":"2026-02-30T00:00:00.000Z"}',
    '{"ts":"2026-11-21T1x:00:00.000Z"}',
    `${line.toString()}{}`,
    `${line.toString()}\0`,
    line.toString().replace('0.5', '0.5.5'),
  ];
  for (const text of broken) assert.equal(reader.read(Buffer.from(text), 0, Buffer.byteLength(text)), undefined, text);
});

test('parse and format of money are inverses', () => {
  fc.assert(
    fc.property(fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }), (nanos) => {
      assert.equal(parseCostNanos(formatNanos(nanos)), nanos);
      const line = Buffer.from(`{"ts":"2026-11-21T12:00:00.000Z","cost_usd":${formatNanos(nanos)}}`);
      assert.equal(new CostLineReader([]).read(line, 0, line.length)?.costNanos, nanos);
    }),
  );
});

const DAY = { ...PLAN, sinceMs: midnight, untilMs: midnight + DAY_MS };

function judged(caps: readonly Cap[], rows: readonly Fields[], plan: TallyPlan = DAY): ReturnType<typeof capsReport> {
  const whole = { ...plan, caps };
  return capsReport(
    { plan: whole, calendar, thresholds: [0.5, 0.8, 1], overrides: [] },
    tally(rows, whole).caps,
    undefined,
  );
}

test('a cap is judged in whole periods only; part of a week says nothing about the week', () => {
  const rows = [{ cost_usd: 3, agent: 'coder', run_id: 'r1' }];
  const caps = [
    cap('5', 'day'),
    cap('2', 'day', [['agent', 'coder']]),
    cap('2', 'day', [['agent', 'x']]),
    cap('3', 'hour'),
    cap('1', 'week'),
    cap('1', 'month'),
    cap('2.99', 'run'),
    cap('1', 'rolling_24h'),
  ];
  const report = judged(caps, rows);
  assert.deepEqual(
    report.caps.map(({ cap_usd, per, over, periods }) => [cap_usd, per, over, periods[0]?.spent_usd]),
    [
      ['5', 'day', 0, '3'],
      ['2', 'day', 1, '3'],
      ['2', 'day', 0, '0'],
      ['3', 'hour', 0, '3'],
      ['2.99', 'run', 1, '3'],
    ],
  );
  assert.deepEqual(
    report.caps_not_judged.map(({ per }) => per),
    ['week', 'month', 'rolling_24h'],
  );
  assert.equal(report.over_cap, true);
});

test('half a day is not held against a cap per day, since the other half may be refunds, and is named', () => {
  const day = (n: number): string => new Date(midnight + n * DAY_MS).toISOString().slice(0, 10);
  const plan = { ...PLAN, sinceMs: midnight - 3 * DAY_MS + 1, untilMs: midnight - 1 };
  const at = (ms: number): string => new Date(ms).toISOString();
  const rows = [
    { cost_usd: 9, occurred_at: at(midnight - 3 * DAY_MS + 2) },
    { cost_usd: 1, occurred_at: at(midnight - 2 * DAY_MS) },
  ];
  const report = judged([cap('3', 'day')], rows, plan);
  assert.deepEqual([report.caps[0]?.judged, report.over_cap], [1, false]);
  const parts = `${day(-3)} (9 USD in it) and ${day(-1)} (0 USD in it)`;
  assert.deepEqual(
    report.caps_not_judged.map(({ why }) => why),
    [`the window holds only a part of ${parts}`],
  );
  const half = judged([cap('1', 'day')], [{ cost_usd: 3 }], { ...DAY, sinceMs: midnight + 1 });
  assert.deepEqual([half.caps.length, half.over_cap, half.caps_not_judged.length], [0, false, 1]);
});

test('the last 24 hours are judged where the window holds them, from a whole minute on', () => {
  const plan = { ...PLAN, sinceMs: noon - 2 * DAY_MS, nowMs: noon + 59_999 };
  const rows = [1, 0, -1].map((ms) => ({ cost_usd: 1, occurred_at: new Date(noon - DAY_MS + ms).toISOString() }));
  assert.equal(judged([cap('1', 'rolling_24h')], rows, plan).caps[0]?.periods[0]?.spent_usd, '2');
});

test('the last 24 hours end now: what is dated later has yet to be spent, unless a clock was ahead', () => {
  const at = (ms: number): Fields => ({ cost_usd: 1, occurred_at: new Date(ms).toISOString() });
  const rows = [at(noon), at(noon + MAX_AHEAD_MS), at(noon + MAX_AHEAD_MS + 1), at(Date.UTC(2030, 0, 1))];
  for (const untilMs of [Infinity, noon + DAY_MS]) {
    const plan = { ...PLAN, sinceMs: noon - 2 * DAY_MS, untilMs };
    assert.equal(judged([cap('5', 'rolling_24h')], rows, plan).caps[0]?.periods[0]?.spent_usd, '2');
  }
});

test('every exceeded period is named, and a quiet one that is running', () => {
  const rows = [1, 2, 3].map((days) => ({ cost_usd: 2, occurred_at: new Date(noon - days * DAY_MS).toISOString() }));
  const line = judged([cap('1', 'day')], rows, PLAN).caps[0];
  assert.deepEqual([line?.judged, line?.over], [4, 3]);
  assert.deepEqual(
    line?.periods.map(({ label, over }) => [label, over]),
    [
      ['2026-11-18', true],
      ['2026-11-19', true],
      ['2026-11-20', true],
      ['2026-11-21', false],
    ],
  );
});

test('burn rate and forecast stay silent until there is enough to say', () => {
  const rates = (rows: number, plan: TallyPlan): unknown =>
    burnLine(plan, totalIn(tally(times(rows, { cost_usd: 0.6 }), plan)));
  assert.deepEqual(rates(10, DAY), { burn_usd_per_hour: '0.5', forecast_usd: '12' });
  const silent = { burn_usd_per_hour: null, forecast_usd: null };
  assert.deepEqual(rates(4, DAY), silent);
  assert.deepEqual(rates(10, { ...DAY, nowMs: midnight + HOUR_MS - 1 }), silent);
  assert.deepEqual(rates(10, { ...DAY, sinceMs: -Infinity }), silent);
  assert.deepEqual(rates(10, { ...DAY, nowMs: midnight + 2 * DAY_MS }), {
    burn_usd_per_hour: '0.25',
    forecast_usd: null,
  });
});

test('per cents are cut, never rounded up to a cap that was not reached', () => {
  assert.equal(percentOf(4_999_999_999n, 5_000_000_000n), '99.99');
  assert.equal(percentOf(-1n, 3n), '-33.33');
  assert.equal(percentOf(1n, 0n), null);
});
