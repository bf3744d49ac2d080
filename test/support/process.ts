/**
 * Real processes for tests: started, fed, timed out, and told apart by how they ended. Nothing is awaited without a
 * limit: a test that hangs names the command that hung.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** The shipped command, run as a user runs it. */
export const LEDGER = resolve(__dirname, '../../bin/ledger.js');

export interface Ended {
  /** The exit code, or 128 + n for signal n, as a shell says it. */
  readonly status: number;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stdin?: string | Buffer;
  readonly timeoutMs?: number;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
  SIGXFSZ: 25,
};

/** A started process together with its end. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts a command. Its standard input stays open where `stdin` is undefined. */
export function start(command: readonly string[], options: RunOptions = {}): Running {
  const [file, ...args] = command;
  if (file === undefined) throw new Error('expected a command, found none');
  const startedAt = performance.now();
  const child = spawn(file, args, { cwd: options.cwd, env: options.env, stdio: ['pipe', 'pipe', 'pipe'] });
  if (options.stdin !== undefined) child.stdin.end(options.stdin);
  child.stdin.on('error', () => undefined); // a process that was killed does not read: that is what is tested
  const ended = new Promise<Ended>((done, fail) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      const heard = Buffer.concat(stderr).toString().slice(0, 500);
      fail(new Error(`expected an end within ${options.timeoutMs ?? 60_000} ms: ${command.join(' ')}\n${heard}`));
    }, options.timeoutMs ?? 60_000);
    child.on('error', (error) => {
      clearTimeout(timer);
      fail(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      done({
        status: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0),
        signal: signal ?? undefined,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
        elapsedMs: performance.now() - startedAt,
      });
    });
  });
  ended.catch(() => undefined); // reported where it is awaited
  return { child, ended };
}

/** Runs a command to its end. Standard input is empty where none is given. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return start(command, { stdin: '', ...options }).ended;
}

/** Runs `work` for every item, `limit` at a time; results in the order of the items. */
export async function mapLimit<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

/** How many processes at a time: the tests' own limit, so that timing checks hold on two cores. */
export const LANES = 2;

/** Resolves after `ms`. */
export function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Waits until `holds` is true, at most `limitMs`; what was awaited is named where it never came. */
export async function until(what: string, holds: () => boolean, limitMs = 10_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`expected within ${limitMs} ms: ${what}`);
    await sleep(5);
  }
}

/** Waits until a process is stopped (SIGSTOP). */
export function untilStopped({ child }: Running): Promise<void> {
  const status = `/proc/${child.pid ?? 0}/stat`;
  const letter = (): string => {
    const text = existsSync(status) ? readFileSync(status, 'utf8') : '';
    return text.slice(text.lastIndexOf(')') + 2).charAt(0);
  };
  return until('the process is stopped', () => letter() === 'T');
}

/** Where a tool is on the PATH, or undefined. */
export function toolPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Why a test that needs these tools cannot run here, or false where it can: the value of node:test's `skip`. */
export function missingTools(...names: readonly string[]): string | false {
  const missing = names.filter((name) => toolPath(name) === undefined);
  return missing.length === 0 ? false : `needs ${missing.join(', ')} (Debian packages: see .ci/run)`;
}
