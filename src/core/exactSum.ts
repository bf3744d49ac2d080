/** A sum of safe integers, exact beyond them: a bigint per row costs five times as much. */
export class ExactSum {
  private part = 0;
  private rest = 0n;

  /** @param nanos below 10^15 in size */
  add(nanos: number): void {
    this.part += nanos;
    if (this.part > 4e15 || this.part < -4e15) this.carry();
  }

  addBig(nanos: bigint): void {
    this.rest += nanos;
  }

  total(): bigint {
    this.carry();
    return this.rest;
  }

  private carry(): void {
    this.rest += BigInt(this.part);
    this.part = 0;
  }
}
