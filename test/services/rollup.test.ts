/** `ledger rollup` over real files: with an index, without, with one that lags; torn tails; exit codes. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  readFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import fc from 'fast-check';
import { registerRollup } from '../../src/cli/commands/rollup';
import type { Io } from '../../src/cli/io';
import { addGlobalFlags } from '../../src/cli/options';
import { openZone } from '../../src/core/day';
import { LedgerError } from '../../src/core/errors';
import type { RollupReport } from '../../src/core/rollup';
import { rollup } from '../../src/services/rollup';
import type { RollupOptions } from '../../src/services/rollup';
import { scanCosts } from '../../src/store/costs/costPool';
import { scanPart } from '../../src/store/costs/costScan';
import { rebuildIndex } from '../../src/store/index/indexBuild';
import { openDatabase } from '../../src/store/index/sqlite';
import type { StatePaths } from '../../src/store/paths';
import { chainOf, makeLedger, testPaths, writeLedger } from '../support/ledgers';

const HOUR_MS = 3_600_000;
const noon = Date.parse('2026-11-21T11:00:00Z');

/** A state folder in a folder of its own, so that the config has a place beside it. */
function folder(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'ledger-rollup-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'state');
}

function config(dir: string, settings: object): void {
  writeFileSync(join(dirname(dir), 'ledger.config.json'), `// for a test\n${JSON.stringify(settings)}`);
}

function roll(dir: string, options: Partial<RollupOptions> = {}): Promise<RollupReport> {
  const env = { XDG_STATE_HOME: join(dir, '.home'), TZ: 'UTC' };
  return rollup({ nowMs: noon, tz: 'UTC', ...options, place: { dir, configPath: undefined, env } });
}

/** Rows of five days, of every sort that counts or does not, some late. */
function mixedRows(count: number): Record<string, unknown>[] {
  const start = noon - 5 * 24 * HOUR_MS;
  return Array.from({ length: count }, (_, i) => ({
    action: i % 13 === 5 ? 'cost.refund' : 'tool.executed',
    agent: ['coder', 'void', '__proto__'][i % 3],
    ...(i % 4 === 0 ? {} : { model: `m${i % 2}` }),
    run_id: `r${i % 7}`,
    team: `t${i % 5}`,
    ...(i % 13 === 5 ? { cost_usd: -0.001, ref: 'x' } : i % 6 === 0 ? {} : { cost_usd: ((i * 7) % 1000) / 1e6 }),
    ...(i % 11 === 0 ? { provenance: ['imported', 'sample', 'fallback'][i % 3] } : {}),
    occurred_at: new Date(
      start + Math.floor((i / count) * 5 * 24 * HOUR_MS) - (i % 17 === 0 ? 30 * HOUR_MS : 0),
    ).toISOString(),
  }));
}

function mixedLines(count: number): readonly string[] {
  const chain = chainOf();
  const start = noon - 5 * 24 * HOUR_MS;
  mixedRows(count).forEach((row, i) => chain.add(row, { tsMs: start + Math.floor((i / count) * 5 * 24 * HOUR_MS) }));
  return chain.lines;
}

function mixedLedger(dir: string, count: number): StatePaths {
  return writeLedger(dir, mixedLines(count));
}

test('today, in the zone and with the day start of the config', async (t) => {
  const dir = folder(t);
  config(dir, { timezone: 'Europe/Berlin', day_start: '04:00' });
  makeLedger(dir, [
    { action: 'a.b', cost_usd: 1, occurred_at: '2026-11-21T02:59:59.999Z' },
    { action: 'a.b', cost_usd: 2, occurred_at: '2026-11-21T03:00:00Z' },
    { action: 'a.b', cost_usd: 4, occurred_at: '2026-11-22T02:59:59.999Z' },
  ]);
  const report = await roll(dir, { tz: undefined });
  assert.equal(report.total.spent_usd, '6');
  assert.deepEqual(
    [report.window.since, report.window.until, report.window.timezone, report.window.label],
    ['2026-11-21T03:00:00.000Z', '2026-11-22T03:00:00.000Z', 'Europe/Berlin', '2026-11-21'],
  );
});

