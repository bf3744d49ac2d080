/** Ending what goes on until somebody has enough: a signal, or a reader that is gone. */
import { once } from 'node:events';
import { SIGNAL_EXIT } from './exit';
import type { ExitCode } from './exit';
import type { Io } from './io';

export interface Stop {
  readonly signal: AbortSignal;
  /** The code of the signal that ended it, else this one. */
  exitOr(code: ExitCode): ExitCode;
}

/** From now on a signal stops instead of killing, and so does a reader that closes the pipe. */
export function stopOnSignal(): Stop {
  const stop = new AbortController();
  let stoppedBy: keyof typeof SIGNAL_EXIT | undefined;
  for (const signal of Object.keys(SIGNAL_EXIT) as (keyof typeof SIGNAL_EXIT)[]) {
    process.on(signal, () => {
      stoppedBy ??= signal;
      stop.abort();
    });
  }
  // A write that finds the reader gone says so only later: nothing more is waited for then.
  for (const event of ['error', 'close']) process.stdout.once(event, () => stop.abort());
  return {
    signal: stop.signal,
    exitOr: (code) => (stoppedBy === undefined ? code : SIGNAL_EXIT[stoppedBy]),
  };
}

/** Waits until a slow reader has taken what was printed; false where it is gone. */
export async function drained(): Promise<boolean> {
  if (!process.stdout.writableNeedDrain) return true;
  const gone = once(process.stdout, 'close').then(() => false);
  return Promise.race([once(process.stdout, 'drain').then(() => true), gone]).catch(() => false);
}

/** Prints, and waits until it was taken; false where the reader is gone. */
export async function printed(io: Io, text: Buffer | string): Promise<boolean> {
  if (text.length === 0) return true;
  return io.pass(typeof text === 'string' ? Buffer.from(text) : text).then(
    () => true,
    () => false,
  );
}
