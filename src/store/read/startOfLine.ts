/** Where the line begins that a place is in, or right behind. */
import { readInto } from '../files';

const STEP_BYTES = 64 << 10;

/**
 * Just behind the last newline before `end`; 0 where there is none. Looks back step by step, in one buffer: one for each step
 * would be garbage as long as what is torn.
 */
export function startOfLine(fd: number, end: number): number {
  const block = Buffer.allocUnsafe(Math.min(STEP_BYTES, end));
  for (let to = end; to > 0; to -= STEP_BYTES) {
    const from = Math.max(0, to - STEP_BYTES);
    const bytes = readInto(fd, block.subarray(0, to - from), from);
    const at = block.subarray(0, bytes).lastIndexOf(0x0a);
    if (at >= 0) return from + at + 1;
  }
  return 0;
}