test('the index, a lagging index and the bare file give the same report', async (t) => {
  const dir = folder(t);
  const caps = [
    { usd: '0.03', per: 'day' },
    { usd: '0.01', per: 'day', agent: '__proto__' },
    { usd: '0.002', per: 'hour' },
    { usd: '0.05', per: 'week' },
    { usd: '0.02', per: 'run' },
    { usd: '0.03', per: 'rolling_24h', model: 'm1' },
  ];
  const paths = mixedLedger(dir, 600);
  const units = fc.constantFrom(undefined, 'day' as const, 'week' as const, 'month' as const);
  const windows = fc.constantFrom(
    {},
    { day: 'yesterday' },
    { since: '-60h' },
    { since: '2026-11-17 13:30', until: '-3h' },
    { since: '-4d', until: 'today' },
  );
  const plans = fc.record({
    by: fc.constantFrom(undefined, 'agent', 'model', 'run_id', 'action', 'team'),
    window: windows,
    period: units,
    tz: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'),
    caps: fc.subarray(caps),
    dayStart: fc.constantFrom('00:00', '04:00'),
  });
  const wanted = fc.sample(plans, { numRuns: 60, seed: 7 });
  const answers = async (): Promise<RollupReport[]> => {
    const reports: RollupReport[] = [];
    for (const { window, period, caps: some, dayStart, ...rest } of wanted) {
      config(dir, { caps: some, day_start: dayStart });
      reports.push(
        await roll(dir, { ...rest, ...window, ...(period !== undefined && !('day' in window) ? { period } : {}) }),
      );
    }
    return reports;
  };
  const bare = await answers();
  assert.ok(bare.every(({ source }) => source === 'file'));
  await rebuildIndex(paths);
  const indexed = await answers();
  assert.ok(indexed.filter(({ source }) => source === 'index').length > wanted.length / 3);
  assert.deepEqual(indexed.map(withoutSource), bare.map(withoutSource));
  // An index of the first half: the rest is read from the file.
  const lines = mixedLines(600);
  writeLedger(dir, lines.slice(0, 300));
  await rebuildIndex(paths);
  appendFileSync(
    paths.ledger,
    lines
      .slice(300)
      .map((line) => `${line}\n`)
      .join(''),
  );
  const lagging = await answers();
  assert.ok(lagging.some(({ source }) => source === 'index+file'));
  assert.deepEqual(lagging.map(withoutSource), bare.map(withoutSource));
});

test('a cap per run is held against the whole run, also one that began before the window', async (t) => {
  const dir = folder(t);
  config(dir, { caps: [{ usd: '0.50', per: 'run' }] });
  const chain = chainOf();
  const rows: readonly (readonly [string, number, string])[] = [
    ['r1', 0.4, '2026-11-20T23:59:00Z'],
    ['over-before', 0.9, '2026-11-20T10:00:00Z'],
    ['r2', 0.5, '2026-11-21T01:00:00Z'],
    ['r1', 0.4, '2026-11-21T00:01:00Z'],
  ];
  for (const [run, cost, at] of rows) chain.add({ action: 'a.b', run_id: run, cost_usd: cost, occurred_at: at });
  const spent = async (options: Partial<RollupOptions> = {}): Promise<unknown> => {
    const { over_cap: over, caps, total, source } = await roll(dir, options);
    const runs = caps[0]?.periods.map(({ label, spent_usd: usd }) => [label, usd]);
    return { over, judged: caps[0]?.judged, runs, total: total.spent_usd, source };
  };
  const today = { over: true, judged: 2, runs: [['r1', '0.8']], total: '0.9' };
  const paths = writeLedger(dir, chain.lines);
  assert.deepEqual(await spent(), { ...today, source: 'file' });
  await rebuildIndex(paths);
  assert.deepEqual(await spent(), { ...today, source: 'index' });
  // The rows of today are behind the watermark, the run's first one before it.
  writeLedger(dir, chain.lines.slice(0, 3));
  await rebuildIndex(paths);
  appendFileSync(
    paths.ledger,
    chain.lines
      .slice(3)
      .map((line) => `${line}\n`)
      .join(''),
  );
  assert.deepEqual(await spent(), { ...today, source: 'index+file' });
  const { code, out } = await run(dir);
  assert.equal(code, 1, out);
  // Nor does it matter which end of the run the window cuts off.
  const yesterday = {
    over: true,
    judged: 2,
    runs: [
      ['over-before', '0.9'],
      ['r1', '0.8'],
    ],
  };
  assert.deepEqual(await spent({ day: 'yesterday' }), { ...yesterday, total: '1.3', source: 'index+file' });
});

/** The report whole, but for where it came from. */
function withoutSource(report: RollupReport): unknown {
  return { ...report, source: undefined };
}

