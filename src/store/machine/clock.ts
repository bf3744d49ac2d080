/** For waits: milliseconds that nobody sets back. `performance` would say the same, and takes 2 ms to load. */
export function monotonicMs(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1000 + nanos / 1e6;
}
