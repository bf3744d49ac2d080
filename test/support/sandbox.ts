/**
 * A place of its own for every process that a test harms: a state folder, a second spill place and the environment
 * that points there. Rows carry a mark each, so that a lost row and a doubled one can be counted.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { LEDGER, run } from './process';
import type { Ended, RunOptions } from './process';

export interface Sandbox {
  readonly root: string;
  /** The state folder; missing until something creates it. */
  readonly dir: string;
  readonly ledger: string;
  /** The second spill place lies below this folder. */
  readonly stateHome: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The environment of a ledger process: nothing of the tester's own settings, one file thread so that counts are exact. */
function environment(dir: string, stateHome: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('LEDGER_') && !['TRACEPARENT', 'NODE_OPTIONS', 'NODE_TEST_CONTEXT'].includes(name),
  );
  return {
    ...Object.fromEntries(inherited),
    LEDGER_DIR: dir,
    XDG_STATE_HOME: stateHome,
    UV_THREADPOOL_SIZE: '1',
    UV_USE_IO_URING: '0',
    NO_COLOR: '1',
  };
}

/** The sandbox of a folder that exists. `dir` and `stateHome` may lie elsewhere (a mount). */
export function sandboxAt(root: string, places: { dir?: string; stateHome?: string } = {}): Sandbox {
  const dir = places.dir ?? join(root, 'state');
  const stateHome = places.stateHome ?? join(root, 'xdg');
  return { root, dir, ledger: join(dir, 'audit.jsonl'), stateHome, env: environment(dir, stateHome) };
}

const endings = new WeakMap<TestContext, (() => unknown)[]>();

/** Runs `undo` when the test ends, the last one first: a mount goes before the folder that it is in. */
export function atEnd(t: TestContext, undo: () => unknown): void {
  const known = endings.get(t);
  if (known !== undefined) {
    known.push(undo);
    return;
  }
  const undos = [undo];
  endings.set(t, undos);
  t.after(async () => {
    for (const one of undos.reverse()) await one();
  });
}

/** A fresh folder that goes away with the test. */
export function temporaryFolder(t: TestContext): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ledger-fault-')));
  atEnd(t, () => rmSync(root, { recursive: true, force: true }));
  return root;
}

/** A fresh sandbox that goes away with the test. */
export function sandbox(t: TestContext): Sandbox {
  return sandboxAt(temporaryFolder(t));
}

/** Runs `use` in a fresh sandbox, a copy of `template` where one is given, and removes it: for sweeps of many points. */
export async function inSandbox<T>(template: Sandbox | undefined, use: (box: Sandbox) => Promise<T>): Promise<T> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ledger-fault-')));
  try {
    const box = sandboxAt(root);
    if (template !== undefined) copyState(template, box);
    return await use(box);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Copies the state folder; times are kept, so that nothing looks newer than it is. */
export function copyState(from: Sandbox, to: Sandbox): void {
  mkdirSync(to.root, { recursive: true });
  cpSync(from.dir, to.dir, { recursive: true, preserveTimestamps: true });
}

/** One input row with its mark. */
export function markedRow(mark: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ run_id: 'run-1', agent: 'tester', action: 'fault.probe', mark, cost_usd: 0.001, ...more });
}

/** JSON lines of marked rows. */
export function markedRows(marks: readonly string[], more: Readonly<Record<string, unknown>> = {}): string {
  return marks.map((mark) => `${markedRow(mark, more)}\n`).join('');
}

/** The marks `prefix1` … `prefixN`. */
export function marks(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);
}

/** The command line of the shipped program. */
export function ledgerCommand(...args: readonly string[]): string[] {
  return [process.execPath, LEDGER, ...args];
}

/** Runs the shipped program in a sandbox. */
export function ledger(box: Sandbox, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return run(ledgerCommand(...args), { cwd: box.root, ...options, env: { ...box.env, ...options.env } });
}

/** The command that appends JSON lines from standard input and answers with JSON receipts. */
export const APPEND: readonly string[] = ledgerCommand('append', '--json', '-');

/** Appends marked rows with the shipped program, through a pipe. */
export function appendMarks(box: Sandbox, rowMarks: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return ledger(box, ['append', '--json', '-'], { ...options, stdin: markedRows(rowMarks) });
}

/** Runs a node command in a sandbox and reports its peak memory and its processor time. */
export async function measured(
  box: Sandbox,
  command: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly ended: Ended; readonly peakBytes: number; readonly cpuMs: number }> {
  const report = join(box.root, 'peak');
  const preload = join(__dirname, 'peakMemory.cjs');
  const env = { ...box.env, NODE_OPTIONS: `--require=${preload}`, PEAK_FILE: report };
  const ended = await run(command, { cwd: box.root, ...options, env });
  return { ended, ...(JSON.parse(readFileSync(report, 'utf8')) as { peakBytes: number; cpuMs: number }) };
}

export interface Receipt {
  readonly status: 'landed' | 'duplicate' | 'spilled' | 'refused';
  readonly seq?: number;
  readonly id?: string;
  readonly hash?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** The whole receipt lines of an answer; one cut short by a kill was not given. */
export function receipts(stdout: string): Receipt[] {
  const lines = stdout.split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Receipt);
}

/** The marks whose rows were acknowledged as stored: one receipt for each input line, in order. */
export function acknowledged(rowMarks: readonly string[], stdout: string): string[] {
  return receipts(stdout).flatMap((receipt, i) => (receipt.status === 'refused' ? [] : [rowMarks[i] as string]));
}