test('a damaged index is passed over, and one that knows more than the file is told of', async (t) => {
  const dir = folder(t);
  const paths = mixedLedger(dir, 50);
  await rebuildIndex(paths);
  const lines = mixedLines(50);
  truncateSync(
    paths.ledger,
    Buffer.byteLength(
      lines
        .slice(0, 40)
        .map((line) => `${line}\n`)
        .join(''),
    ),
  );
  const report = await roll(dir, { since: '@0' });
  assert.deepEqual(
    report.warnings.map(({ code }) => code).filter((code) => code === 'ROWS_LOST'),
    ['ROWS_LOST'],
  );
  assert.equal(report.total.rows, 39);
  writeFileSync(paths.index, 'noise');
  assert.equal((await roll(dir)).source, 'file');
});

test('rows that the ledger itself names as lost are told of, whatever the window', async (t) => {
  const dir = folder(t);
  const chain = chainOf();
  chain.add({ action: 'a.b', cost_usd: 1 }, { tsMs: noon - 72 * HOUR_MS });
  chain.addOwn('audit.rows-lost', { from_seq: 3, to_seq: 5, head: 'f'.repeat(64) }, { tsMs: noon - 71 * HOUR_MS });
  chain.add({ action: 'a.b', cost_usd: 1 }, { tsMs: noon - HOUR_MS });
  const paths = writeLedger(dir, chain.lines);
  const expected = [
    {
      code: 'ROWS_LOST',
      message:
        'rows 3 to 5, as they were appended, are gone: a row says so; what they cost is not in the sums; see "ledger verify"',
    },
  ];
  const windows: Partial<RollupOptions>[] = [
    {},
    { since: '@0' },
    { until: '-71h', since: '-80h' },
    { day: '2026-11-18' },
  ];
  for (const source of ['file', 'index']) {
    if (source === 'index') await rebuildIndex(paths);
    for (const window of windows) {
      const report = await roll(dir, window);
      assert.deepEqual([report.source, report.warnings], [source, expected], JSON.stringify(window));
    }
  }
});

test('where the index names a line that is none, the file is read: what is broken there is counted', async (t) => {
  const dir = folder(t);
  const paths = mixedLedger(dir, 50);
  await rebuildIndex(paths);
  const file = readFileSync(paths.ledger);
  file[file.indexOf(0x0a) + 1] = 0x5b;
  writeFileSync(paths.ledger, file);
  const report = await roll(dir, { since: '@0' });
  assert.deepEqual([report.source, report.broken_lines, report.total.rows], ['file', 1, 49]);
});

test('an index that names other rows than the file has changes no sum', async (t) => {
  const dir = folder(t);
  const paths = mixedLedger(dir, 50);
  const bare = await roll(dir, { since: '@0' });
  for (const change of [
    'UPDATE rows SET offset = 900000000 WHERE seq = 7',
    'UPDATE rows SET (offset, bytes) = (SELECT offset, bytes FROM rows WHERE seq = 9) WHERE seq = 7',
    'DELETE FROM rows WHERE seq = 50',
    'UPDATE rows SET effective_ms = effective_ms - 86400000000 WHERE seq = 50',
  ]) {
    await rebuildIndex(paths);
    const database = openDatabase(paths.index, { readOnly: false, busyMs: 0 });
    database.exec(change);
    database.close();
    const report = await roll(dir, { since: '@0' });
    assert.deepEqual(withoutSource(report), withoutSource(bare), change);
  }
});

test('a row in flight counts when it lands, and is no damage', async (t) => {
  const dir = folder(t);
  const lines = [...chainAfter(3)];
  const last = Buffer.from(`${lines.pop()}\n`);
  const paths = writeLedger(dir, lines);
  appendFileSync(paths.ledger, last.subarray(0, 90));
  const reading = roll(dir, { since: '@0' });
  await sleep(250);
  appendFileSync(paths.ledger, last.subarray(90));
  const report = await reading;
  assert.deepEqual([report.total.spent_usd, report.broken_lines], ['3', 0]);
});

test('a torn tail is counted and told after a second; a whole last row without its newline counts', async (t) => {
  const dir = folder(t);
  const lines = [...chainAfter(3)];
  const last = lines.pop() ?? '';
  const paths = writeLedger(dir, lines);
  appendFileSync(paths.ledger, last.slice(0, 90));
  const torn = await roll(dir, { since: '@0' });
  assert.deepEqual([torn.total.spent_usd, torn.broken_lines, torn.warnings[0]?.code], ['2', 1, 'BROKEN_LINES']);
  appendFileSync(paths.ledger, last.slice(90));
  const bare = await roll(dir, { since: '@0' });
  assert.deepEqual([bare.total.spent_usd, bare.broken_lines], ['3', 0]);
});

