/** What does not hold: a code as `ledger bundle verify` has it, the row where there is one, wanted and found. */
export interface Finding {
  readonly code: string;
  readonly seq: number | null;
  readonly want: string;
  readonly got: string;
}

/** Thrown where nothing behind it can be looked at. */
export class Fault extends Error {
  constructor(
    readonly code: string,
    readonly want: string,
    readonly got: string,
  ) {
    super(`expected ${want}, found ${got}`);
  }
}

export class Findings {
  readonly all: Finding[] = [];

  /** @returns whether it holds, so that a check can go by it */
  must(holds: boolean, code: string, want: string, got: string, seq: number | null = null): boolean {
    if (!holds) this.all.push({ code, seq, want, got: got.slice(0, 200) });
    return holds;
  }
}
