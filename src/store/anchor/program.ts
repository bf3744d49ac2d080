/** Runs a program that takes a text and gives one, for at most so long. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { errnoOf } from '../../core/errors';

export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly input: Buffer | string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
  readonly timeoutMs: number;
  /** Whether what it has started ends with it when its time is over: then it has no terminal to ask at. */
  readonly apart?: boolean;
}

export interface ProgramEnd {
  /** Undefined where it did not end by itself, or never began. */
  readonly status: number | undefined;
  /** How it ended, in few words. */
  readonly how: string;
  readonly stdout: Buffer;
  /** The last of it. */
  readonly stderr: string;
}

const MAX_STDOUT = 1 << 20;
const MAX_STDERR = 4 << 10;
/** What it left behind may hold its pipes open for ever. */
const LAST_OUTPUT_MS = 500;

/** Never throws. */
export async function runProgram(run: ProgramRun): Promise<ProgramEnd> {
  // Loaded here: most runs of the program start none.
  const { spawn } = await import('node:child_process');
  const options: SpawnOptions = { env: run.env, detached: run.apart === true, stdio: 'pipe', ...(run.folder !== undefined && { cwd: run.folder }) }; // prettier-ignore
  let child: ChildProcess;
  try {
    child = spawn(run.program, run.args, options);
  } catch (error) {
    return notStarted(error);
  }
  return endOf(child, run);
}

function endOf(child: ChildProcess, run: ProgramRun): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const stdout = new Kept(MAX_STDOUT);
    const stderr = new Kept(MAX_STDERR, true);
    let isLate = false;
    const kill = (): void => killAll(child, run.apart === true);
    const finish = (status: number | undefined, how: string): void => {
      clearTimeout(timer);
      process.off('exit', kill);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve({ status, how, stdout: stdout.bytes(), stderr: stderr.bytes().toString() });
    };
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, run.timeoutMs);
    process.on('exit', kill);
    child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
    // It need not read what it is given.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(run.input);
    child.once('error', (error) => {
      if (child.pid === undefined) finish(undefined, notStarted(error).how);
    });
    child.once('exit', (code, signal) => {
      const how = isLate ? `no end within ${run.timeoutMs / 1000} s` : signal === null ? `status ${code ?? 0}` : signal;
      const status = isLate || signal !== null ? undefined : (code ?? 0);
      const last = setTimeout(() => finish(status, how), LAST_OUTPUT_MS);
      child.once('close', () => {
        clearTimeout(last);
        finish(status, how);
      });
    });
  });
}

function killAll(child: ChildProcess, isGroup: boolean): void {
  if (child.pid === undefined) return;
  try {
    process.kill(isGroup ? -child.pid : child.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function notStarted(error: unknown): ProgramEnd {
  const errno = errnoOf(error);
  const how = errno === 'ENOENT' ? 'no such program' : (errno ?? 'no start');
  return { status: undefined, how, stdout: Buffer.alloc(0), stderr: '' };
}

/** The first bytes of what comes, or the last ones. */
class Kept {
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(
    private readonly max: number,
    private readonly last = false,
  ) {}

  add(chunk: Buffer): void {
    if (this.#length >= this.max && !this.last) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.last && this.#length - (this.#chunks[0]?.length ?? 0) >= this.max) {
      this.#length -= this.#chunks.shift()?.length ?? 0;
    }
  }

  bytes(): Buffer {
    const all = Buffer.concat(this.#chunks);
    return this.last ? all.subarray(Math.max(0, all.length - this.max)) : all.subarray(0, this.max);
  }
}

/** The last line that says something, for a message. */
export function lastLine(text: string): string {
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  return line.length > 300 ? `${line.slice(0, 300)} …` : line;
}
