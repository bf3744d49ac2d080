/**
 * A command as a child process with our own stdin, stdout and stderr, and the signals that are meant for it. While a
 * forwarder is alive none of these signals ends this process: it waits for the command, and says how it ended.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../core/errors';
import type { CommandEnd } from '../../core/runRows';

/** What a person or a supervisor sends to the program it thinks it started. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const;
/** Those that end a command which has not begun. */
const CANCELLING: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);
/** Those that a keyboard sends to everything in the foreground, the command included. */
const FROM_KEYBOARD: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Runs a command to its end. Never throws: a command that could not be started is an end, too.
 * @param tee takes what it writes to stdout, which is else our own; resolves when there is room for more
 */
export async function runChild(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  signals: SignalForwarder,
  tee?: (chunk: Buffer) => Promise<void>,
): Promise<CommandEnd> {
  const [program = '', ...args] = command;
  const early = signals.cancelledBy;
  if (early !== undefined) return { kind: 'cancelled', signal: early, number: constants.signals[early] };
  let child: ChildProcess;
  try {
    child = spawn(program, args, { stdio: ['inherit', tee === undefined ? 'inherit' : 'pipe', 'inherit'], env });
  } catch (error) {
    return notStarted(program, error);
  }
  signals.passTo(child);
  const copied = tee === undefined || child.stdout === null ? undefined : new Copy(child.stdout, tee);
  const end = await endOf(child, program);
  await copied?.rest();
  return end;
}

/** What it left behind may hold its stdout open for ever: its own output was there when it ended. */
const LAST_OUTPUT_MS = 1_000;

/** Hands on what a command prints. Where nobody takes it any more, the command's next write fails. */
class Copy {
  readonly #done: Promise<'done'>;
  #handingOn = false;
  #chunks = 0;

  constructor(
    private readonly stdout: Readable,
    tee: (chunk: Buffer) => Promise<void>,
  ) {
    this.#done = this.#run(tee);
  }

  async #run(tee: (chunk: Buffer) => Promise<void>): Promise<'done'> {
    try {
      for await (const chunk of this.stdout) {
        this.#handingOn = true;
        await tee(chunk as Buffer);
        this.#handingOn = false;
        this.#chunks++;
      }
    } catch {
      this.stdout.destroy();
    }
    return 'done';
  }

  /** Waits for what is still to come, however slow the reader is; not for a stdout on which nothing comes any more. */
  async rest(): Promise<void> {
    for (let seen = -1; seen !== this.#chunks || this.#handingOn;) {
      seen = this.#chunks;
      if ((await Promise.race([this.#done, sleep(LAST_OUTPUT_MS, undefined, { ref: false })])) === 'done') return;
    }
    this.stdout.destroy();
  }
}

function endOf(child: ChildProcess, program: string): Promise<CommandEnd> {
  return new Promise((done) => {
    child.once('error', (error) => {
      // Also heard where a signal could not be sent; only a child that never was has no pid.
      if (child.pid === undefined) done(notStarted(program, error));
    });
    child.once('exit', (code, signal) => {
      if (signal === null) done({ kind: 'exited', status: code ?? 0 });
      else done({ kind: 'killed', signal, number: constants.signals[signal] });
    });
  });
}

function notStarted(program: string, error: unknown): CommandEnd {
  const errno = errnoOf(error);
  const missing = errno === 'ENOENT' || errno === 'ENOTDIR' || program === '';
  return { kind: 'not-started', status: missing ? 127 : 126, why: errno ?? String(error) };
}

/**
 * Runs a shell command with a text on its stdin; what it prints goes to stderr.
 * @returns whether it ended well
 */
export function hearsOf(command: string, text: string, env: NodeJS.ProcessEnv): boolean {
  const { status } = spawnSync('/bin/sh', ['-c', command], { input: text, stdio: ['pipe', 2, 2], env });
  return status === 0;
}

/** Holds the signals that would end this process, and passes them on. */
export class SignalForwarder {
  #child: ChildProcess | undefined;
  #cancelledBy: NodeJS.Signals | undefined;
  readonly #listeners = FORWARDED.map((signal) => [signal, () => this.#take(signal)] as const);

  constructor() {
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  /** The signal that came before there was a command. */
  get cancelledBy(): NodeJS.Signals | undefined {
    return this.#cancelledBy;
  }

  passTo(child: ChildProcess): void {
    this.#child = child;
  }

  stop(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #take(signal: NodeJS.Signals): void {
    if (this.#child === undefined) {
      if (CANCELLING.has(signal)) this.#cancelledBy ??= signal;
      return;
    }
    // A second interrupt means "at once" to many programs: what the terminal has sent already is not sent again.
    if (FROM_KEYBOARD.has(signal) && isInForeground()) return;
    this.#child.kill(signal);
  }
}

/** Whether this process is in the foreground of a terminal, whose keys reach all that is. */
function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // After the name: state, parent, process group, session, terminal, the terminal's foreground process group.
    const [, , , processGroup, , , foregroundGroup] = stat.slice(stat.lastIndexOf(')') + 1).split(' ');
    return processGroup !== undefined && processGroup === foregroundGroup;
  } catch {
    return process.stdin.isTTY || process.stderr.isTTY;
  }
}