test('a file that is replaced while its tail is looked at is read anew, from its start', async (t) => {
  const dir = folder(t);
  const chain = chainOf();
  for (const cost of [1, 2, 4]) chain.add({ action: 'a.b', cost_usd: cost });
  const [genesis = '', first = '', second = '', third = ''] = chain.lines;
  const paths = writeLedger(dir, [genesis, first, second]);
  appendFileSync(paths.ledger, third.slice(0, 90));
  const reading = roll(dir, { since: '@0' });
  await sleep(250);
  // Where the torn row began, one begins that was counted already.
  const filler = second.replace('"cost_usd":2,', '"cost_usd":0,');
  const healed = [genesis, first, filler, second, third].map((line) => `${line}\n`).join('');
  writeFileSync(`${paths.ledger}.new`, healed);
  renameSync(`${paths.ledger}.new`, paths.ledger);
  const report = await reading;
  assert.deepEqual([report.total.spent_usd, report.total.rows, report.broken_lines], ['7', 4, 0]);
});

/** Genesis and `count` rows of 1 USD. */
function chainAfter(count: number): readonly string[] {
  const chain = chainOf();
  for (let i = 0; i < count; i++) chain.add({ action: 'a.b', cost_usd: 1 });
  return chain.lines;
}

test('broken lines in the middle are counted, placed, and cost no row beside them', async (t) => {
  const dir = folder(t);
  const [genesis = '', first = '', second = '', third = ''] = chainAfter(3);
  writeLedger(dir, [genesis, first, '', second.slice(0, 50), '\0\0\0\0', third]);
  const report = await roll(dir, { since: '@0' });
  assert.deepEqual([report.total.spent_usd, report.broken_lines], ['2', 3]);
  const offset = genesis.length + first.length + 2;
  assert.match(report.warnings[0]?.message ?? '', new RegExp(`3 broken lines .*audit\\.jsonl byte ${offset}`));
});

test('closed segments count', async (t) => {
  const dir = folder(t);
  const lines = chainAfter(4);
  const paths = writeLedger(dir, lines.slice(3));
  mkdirSync(paths.segments);
  writeFileSync(
    join(paths.segments, 'audit.1-3.jsonl.gz'),
    gzipSync(
      lines
        .slice(0, 3)
        .map((line) => `${line}\n`)
        .join(''),
    ),
  );
  assert.equal((await roll(dir, { since: '@0' })).total.spent_usd, '4');
});

test('rows that wait in the spill are told of', async (t) => {
  const dir = folder(t);
  makeLedger(dir, []);
  writeFileSync(testPaths(dir).spill, '\n{"spill":1,"id":"x"}\n');
  const report = await roll(dir);
  assert.deepEqual(
    report.warnings.map(({ code }) => code),
    ['ROWS_SPILLED'],
  );
});

test('a large file is read by several threads: the same sums, the same broken lines', async (t) => {
  const dir = folder(t);
  const lines = chainAfter(1).slice(1);
  const block = `${`${lines[0]}\n`.repeat(400)}{"torn":\n`.repeat(20);
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'audit.jsonl');
  for (let written = 0; written < 80 << 20; written += Buffer.byteLength(block)) appendFileSync(path, block);
  const { size } = statSync(path);
  const plan = { sinceMs: -Infinity, untilMs: Infinity, nowMs: noon, by: 'agent', period: undefined, caps: [] };
  const calendar = { zone: openZone('UTC'), dayStartMs: 0 };
  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  const part = { fd, from: 0, to: size };
  const one = scanPart(part, plan, calendar);
  assert.ok(one.brokenLines > 300);
  assert.deepEqual(await scanCosts(part, plan, calendar), one);
});

test('there is no answer without a ledger, and none from what is no file', async (t) => {
  const dir = folder(t);
  const code = (wanted: string) => (error: unknown) => error instanceof LedgerError && error.code === wanted;
  await assert.rejects(roll(dir), code('LEDGER_MISSING'));
  mkdirSync(join(dir, 'audit.jsonl'), { recursive: true });
  await assert.rejects(roll(dir), code('UNSAFE_PATH'));
});

test('flags that contradict each other are usage errors', async (t) => {
  const dir = folder(t);
  makeLedger(dir, []);
  const usage = (error: unknown): boolean => error instanceof LedgerError && error.code === 'USAGE';
  await assert.rejects(roll(dir, { day: 'today', period: 'day' }), usage);
  await assert.rejects(roll(dir, { capUsd: '-1' }), usage);
  await assert.rejects(roll(dir, { by: '' }), usage);
  await assert.rejects(roll(dir, { by: 'agent,action' }), usage);
  await assert.rejects(roll(dir, { tz: 'Mars/Olympus' }), usage);
});

