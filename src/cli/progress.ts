/** A progress line on a terminal: rows, bytes, rate. Nothing where stderr is no terminal. */
import type { Io } from './io';
import type { GlobalFlags } from './options';

const EVERY_MS = 100;
const ERASE_LINE = '\r\u001b[K';

export interface Progress {
  readonly show: ((done: { readonly rows: number; readonly bytes: number }) => void) | undefined;
  end(): void;
}

export function progressOf(io: Io, flags: GlobalFlags, verb: string): Progress {
  if (!io.isErrTTY || flags.quiet === true || flags.json === true) return { show: undefined, end: () => undefined };
  const startMs = io.nowMs();
  let shownMs = startMs;
  let shown = false;
  return {
    show({ rows, bytes }) {
      const nowMs = io.nowMs();
      if (nowMs - shownMs < EVERY_MS) return;
      shownMs = nowMs;
      shown = true;
      const rate = bytes / 1e6 / Math.max(0.001, (nowMs - startMs) / 1000);
      io.stderr(
        `${ERASE_LINE}${verb}: ${rows.toLocaleString('en-US')} rows, ${(bytes / 1e6).toFixed(0)} MB, ${rate.toFixed(0)} MB/s`,
      );
    },
    end() {
      if (shown) io.stderr(ERASE_LINE);
    },
  };
}
