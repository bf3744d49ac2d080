/**
 * `ledger rollup`: of today through the index, at 10,000 and at 1,000,000 rows, against `node -e 0`; and of all time by
 * agent without an index, against DuckDB's `read_ndjson` sum of the same file.
 *
 * DuckDB: the `duckdb` program, or a python3 that has the module (PYTHONPATH); without either its line says so.
 */
import { spawnSync } from 'node:child_process';
import { largeLedger, ledgerCommand, ledgerFile, nodeAlone, withoutIndex } from './ledgers';
import type { Sizes } from './main';
import { inTurns, measure, median, ratioOf, wallMs } from './measure';
import type { Command } from './measure';
import { count, ms } from './table';
import type { Line } from './table';

const FEW = 10_000;
const TODAY_ROUNDS = 31;
const ALL_TIME_ROUNDS = 5;
const TARGETS = { today: 1.6, growth: 1.1, allTime: 2 };

export async function benchRollup(sizes: Sizes): Promise<Line[]> {
  return [...(await todayLines(sizes)), await allTimeLine(sizes)];
}

async function todayLines({ rows }: Sizes): Promise<Line[]> {
  const today = (dir: string) => (): number => wallMs(ledgerCommand(dir, ['rollup', '--by', 'agent']));
  const [manyDir, fewDir] = [await largeLedger(rows), await largeLedger(FEW)];
  const contestants = [today(manyDir), today(fewDir), (): number => wallMs(nodeAlone())];
  const [many = [], few = [], bare = []] = await inTurns(contestants, TODAY_ROUNDS);
  return [
    {
      what: `rollup of today among ${count(rows)} rows, index current`,
      ours: ms(median(many)),
      baseline: `${ms(median(bare))} (node -e 0)`,
      ratio: ratioOf(many, bare),
      target: TARGETS.today,
    },
    {
      what: `… against the same among ${count(FEW)} rows`,
      ours: ms(median(many)),
      baseline: `${ms(median(few))} (itself)`,
      ratio: ratioOf(many, few),
      target: TARGETS.growth,
    },
  ];
}

async function allTimeLine({ rows }: Sizes): Promise<Line> {
  const dir = await largeLedger(rows);
  const what = `rollup of all time by agent, ${count(rows)} rows, no index`;
  const duckdb = duckdbSum(ledgerFile(dir));
  const ours = async (): Promise<number> =>
    (await measure(ledgerCommand(dir, ['rollup', '--by', 'agent', '--since', '@0']))).ms;
  return withoutIndex(dir, async () => {
    if (duckdb === undefined) {
      const [alone = []] = await inTurns([ours], ALL_TIME_ROUNDS);
      return { what, ours: ms(median(alone)), baseline: 'DuckDB not found: not measured' };
    }
    const theirs = async (): Promise<number> => (await measure(duckdb.command)).ms;
    const [mine = [], other = []] = await inTurns([ours, theirs], ALL_TIME_ROUNDS);
    const baseline = `${ms(median(other))} (${duckdb.name})`;
    return { what, ours: ms(median(mine)), baseline, ratio: ratioOf(mine, other), target: TARGETS.allTime };
  });
}

function duckdbSum(file: string): { readonly name: string; readonly command: Command } | undefined {
  const sql = `SELECT agent, sum(cost_usd) FROM read_ndjson('${file.replaceAll("'", "''")}') GROUP BY agent`;
  const program = spawnSync('duckdb', ['--version'], { encoding: 'utf8' });
  if (program.status === 0)
    return { name: `DuckDB ${program.stdout.split(' ')[0]}`, command: { file: 'duckdb', args: ['-c', sql] } };
  const module = spawnSync('python3', ['-c', 'import duckdb; print(duckdb.__version__)'], { encoding: 'utf8' });
  if (module.status !== 0) return undefined;
  const script = `import duckdb\nprint(duckdb.sql(${JSON.stringify(sql)}).fetchall())`;
  return { name: `DuckDB ${module.stdout.trim()} in Python`, command: { file: 'python3', args: ['-c', script] } };
}
