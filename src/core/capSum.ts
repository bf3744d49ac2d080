/** What was spent against one cap: since its period began, minute by minute, or run by run. Exact. */
import { minuteOf, rollingStart } from './caps';
import type { Cap } from './caps';
import { invariant } from './errors';

/** The text members of a row, or of what is asked for: what caps can be narrowed to. */
export type Members = Readonly<Record<string, string>>;

/** Runs whose sum is kept; of others it is asked for again. */
const MAX_RUNS = 1_000;

/** As plain data: amounts as text, in nano-dollars. */
export interface CapSumRecord {
  readonly nanos: string;
  readonly costRows: number;
  readonly minutes: readonly (readonly [number, string])[];
  readonly runs: readonly (readonly [string, string])[];
  readonly others: readonly string[];
}

export class CapSum {
  /** Of a calendar period: spent since it began. */
  #nanos = 0n;
  /** In so many rows. */
  #costRows = 0;
  #startMs = Infinity;
  /** Of the last 24 hours: spent by minute. */
  readonly #minutes = new Map<number, bigint>();
  /** Of a cap per run: spent by run, for those whose every row was seen. */
  readonly #runs = new Map<string, bigint>();
  /** Runs that spent something and are not among them. */
  readonly #others = new Set<string>();

  constructor(readonly cap: Cap) {}

  static fromRecord(cap: Cap, { nanos, costRows, minutes, runs, others }: CapSumRecord): CapSum {
    const sum = new CapSum(cap);
    sum.#nanos = BigInt(nanos);
    sum.#costRows = costRows;
    for (const [minute, spent] of minutes) sum.#minutes.set(minute, BigInt(spent));
    for (const [run, spent] of runs) sum.#runs.set(run, BigInt(spent));
    for (const run of others) sum.#others.add(run);
    return sum;
  }

  /** Without the minutes before a moment, and the runs that nothing was spent in for longest. */
  toRecord(sinceMs: number): CapSumRecord {
    const minutes = [...this.#minutes].filter(([minute]) => minute >= sinceMs);
    return {
      nanos: String(this.#nanos),
      costRows: this.#costRows,
      minutes: minutes.map(([minute, spent]) => [minute, String(spent)] as const),
      runs: [...this.#runs].slice(-MAX_RUNS).map(([run, spent]) => [run, String(spent)] as const),
      others: [...this.#others].slice(-MAX_RUNS),
    };
  }

  /** How many rows of a calendar period have a cost. */
  get costRows(): number {
    return this.#costRows;
  }

  get isPerRun(): boolean {
    return this.cap.per === 'run';
  }

  /** Whether a row, or what is asked for, counts against the cap. */
  appliesTo(members: Members): boolean {
    for (const [name, value] of this.cap.scope) if (members[name] !== value) return false;
    return true;
  }

  /** The period begins here: of what was counted before, nothing is in it. */
  begin(startMs: number): void {
    this.#startMs = startMs;
    this.#nanos = 0n;
    this.#costRows = 0;
  }

  /** The period that sums from a record are of. */
  goOn(startMs: number): void {
    this.#startMs = startMs;
  }

  /** From its first row on the sum of a run is known. */
  beginRun(run: string): void {
    if (this.isPerRun) this.#runs.set(run, 0n);
  }

  count(nanos: bigint, tsMs: number, run: string | undefined): void {
    if (this.isPerRun) {
      if (run !== undefined) this.#countInRun(run, nanos);
    } else if (this.cap.per === 'rolling_24h') {
      const minute = minuteOf(tsMs);
      this.#minutes.set(minute, (this.#minutes.get(minute) ?? 0n) + nanos);
    } else if (tsMs >= this.#startMs) {
      this.#nanos += nanos;
      this.#costRows++;
    }
  }

  #countInRun(run: string, nanos: bigint): void {
    const spent = this.#runs.get(run);
    if (spent === undefined) {
      this.#others.add(run);
      return;
    }
    // Behind the others: the first ones are forgotten first.
    this.#runs.delete(run);
    this.#runs.set(run, spent + nanos);
  }

  spent(nowMs: number, run: string | undefined): bigint {
    if (this.isPerRun) return this.#spentIn(run);
    if (this.cap.per !== 'rolling_24h') return this.#nanos;
    const since = rollingStart(nowMs);
    let nanos = 0n;
    for (const [minute, spent] of this.#minutes) if (minute >= since) nanos += spent;
    return nanos;
  }

  #spentIn(run: string | undefined): bigint {
    const nanos = run === undefined ? undefined : this.#runs.get(run);
    // Unknown is not nothing.
    invariant(nanos !== undefined, `the sum of a run was asked for before it was learned: ${run}`);
    return nanos;
  }

  /** Whether the sum of a run must be given (`learn`) before it can be told. */
  lacks(run: string): boolean {
    return this.isPerRun && !this.#runs.has(run);
  }

  /** What every row of a run has cost that is in. */
  learn(run: string, nanos: bigint): void {
    this.#runs.set(run, nanos);
    this.#others.delete(run);
  }

  /** Runs that spent something, of those whose sum is known; and of those whose is not. */
  get runs(): { readonly known: readonly string[]; readonly others: ReadonlySet<string> } {
    const known = [...this.#runs].filter(([, nanos]) => nanos !== 0n).map(([run]) => run);
    return { known, others: this.#others };
  }
}
