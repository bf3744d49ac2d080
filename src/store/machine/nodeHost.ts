/**
 * The real clock, the real randomness and the real account of this process. Random bytes come from the system in blocks.
 *
 * What is used here loads nothing: `performance` and `timers/promises` would cost an append a millisecond.
 */
import { randomFillSync } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { orNothing } from '../../core/errors';
import type { Host } from '../../core/host';

const POOL_BYTES = 8 << 10;
const MAX_NAME = 100;

export function nodeHost(): Host {
  const pool = Buffer.allocUnsafe(POOL_BYTES);
  let used = POOL_BYTES;
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    random(length) {
      if (used + length > POOL_BYTES) {
        randomFillSync(pool);
        used = 0;
      }
      used += length;
      return pool.subarray(used - length, used);
    },
    sleep: (ms) =>
      new Promise((resolve) => {
        setTimeout(resolve, ms);
      }),
    by: account(),
    pid: process.pid,
  };
}

/** `uid:user@host`: who appends, as the operating system knows it. */
function account(): string {
  return `${process.geteuid?.() ?? 0}:${accountName().slice(0, MAX_NAME)}@${hostname().slice(0, MAX_NAME)}`;
}

/** The account of this process; one without a name is its number. */
export function accountName(): string {
  return orNothing(() => userInfo().username) ?? String(process.geteuid?.() ?? 0);
}
