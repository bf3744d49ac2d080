/**
 * What catalogues cost an append, as a process and in a pipe, against the same row of an action that none describes; and a
 * run rebuilt, and figures, from 1,000,000 rows.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf, largeLedger, ledgerCommand, nodeAlone, withFolder } from './ledgers';
import type { Sizes } from './main';
import { inTurns, measure, median, ratioOf, wallMs } from './measure';
import type { Measured } from './measure';
import { count, ms } from './table';
import type { Line } from './table';

const PIPED_ROWS = 60_000;
const ROUNDS = 31;
const PIPE_ROUNDS = 15;
const METRIC_ROUNDS = 5;
/** A run of this many rows. */
const RUN_ROWS = 1_000;
const METRICS_MS = 3_000;
const TARGETS = { process: 1.1, pipe: 1.1, reconstruct: 2, metrics: 1, memory: 1.25 };

const PAYLOAD = '{"tool":"ledger-read","step":1,"input_shape":"one query","output_shape":"42 rows, 2 currencies","status":"ok"}'; // prettier-ignore

export async function benchGovernance({ rows }: Sizes): Promise<Line[]> {
  return [await processLine(), await pipeLine(), ...(await readingLines(rows))];
}

/** The same row twice: of a type of the trail, and of no type. */
const ACTIONS = ['tool.call', 'tool.used'];

function processLine(): Promise<Line> {
  return withFolder(async (folder) => {
    const append = (action: string) => (): number =>
      wallMs(ledgerCommand(join(folder, action), ['append', '-q', action, '--run-id', 'r1', '--duration-ms', '8', '--payload', PAYLOAD])); // prettier-ignore
    const [typed = [], plain = []] = await inTurns(ACTIONS.map(append), ROUNDS);
    return {
      what: 'one append of a catalogued type, as a process',
      ours: ms(median(typed)),
      baseline: `${ms(median(plain))} (no type)`,
      ratio: ratioOf(typed, plain),
      target: TARGETS.process,
    };
  });
}

function pipeLine(): Promise<Line> {
  return withFolder(async (folder) => {
    const pipe = (action: string) => (): number => {
      const input = Array.from({ length: PIPED_ROWS }, (_, i) => `{"action":"${action}","run_id":"r${i % 100}","duration_ms":${i},"payload":${PAYLOAD}}\n`).join(''); // prettier-ignore
      const dir = join(folder, action);
      const { file, args } = ledgerCommand(dir, ['append', '-q', '-']);
      const startMs = performance.now();
      const { status, stderr } = spawnSync(file, [...args], { input, encoding: 'utf8' });
      const tookMs = performance.now() - startMs;
      if (status !== 0) throw new Error(`expected every row to land, found exit ${String(status)}: ${stderr}`);
      rmSync(dir, { recursive: true });
      return tookMs;
    };
    const [typed = [], plain = []] = await inTurns(ACTIONS.map(pipe), PIPE_ROUNDS);
    return {
      what: `${count(PIPED_ROWS)} rows of a catalogued type, piped`,
      ours: ms(median(typed)),
      baseline: `${ms(median(plain))} (no type)`,
      ratio: ratioOf(typed, plain),
      target: TARGETS.pipe,
    };
  });
}

const figures = (dir: string): Promise<Measured> => measure(ledgerCommand(dir, ['metrics', '--json']));

/** A copy with a row that is counted: where there is none, that is the answer. */
function withDecision(dir: string, target: string): string {
  const copy = copyOf(dir, target);
  const payload = '{"action":"deploy_code","context":"bench","policy_version":"1"}';
  wallMs(ledgerCommand(copy, ['append', '-q', 'decision.created', '--decision-id', 'd1', '--payload', payload]));
  return copy;
}

async function readingLines(rows: number): Promise<Line[]> {
  const dir = await largeLedger(rows, Math.round(rows / RUN_ROWS));
  const small = await largeLedger(Math.round(rows / 10), Math.round(rows / 10 / RUN_ROWS));
  const run = `de5b5ed3-0000-4000-8000-${(5).toString(16).padStart(12, '0')}`;
  // A run without a delivery and the like is told with what is missing: exit 3.
  const rebuild = (): number => {
    const { file, args } = ledgerCommand(dir, ['reconstruct', '--run', run]);
    const startMs = performance.now();
    const { status, stdout } = spawnSync(file, [...args], { encoding: 'utf8' });
    if (status === null || ![0, 3].includes(status) || !stdout.includes(`${RUN_ROWS} rows of run`))
      throw new Error(`expected a run of ${RUN_ROWS} rows, found exit ${String(status)}`);
    return performance.now() - startMs;
  };
  const [rebuilt = [], bare = []] = await inTurns([rebuild, () => wallMs(nodeAlone())], ROUNDS);
  const { large, few } = await withFolder(async (folder) => {
    const [many, less] = [withDecision(dir, join(folder, 'many')), withDecision(small, join(folder, 'few'))];
    const [all = []] = await inTurns([() => figures(many)], METRIC_ROUNDS);
    return { large: all, few: await figures(less) };
  });
  const times = large.map((one) => one.ms);
  const peakMb = median(large.map((one) => one.peakMb));
  return [
    {
      what: `reconstruct of ${count(RUN_ROWS)} rows among ${count(rows)}, index current`,
      ours: ms(median(rebuilt)),
      baseline: `${ms(median(bare))} (node -e 0)`,
      ratio: ratioOf(rebuilt, bare),
      target: TARGETS.reconstruct,
    },
    {
      what: `metrics over ${count(rows)} rows`,
      ours: ms(median(times)),
      baseline: ms(METRICS_MS),
      ratio: median(times) / METRICS_MS,
      target: TARGETS.metrics,
    },
    {
      what: '… its peak memory',
      ours: `${peakMb.toFixed(0)} MB`,
      baseline: `${few.peakMb.toFixed(0)} MB (itself, ${count(rows / 10)} rows)`,
      ratio: peakMb / few.peakMb,
      target: TARGETS.memory,
    },
  ];
}