test('an unknown zone of the config is told with its file', async (t) => {
  const dir = folder(t);
  makeLedger(dir, []);
  config(dir, { timezone: 'X/Y' });
  await assert.rejects(roll(dir, { tz: undefined }), /ledger\.config\.json: timezone: .*X\/Y/);
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command as the shell would run it, with a clock that stands still. */
async function run(dir: string, ...args: string[]): Promise<Ran> {
  const ran = { code: 0, out: '', err: '' };
  const io: Io = {
    env: { XDG_STATE_HOME: join(dir, '.home') },
    isTTY: false,
    isErrTTY: false,
    columns: 80,
    nowMs: () => noon,
    stdout: (text) => {
      ran.out += text;
      return true;
    },
    pass: () => Promise.resolve(),
    stderr: (text) => void (ran.err += text),
    setExit: (code) => void (ran.code = code),
    stdin: process.stdin,
  };
  const program = addGlobalFlags(new Command('ledger'))
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout(text) });
  registerRollup(program, io);
  await program.parseAsync(['--dir', dir, '--tz', 'UTC', 'rollup', ...args], { from: 'user' });
  return ran;
}

test('exit codes: 0 at the cap and without rows, 1 over it, 3 for missing costs that must not be, 1 before 3', async (t) => {
  const dir = folder(t);
  makeLedger(dir, [], { startMs: noon });
  assert.equal((await run(dir, '--cap', '0', '--missing', 'fail')).code, 0);
  makeLedger(
    dir,
    Array.from({ length: 50 }, () => ({ action: 'a.b', cost_usd: 0.1 })),
    { startMs: noon },
  );
  assert.equal((await run(dir, '--cap', '5.00')).code, 0);
  assert.equal((await run(dir, '--cap', '4.999999999')).code, 1);
  makeLedger(dir, [{ action: 'a.b', cost_usd: 1 }, { action: 'a.b' }], { startMs: noon });
  const { code, err } = await run(dir);
  assert.equal(code, 0);
  assert.match(err, /warning: 1 row without a cost/);
  assert.deepEqual(await run(dir, '--missing', 'ignore').then((ran) => [ran.code, ran.err]), [0, '']);
  assert.equal((await run(dir, '--missing', 'fail')).code, 3);
  // For cron: silent unless something is wrong.
  assert.deepEqual(await run(dir, '-q'), { code: 0, out: '', err: '' });
  const over = await run(dir, '-q', '--cap', '0.5');
  assert.match(over.out, /OVER/);
  assert.match(over.err, /1 row without a cost/);
  assert.match((await run(dir, '-q', '--missing', 'fail')).err, /1 row without a cost/);
  assert.equal((await run(dir, '--missing', 'fail', '--cap', '0.5')).code, 1);
  config(dir, { caps: [{ usd: '0.5', per: 'day' }] });
  assert.equal((await run(dir)).code, 1);
});

test('every format shows the same sums; JSON has money as decimal strings', async (t) => {
  const dir = folder(t);
  const rows = [
    { action: 'a.b', agent: '=cmd|x', cost_usd: 0.1 },
    { action: 'a.b', agent: '\u001b[2J', cost_usd: 0.2 },
    { action: 'a.b', cost_usd: 0.000000001 },
  ];
  makeLedger(dir, rows, { startMs: noon });
  const json = JSON.parse((await run(dir, '--json', '--by', 'agent')).out) as RollupReport;
  assert.equal(json.total.spent_usd, '0.300000001');
  assert.deepEqual(
    json.groups.map(({ key, spent_usd }) => [key, spent_usd]),
    [
      ['\u001b[2J', '0.2'],
      ['=cmd|x', '0.1'],
      [null, '0.000000001'],
    ],
  );
  const table = await run(dir, '--by', 'agent');
  // eslint-disable-next-line no-control-regex -- what must not be there
  assert.doesNotMatch(table.out, /\u001b/);
  assert.match(table.out, /^\(none\) +0\.000000001 +0\.00 +1$/m);
  assert.match(table.out, /^total +0\.300000001 +3$/m);
  assert.match(table.out, /2026-11-21T00:00:00\+00:00 to 2026-11-22T00:00:00\+00:00 \(UTC, 24 h\)/);
  assert.match((await run(dir, '--by', 'agent', '--format', 'csv')).out, /^"'=cmd\|x",0\.1,1,/m);
  assert.match((await run(dir, '--by', 'agent', '--format', 'md')).out, /^\| =cmd\\\|x \| 0\.100000000 \|/m);
  await assert.rejects(run(dir, '--json', '--format', 'csv'));
});
