/**
 * How things are timed: contestants take turns (A B A B …), so that whatever else the machine does falls on all alike,
 * and what counts is the median of the ratios of neighbours. A command that fails stops the benchmark: the time of a
 * failure is the time of nothing.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

export interface Measured {
  readonly ms: number;
  readonly peakMb: number;
}

const POLL_MS = 10;

/** Wall time of a command that must succeed; for short ones, nothing else happens in this process meanwhile. */
export function wallMs({ file, args }: Command): number {
  const startMs = performance.now();
  const { status, stderr, error } = spawnSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const tookMs = performance.now() - startMs;
  if (status !== 0) throw failed({ file, args }, status, error?.message ?? stderr.toString());
  return tookMs;
}

/** Wall time and peak memory of a command that must succeed, its direct children's included: the largest, not the sum. */
export function measure(command: Command): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const child = spawn(command.file, command.args, { stdio: ['ignore', 'ignore', 'inherit'] });
    let peakMb = 0;
    const poll = setInterval(() => (peakMb = Math.max(peakMb, peakOf(child.pid))), POLL_MS);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearInterval(poll);
      if (code === 0) resolve({ ms: performance.now() - startMs, peakMb });
      else reject(failed(command, code ?? signal, 'see above'));
    });
  });
}

function failed({ file, args }: Command, status: number | string | null, why: string): Error {
  return new Error(`expected "${[file, ...args].join(' ')}" to succeed, found exit ${status}: ${why}`);
}

function peakOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const children = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return Math.max(ownPeak(pid), ...children.map(ownPeak));
}

function ownPeak(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** Empty where it cannot be read: the process is gone, or this is not Linux. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

type Turn<T> = () => T | Promise<T>;

/**
 * Gives each contestant its turn, `rounds` times over; one more round before warms caches and does not count.
 * @returns what each measured, in order of the rounds
 */
export async function inTurns<T>(
  contestants: readonly Turn<T>[],
  rounds: number,
  before: () => void = () => undefined,
): Promise<T[][]> {
  const results: T[][] = contestants.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, turn] of contestants.entries()) {
      before();
      const result = await turn();
      if (round >= 0) results[i]?.push(result);
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

/** The median of the ratios of turns that were neighbours. */
export function ratioOf(ours: readonly number[], baseline: readonly number[]): number {
  return median(ours.map((value, i) => value / (baseline[i] ?? NaN)));
}
