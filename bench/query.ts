/**
 * `ledger query`: one run among many through the index, against `node -e 0`; the same without an index, against
 * `grep -c`, which counts and shows nothing; an expression over every row, against `jq select`; what making an index takes.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf, largeLedger, ledgerCommand, ledgerFile, nodeAlone, withFolder, withoutIndex } from './ledgers';
import type { Sizes } from './main';
import { inTurns, measure, median, ratioOf, wallMs } from './measure';
import type { Command, Measured } from './measure';
import { count, ms } from './table';
import type { Line } from './table';

const FEW = 100_000;
const ROUNDS = 31;
const SCAN_ROUNDS = 5;
const SLOW_ROUNDS = 3;
const TARGETS = { indexed: 1.6, absent: 1, where: 0.25, build: 1, memory: 1.25 };
/** What a first question may take beside four times `grep -c`. */
const GRACE_MS = 1000;
const BUILD_ROWS_A_SECOND = 100_000;

const WHERE = 'cost_usd > 0.0999 && payload.exit == 1';
const JQ = 'select(.cost_usd > 0.0999 and .payload.exit == 1)';

/** As `bench/generate.ts` names the runs. */
const runId = (run: number): string => `de5b5ed3-0000-4000-8000-${run.toString(16).padStart(12, '0')}`;

export async function benchQuery({ rows }: Sizes): Promise<Line[]> {
  const dir = await largeLedger(rows);
  return [await indexedLine(dir, rows), ...(await scanLines(dir, rows)), await buildLine(dir, rows)];
}

async function indexedLine(dir: string, rows: number): Promise<Line> {
  const ours = (): number => wallMs(ledgerCommand(dir, ['query', `run_id=${runId(rows / 200)}`]));
  const [mine = [], bare = []] = await inTurns([ours, () => wallMs(nodeAlone())], ROUNDS);
  return {
    what: `query of one run among ${count(rows)} rows, index current`,
    ours: ms(median(mine)),
    baseline: `${ms(median(bare))} (node -e 0)`,
    ratio: ratioOf(mine, bare),
    target: TARGETS.indexed,
  };
}

async function scanLines(dir: string, rows: number): Promise<Line[]> {
  const file = ledgerFile(dir);
  const wanted = runId(rows / 200);
  return withoutIndex(dir, async () => {
    const ours = (): number => wallMs(ledgerCommand(dir, ['query', `run_id=${wanted}`]));
    const grep: Command = { file: 'grep', args: ['-c', `"run_id":"${wanted}"`, file] };
    const [mine = [], grepped = []] = await inTurns([ours, () => wallMs(grep)], SCAN_ROUNDS);
    const where = (of: string) => (): Promise<Measured> => measure(ledgerCommand(of, ['query', '--where', WHERE]));
    const jq: Command = { file: 'jq', args: ['-c', JQ, file] };
    const [mine2 = [], jqs = []] = await inTurns([where(dir), () => measure(jq)], SLOW_ROUNDS);
    const [times, others] = [mine2, jqs].map((all) => all.map((one) => one.ms)) as [number[], number[]];
    const fewDir = await largeLedger(FEW);
    const few = await withoutIndex(fewDir, where(fewDir));
    const peakMb = median(mine2.map((one) => one.peakMb));
    return [
      {
        what: 'the same without an index',
        ours: ms(median(mine)),
        baseline: `4 × ${ms(median(grepped))} (grep -c) + 1 s`,
        ratio: median(mine) / (4 * median(grepped) + GRACE_MS),
        target: TARGETS.absent,
      },
      {
        what: `query --where over ${count(rows)} rows, no index`,
        ours: ms(median(times)),
        baseline: `${ms(median(others))} (jq select)`,
        ratio: ratioOf(times, others),
        target: TARGETS.where,
      },
      {
        what: '… its peak memory',
        ours: `${peakMb.toFixed(0)} MB`,
        baseline: `${few.peakMb.toFixed(0)} MB (itself, ${count(FEW)} rows)`,
        ratio: peakMb / few.peakMb,
        target: TARGETS.memory,
      },
    ];
  });
}

/** A sweep that finds no index reads every line for damage as well, on the other core. */
function buildLine(dir: string, rows: number): Promise<Line> {
  return withFolder(async (folder) => {
    const copy = copyOf(dir, join(folder, 'state'));
    const build = (): number => {
      rmSync(join(copy, 'index.db'), { force: true });
      return wallMs(ledgerCommand(copy, ['sweep', '-q']));
    };
    const [builds = []] = await inTurns([build], SLOW_ROUNDS);
    const wantedMs = (rows / BUILD_ROWS_A_SECOND) * 1000;
    return {
      what: `sweep of ${count(rows)} rows that makes the index`,
      ours: ms(median(builds)),
      baseline: `${ms(wantedMs)} (${count(BUILD_ROWS_A_SECOND)} rows a second)`,
      ratio: median(builds) / wantedMs,
      target: TARGETS.build,
    };
  });
}
