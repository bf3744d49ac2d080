/**
 * `ledger rollup`: of today through the index, at 10,000 and at 1,000,000 rows, against `node -e 0`; and of all time by
 * agent without an index, against DuckDB's `read_ndjson` sum of the same file. Ratios are of one run on one machine, the
 * contestants taking turns.
 *
 *   npm run build && npx tsx bench/rollup.ts [rows, default 1000000] [folder for the ledgers, default a temporary one]
 *
 * DuckDB: the `duckdb` program, or a python3 that has the module (PYTHONPATH); without either its line is left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rebuildIndex } from '../src/store/indexBuild';
import { statePaths } from '../src/store/paths';
import { generateLedger } from './generate';

const LEDGER = join(__dirname, '..', 'bin', 'ledger.js');
const FEW = 10_000;
/** A thousand rows a day, up to now, in either ledger: the same work for today's sum. */
const STEP_MS = 86_400;

type Command = readonly [name: string, file: string, args: readonly string[]];

function seconds([name, file, args]: Command): number {
  const start = performance.now();
  const { status, stderr, error } = spawnSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${error?.message ?? stderr.toString()}`);
  return (performance.now() - start) / 1000;
}

/** Medians of some rounds in which each command has its turn. */
function race(commands: readonly Command[], rounds: number): ReadonlyMap<string, number> {
  const times = new Map(commands.map(([name]) => [name, [] as number[]]));
  for (let i = -1; i < rounds; i++) {
    for (const command of commands) {
      const time = seconds(command);
      // The first turn warms the page cache and the compile cache.
      if (i >= 0) times.get(command[0])?.push(time);
    }
  }
  const median = (all: number[]): number => all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? NaN;
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}

function rollup(name: string, dir: string, ...args: string[]): Command {
  return [name, process.execPath, [LEDGER, '--dir', dir, 'rollup', '--by', 'agent', ...args]];
}

function duckdb(file: string): Command | undefined {
  const sql = `SELECT agent, sum(cost_usd) FROM read_ndjson('${file}') GROUP BY agent`;
  if (spawnSync('duckdb', ['--version']).status === 0) return ['duckdb', 'duckdb', ['-c', sql]];
  if (spawnSync('python3', ['-c', 'import duckdb']).status !== 0) return undefined;
  return ['duckdb', 'python3', ['-c', `import duckdb\nprint(duckdb.sql(${JSON.stringify(sql)}).fetchall())`]];
}

function print(what: string, times: ReadonlyMap<string, number>, against: string): void {
  const base = times.get(against) ?? NaN;
  console.log(`\n${what}`);
  for (const [name, time] of times) {
    console.log(
      `  ${name.padEnd(34)} ${(time * 1000).toFixed(0).padStart(6)} ms  ${(time / base).toFixed(2)} x ${against}`,
    );
  }
}

async function prepare(dir: string, rows: number): Promise<string> {
  if (!existsSync(join(dir, 'audit.jsonl'))) {
    generateLedger(dir, rows, Math.max(1, rows / 100), { startMs: Date.now() - rows * STEP_MS, stepMs: STEP_MS });
  }
  await rebuildIndex(statePaths(dir, process.env));
  return dir;
}

async function main(): Promise<void> {
  const rows = Number(process.argv[2] ?? 1_000_000);
  const folder = process.argv[3] ?? mkdtempSync(join(tmpdir(), 'ledger-bench-'));
  const few = await prepare(join(folder, 'few'), FEW);
  const many = await prepare(join(folder, 'many'), rows);
  const node: Command = ['node -e 0', process.execPath, ['-e', '0']];
  const today = race([node, rollup(`today, of ${FEW} rows`, few), rollup(`today, of ${rows} rows`, many)], 21);
  print('Rollup of today, index current (to reach: 1.6 x; the larger at most 1.1 x the smaller)', today, 'node -e 0');

  rmSync(join(many, 'index.db'));
  const other = duckdb(join(many, 'audit.jsonl'));
  const all = rollup(`all time, of ${rows} rows, no index`, many, '--since', '@0');
  const times = race(other === undefined ? [all] : [other, all], 7);
  print(
    'Rollup of all time by agent (to reach: 2 x DuckDB read_ndjson)',
    times,
    other === undefined ? all[0] : 'duckdb',
  );
  if (process.argv[3] === undefined) rmSync(folder, { recursive: true });
}

void main();
