/** A progress line on a terminal: how much is done, rows, bytes, rate, time left. Nothing where stderr is no terminal. */
import type { ReadSoFar } from '../core/progress';
import type { Io } from './io';
import type { GlobalFlags } from './options';

const EVERY_MS = 100;
const ERASE_LINE = '\r\u001b[K';
const BAR_CHARS = 20;
/** Before that the rate says too little. */
const GUESS_AFTER_MS = 500;

export interface Progress {
  readonly show: ((done: ReadSoFar) => void) | undefined;
  end(): void;
}

export function progressOf(io: Io, flags: GlobalFlags, verb: string): Progress {
  if (!io.isErrTTY || flags.quiet === true || flags.json === true) return { show: undefined, end: () => undefined };
  const startMs = io.nowMs();
  let shownMs = startMs;
  let shown = false;
  return {
    show(done) {
      const nowMs = io.nowMs();
      if (nowMs - shownMs < EVERY_MS) return;
      shownMs = nowMs;
      shown = true;
      io.stderr(`${ERASE_LINE}${verb} ${progressText(done, nowMs - startMs)}`);
    },
    end() {
      if (shown) io.stderr(ERASE_LINE);
    },
  };
}

export interface Counter {
  readonly show: (done: number, of: number) => void;
  end(): void;
}

/** The same for a few things that each take a while: `12 of 48 attacks`. */
export function counterOf(io: Io, flags: GlobalFlags, what: string): Counter {
  if (!io.isErrTTY || flags.quiet === true || flags.json === true)
    return { show: () => undefined, end: () => undefined };
  return {
    show: (done, of) => io.stderr(`${ERASE_LINE}${done} of ${of} ${what}`),
    end: () => io.stderr(ERASE_LINE),
  };
}

/** `[#####...............]  27 %  281,000 rows  193 of 715 MB  160 MB/s  3 s left` */
export function progressText({ rows, bytes, totalBytes }: ReadSoFar, elapsedMs: number): string {
  const part = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes);
  const bar = '#'.repeat(Math.floor(part * BAR_CHARS)).padEnd(BAR_CHARS, '.');
  const percent = `${Math.floor(part * 100)} %`.padStart(5);
  const rate = bytes / Math.max(1, elapsedMs);
  const amount = `${rows.toLocaleString('en-US')} rows  ${megabytes(bytes)} of ${megabytes(totalBytes)} MB`;
  const left =
    elapsedMs < GUESS_AFTER_MS || rate === 0 ? '' : `  ${durationText((totalBytes - bytes) / rate / 1000)} left`;
  return `[${bar}] ${percent}  ${amount}  ${(rate / 1000).toFixed(0)} MB/s${left}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** `5 s`, `2 min 5 s`, `1 h 5 min`. */
function durationText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
