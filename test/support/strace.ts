/**
 * System calls as fault points. One clean run under strace tells which calls touch a sandbox; then every (name, n) of
 * them can be killed before it happens, or made to fail. strace counts per thread and per name, so the file thread pool
 * holds one thread (sandbox.ts) and only the main thread's calls are points.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './process';
import type { Ended, RunOptions } from './process';

/** One system call of the main thread: the n-th (from 1) of its name, as strace prints it. */
export interface Call {
  readonly name: string;
  readonly nth: number;
  readonly text: string;
}

export interface Traced {
  readonly ended: Ended;
  readonly trace: string;
}

export interface StraceOptions extends RunOptions {
  /** Further arguments of strace: what is traced, what is injected, which paths it is limited to. */
  readonly arguments?: readonly string[];
  /** Variables for the traced process alone (a preload must not enter strace itself). */
  readonly childEnv?: Readonly<Record<string, string>>;
}

/** Runs a command under strace. The status is the command's own; a killed one counts as 137. */
export async function strace(command: readonly string[], options: StraceOptions = {}): Promise<Traced> {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-strace-'));
  const log = join(folder, 'trace');
  const set = Object.entries(options.childEnv ?? {}).flatMap(([name, value]) => ['-E', `${name}=${value}`]);
  const traced = ['strace', '-f', '-qq', '-y', '-s', '24', '-o', log, ...set, ...(options.arguments ?? []), ...command];
  try {
    const ended = await run(traced, options);
    return { ended, trace: readFileSync(log, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const CALL = /^(\d+) +([a-z_0-9]+)\(/;

/** The calls of every thread in their order, numbered by thread and name. A call that is interrupted counts where it began. */
export function allCalls(trace: string): (Call & { readonly main: boolean })[] {
  const counts = new Map<string, number>();
  let first: string | undefined;
  return trace.split('\n').flatMap((line) => {
    const match = CALL.exec(line);
    if (match === null) return [];
    const [, thread = '', name = ''] = match;
    first ??= thread;
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, nth);
    return [{ name, nth, text: line.slice(thread.length).trim(), main: thread === first }];
  });
}

/**
 * The calls of the main thread. Where a sync runs in the file thread pool, the main thread waits for it: a kill before
 * the main thread's next call finds the same state.
 */
export function mainThreadCalls(trace: string): Call[] {
  return allCalls(trace).filter((call) => call.main);
}

/**
 * Looks whether a run did its steps in this order: what a kill -9 cannot show (it loses no page cache) and a power cut
 * would. Each step is a pattern of a call's text; other calls may stand between.
 * @returns the first step that does not come in its turn, or undefined
 */
export function firstStepMissing(calls: readonly Call[], steps: readonly RegExp[]): string | undefined {
  let at = 0;
  for (const step of steps) {
    while (at < calls.length && !step.test((calls[at] as Call).text)) at++;
    if (at === calls.length) return String(step);
    at++;
  }
  return undefined;
}

/** Whether a call touches a file below one of `folders`, or is an answer on standard output. */
export function touches(call: Call, folders: readonly string[]): boolean {
  if (/^writev?\(1</.test(call.text)) return true;
  return folders.some((folder) => call.text.includes(`${folder}/`) || call.text.includes(`${folder}"`));
}

/** Runs `command` cleanly once and returns those of its calls that touch `folders`, in their order. */
export async function traceCalls(
  command: readonly string[],
  folders: readonly string[],
  options: StraceOptions,
): Promise<Call[]> {
  const { trace } = await strace(command, options);
  return mainThreadCalls(trace).filter((call) => touches(call, folders));
}

/** The arguments that kill the process before the call happens. The whole thread group dies; nothing after it runs. */
export function killBefore(call: Pick<Call, 'name' | 'nth'>): string[] {
  return ['-e', `trace=${call.name}`, '-e', `inject=${call.name}:signal=SIGKILL:when=${call.nth}`];
}

/** Whether the trace of a run with `killBefore` shows the kill (else the process had ended before that many calls). */
export function wasKilled(traced: Traced): boolean {
  return traced.ended.status === 137 && traced.trace.includes('+++ killed by SIGKILL +++');
}

/**
 * The arguments that make calls fail: `error` is an errno name, `when` as strace has it (`1`, `2+`, `1..2`).
 * With `paths` (absolute) only calls on these files count and fail.
 */
export function failing(
  names: readonly string[],
  error: string,
  when: string,
  paths: readonly string[] = [],
): string[] {
  const limits = paths.flatMap((path) => ['-P', path]);
  return [...limits, '-e', `trace=${names.join(',')}`, '-e', `inject=${names.join(',')}:error=${error}:when=${when}`];
}

/** How many faults were really injected: a test that asks for one must see it. */
export function injected(traced: Traced): number {
  return traced.trace.split('(INJECTED)').length - 1;
}

/** The call that was made to fail. */
export function injectedCall(traced: Traced): string {
  return traced.trace.split('\n').find((line) => line.includes('(INJECTED)')) ?? '';
}

/** Whether every point is to be run, and not a sample: the long form of these tests. */
export const FULL = process.env['LEDGER_FAULTS'] === 'full';

const CHANGING =
  /^(?:p?writev?(?:64|2)?|f?truncate|fdatasync|fsync|rename(?:at2?)?|unlink(?:at)?|link(?:at)?|mkdir(?:at)?|rmdir|f?chmod|fallocate|copy_file_range|sendfile|flock|fcntl\(.*SETLK.*|openat\(.*O_(?:CREAT|TRUNC).*)$/;

/**
 * Those calls before which a kill leaves a state of its own: a kill before a read leaves what a kill before the next
 * change leaves. What the short form runs; the long form runs all calls all the same.
 */
export function changing(calls: readonly Call[]): Call[] {
  return calls.filter((call) => CHANGING.test(call.name) || CHANGING.test(call.text.split('\n')[0] ?? ''));
}

/** All items in the long form, else `count` of them, evenly spread, the first and the last among them. */
export function sample<T>(items: readonly T[], count: number): T[] {
  if (FULL || items.length <= count) return [...items];
  const step = (items.length - 1) / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, i) => items[Math.round(i * step)] as T);
}
