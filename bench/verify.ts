/**
 * `ledger verify` and `ledger sweep` against `sha256sum` of the same file: cold, warm, ten times the rows, and a million
 * streams. Half of the rows have a payload; the index lies beside the ledger, as it does in life, and is checked too.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { largeLedger, ledgerCommand, ledgerFile, megabytes, withoutIndex } from './ledgers';
import { usesOpenSsl } from './machine';
import type { Sizes } from './main';
import { inTurns, measure, median, ratioOf } from './measure';
import type { Measured } from './measure';
import { count, mb, ms } from './table';
import type { Line } from './table';

const ROUNDS = 5;
const TARGETS = { verify: 1, sweep: 0.7, tenTimes: 11 };
const MAX_PEAK_MB = 250;
/** A million streams may cost so much more than a few. */
const MAX_STREAMS_MB = 200;

type Turn = () => Promise<Measured>;

export async function benchVerify({ rows }: Sizes): Promise<Line[]> {
  const dir = await largeLedger(rows);
  const before = dropCaches() ? dropCaches : undefined;
  const state = before === undefined ? 'warm: cold needs root' : 'cold';
  const [verified = [], hashed = []] = await inTurns([verify(dir), sha256sum(dir)], ROUNDS, before);
  const [alone = [], hashedAgain = []] = await withoutIndex(dir, () =>
    inTurns([verify(dir), sha256sum(dir)], ROUNDS, before),
  );
  const peakMb = Math.max(...verified.map((measured) => measured.peakMb));
  return [
    against(`verify of ${count(rows)} rows, ${state}`, TARGETS.verify, dir, verified, hashed),
    against(`… without an index beside them, ${state}`, TARGETS.verify, dir, alone, hashedAgain),
    memoryLine(`verify of ${count(rows)} rows, peak memory`, peakMb, MAX_PEAK_MB),
    await tenTimesLine(rows, dir, before),
  ];
}

async function tenTimesLine(rows: number, dir: string, before: (() => void) | undefined): Promise<Line> {
  const tenth = await largeLedger(rows / 10);
  const [many = [], few = []] = await inTurns([verify(dir), verify(tenth)], ROUNDS, before);
  return {
    what: 'verify of ten times the rows',
    ours: `${ms(medianMs(many))} for ${count(rows)}`,
    baseline: `${ms(medianMs(few))} for ${count(rows / 10)}`,
    ratio: ratioOf(times(many), times(few)),
    target: TARGETS.tenTimes,
  };
}

export async function benchStreams({ rows }: Sizes): Promise<Line[]> {
  const few = await largeLedger(rows);
  const many = await largeLedger(rows, rows);
  const [manyRuns = [], fewRuns = []] = await inTurns([verify(many), verify(few)], ROUNDS);
  const peak = (all: readonly Measured[]): number => Math.max(...all.map(({ peakMb }) => peakMb));
  const moreMb = peak(manyRuns) - peak(fewRuns);
  return [
    {
      what: `verify of ${count(rows)} streams, warm`,
      ours: ms(medianMs(manyRuns)),
      baseline: `${ms(medianMs(fewRuns))} (itself, ${count(rows / 100)} streams)`,
      ratio: ratioOf(times(manyRuns), times(fewRuns)),
    },
    memoryLine(`… more memory than ${count(rows / 100)} streams`, moreMb, MAX_STREAMS_MB),
  ];
}

export async function benchSweep({ rows }: Sizes): Promise<Line[]> {
  const dir = await largeLedger(rows);
  const sweep = (): Promise<Measured> => measure(ledgerCommand(dir, ['sweep', '-q']));
  const [swept = [], hashed = []] = await inTurns([sweep, sha256sum(dir)], ROUNDS);
  return [against(`sweep of ${count(rows)} clean rows, warm`, TARGETS.sweep, dir, swept, hashed)];
}

function verify(dir: string): Turn {
  return () => measure(ledgerCommand(dir, ['verify', '-q']));
}

function sha256sum(dir: string): Turn {
  return () => measure({ file: 'sha256sum', args: [ledgerFile(dir)] });
}

function against(
  what: string,
  target: number,
  dir: string,
  ours: readonly Measured[],
  hashed: readonly Measured[],
): Line {
  const size = megabytes(ledgerFile(dir));
  const rate = (size / medianMs(hashed)) * 1000;
  return {
    what: `${what} (${mb(size)})`,
    ours: ms(medianMs(ours)),
    baseline: `${ms(medianMs(hashed))} (sha256sum, ${rate.toFixed(0)} MB/s)`,
    ratio: ratioOf(times(ours), times(hashed)),
    target,
  };
}

function memoryLine(what: string, peakMb: number, maxMb: number): Line {
  return {
    what,
    ours: mb(peakMb),
    baseline: '—',
    claim: { text: `≤ ${maxMb} MB`, holds: peakMb <= maxMb },
  };
}

function times(all: readonly Measured[]): number[] {
  return all.map((measured) => measured.ms);
}

function medianMs(all: readonly Measured[]): number {
  return median(times(all));
}

/** Empties the page cache, as root; else "cold" is warm, and the table says so. */
function dropCaches(): boolean {
  spawnSync('sync');
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

/** Which `sha256sum` was the yardstick. */
export function sha256sumText(): string {
  const version = spawnSync('sha256sum', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
  const program = spawnSync('sh', ['-c', 'command -v sha256sum'], { encoding: 'utf8' }).stdout.trim();
  return `${version}, ${usesOpenSsl(program) ? 'with' : 'without'} OpenSSL`;
}
