/** What the outside world gives to a writer. Tests fix all of it, so that a ledger can be predicted to the byte. */
export interface Host {
  /** Wall clock, milliseconds since the epoch. */
  nowMs(): number;
  /** A clock that never goes back, milliseconds from some start. */
  monotonicMs(): number;
  /** Fresh random bytes; the view is valid until the next call. */
  random(length: number): Uint8Array;
  /** Resolves after that many milliseconds. */
  sleep(ms: number): Promise<void>;
  /** The OS account that appends, `uid:user@host`. */
  readonly by: string;
  readonly pid: number;
}
