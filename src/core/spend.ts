/**
 * What has been spent and promised against the caps of a config, as of one row of the ledger: what a gate is answered from.
 *
 *   spent     the costs of rows that count, by `ts`: backdating a row escapes no cap
 *   reserved  what open reservations promise. One is open from its row on until a row closes it or its time is up;
 *             it counts in whatever period it is open in, since that is where it will be settled
 *   fits      spent + reserved + what is asked ≤ the cap
 *
 * Rows ahead of the clock count, too: a clock that went back escapes no cap. All sums are exact.
 */
import { rollingStart } from './caps';
import type { Cap } from './caps';
import { rowKindOf } from './costLine';
import { ROW_KINDS } from './costs';
import type { Period, PeriodUnit } from './day';
import type { JsonObject } from './json';
import type { Row } from './members';
import { parseCostNanos } from './money';
import { closedReservation, reservationOf } from './reservation';
import type { Reservation } from './reservation';
import { parseRfc3339 } from './time';

/** Up to which row of which file everything is in. */
export interface Through {
  readonly seq: number;
  readonly hash: string;
  /** Where the next line begins. */
  readonly bytes: number;
}

/** What is asked for: an amount, and the members that caps may be narrowed to. */
export interface Ask {
  readonly nanos: bigint;
  readonly members: Members;
}

export type Members = Readonly<Record<string, string>>;

/** One cap that applies to what is asked for, and how it stands before that. */
export interface CapState {
  readonly cap: Cap;
  /** The period, the run, or the last 24 hours. */
  readonly label: string;
  readonly spentNanos: bigint;
  readonly reservedNanos: bigint;
  readonly fits: boolean;
}

/** Which period holds a moment; asked only when the one that is known has ended, since a zone takes a while to load. */
export type PeriodOf = (unit: PeriodUnit, ms: number) => Period;

/**
 * What became of sums when the clock was looked at: they are of the `same` periods, or of new ones in which nothing was
 * spent yet; or they do not tell what was (`lost`): the clock went back, or rows of the new period were in already.
 */
export type Moved = 'same' | 'moved' | 'lost';

const MINUTE_MS = 60_000;
/** Runs whose sum is kept; of others it is asked for again. */
const MAX_RUNS = 1_000;
/** Reservations whose time is up: kept for a while, since a clock may go back. */
const MAX_LAPSED = 1_000;

/** What is kept for one cap. */
interface CapSum {
  /** Spent since the period began; in calendar periods. */
  nanos: bigint;
  /** Spent by minute, for the last 24 hours. */
  readonly minutes: Map<number, bigint>;
  /** Spent by run, for those whose every row was seen. */
  readonly runs: Map<string, bigint>;
  /** Runs that spent something and are not among them. */
  readonly others: Set<string>;
}

/** As plain data: amounts as text, in nano-dollars. */
export interface SpendRecord {
  readonly through: Through;
  readonly periods: readonly Period[];
  readonly sums: readonly {
    readonly nanos: string;
    readonly minutes: readonly (readonly [number, string])[];
    readonly runs: readonly (readonly [string, string])[];
    readonly others: readonly string[];
  }[];
  readonly open: readonly (Omit<Reservation, 'nanos'> & { readonly nanos: string })[];
  readonly aheadMs: number;
}

export class Spend {
  #through: Through;
  readonly #periods = new Map<PeriodUnit, Period>();
  readonly #sums: readonly CapSum[];
  readonly #open = new Map<string, Reservation>();
  /** The latest `ts` that was seen. */
  #aheadMs = 0;

  /**
   * Nothing spent yet.
   * @param through rows before it lie before every period that is asked for
   */
  constructor(
    private readonly caps: readonly Cap[],
    through: Through,
    periods: Iterable<Period>,
  ) {
    this.#through = through;
    for (const period of periods) this.#periods.set(period.unit, period);
    this.#sums = caps.map(() => ({ nanos: 0n, minutes: new Map(), runs: new Map(), others: new Set() }));
  }

  static fromRecord(caps: readonly Cap[], record: SpendRecord): Spend {
    const spend = new Spend(caps, record.through, record.periods);
    record.sums.forEach(({ nanos, minutes, runs, others }, i) => {
      const sum = spend.#sums[i] as CapSum;
      sum.nanos = BigInt(nanos);
      for (const [minute, spent] of minutes) sum.minutes.set(minute, BigInt(spent));
      for (const [run, spent] of runs) sum.runs.set(run, BigInt(spent));
      for (const run of others) sum.others.add(run);
    });
    for (const one of record.open) spend.#open.set(one.id, { ...one, nanos: BigInt(one.nanos) });
    spend.#aheadMs = record.aheadMs;
    return spend;
  }

  toRecord(nowMs: number): SpendRecord {
    this.#forget(nowMs);
    return {
      through: this.#through,
      periods: [...this.#periods.values()],
      sums: this.#sums.map(({ nanos, minutes, runs, others }) => ({
        nanos: String(nanos),
        minutes: [...minutes].map(([minute, spent]) => [minute, String(spent)] as const),
        runs: [...runs].map(([run, spent]) => [run, String(spent)] as const),
        others: [...others],
      })),
      open: [...this.#open.values()].map((one) => ({ ...one, nanos: String(one.nanos) })),
      aheadMs: this.#aheadMs,
    };
  }

  get through(): Through {
    return this.#through;
  }

  /** Goes on to the periods that hold `nowMs`, before later rows are added. */
  moveTo(nowMs: number, periodOf: PeriodOf): Moved {
    let moved: Moved = 'same';
    for (const unit of unitsOf(this.caps)) {
      const known = this.#periods.get(unit);
      if (known !== undefined && nowMs >= known.startMs && nowMs < known.endMs) continue;
      const next = periodOf(unit, nowMs);
      if (known === undefined || next.startMs < known.endMs || this.#aheadMs >= next.startMs) return 'lost';
      moved = 'moved';
      this.#periods.set(unit, next);
      this.caps.forEach((cap, i) => {
        if (cap.per === unit) (this.#sums[i] as CapSum).nanos = 0n;
      });
    }
    return moved;
  }

  /** Adds the next row. `bytes`: where the line behind it begins. */
  add(row: Row, bytes: number): void {
    this.#through = { seq: row.seq, hash: row.hash, bytes };
    const tsMs = parseRfc3339(row.ts) ?? 0;
    this.#beginRun(row);
    const kind = rowKindOf(row.action, row.provenance);
    if (kind > ROW_KINDS.imported) return;
    const closed = closedReservation(row);
    if (closed !== undefined) this.#open.delete(closed);
    if (kind === ROW_KINDS.live) this.#reserve(row);
    this.#addCost(row, tsMs);
  }

  /** Counts what is about to be appended: these sums are of this moment alone from here on. */
  spendNow({ nanos, members }: Ask, nowMs: number): void {
    this.#count(members, nanos, nowMs);
  }

  /** A tombstone, or rows of the ledger's own: nothing is spent in them. */
  pass(through: Through): void {
    this.#through = through;
  }

  /** From its first row on the sum of a run is known. */
  #beginRun({ run_id: run, run_seq: place }: Row): void {
    if (run === undefined || place !== 1) return;
    this.caps.forEach((cap, i) => {
      if (cap.per === 'run') this.#sums[i]?.runs.set(run, 0n);
    });
  }

  #reserve(row: Row): void {
    const reservation = reservationOf(row, this.#scopeNames());
    if (reservation !== undefined) this.#open.set(reservation.id, reservation);
  }

  #addCost(row: Row, tsMs: number): void {
    const cost = row.cost_usd === undefined ? undefined : parseCostNanos(String(row.cost_usd));
    if (cost === undefined) return;
    this.#count(membersOf(row), BigInt(cost), tsMs);
    if (tsMs > this.#aheadMs) this.#aheadMs = tsMs;
  }

  #count(members: Members, nanos: bigint, tsMs: number): void {
    const run = members['run_id'];
    this.caps.forEach((cap, i) => {
      if (!applies(cap, members)) return;
      const sum = this.#sums[i] as CapSum;
      if (cap.per === 'run') {
        if (run !== undefined) spendInRun(sum, run, nanos);
      } else if (cap.per === 'rolling_24h') {
        const minute = Math.floor(tsMs / MINUTE_MS) * MINUTE_MS;
        sum.minutes.set(minute, (sum.minutes.get(minute) ?? 0n) + nanos);
      } else if (tsMs >= (this.#periods.get(cap.per as PeriodUnit)?.startMs ?? Infinity)) sum.nanos += nanos;
    });
  }

  /** The run of what is asked for, where its sum must be given first (`setRun`): not every row of it was seen. */
  lacksRun({ members }: Ask): string | undefined {
    const run = members['run_id'];
    if (run === undefined) return undefined;
    const lacks = this.caps.some(
      (cap, i) => cap.per === 'run' && applies(cap, members) && this.#sums[i]?.runs.has(run) === false,
    );
    return lacks ? run : undefined;
  }

  /** What the rows of a run that are in have cost, cap by cap. */
  setRun(run: string, spent: readonly (bigint | undefined)[]): void {
    this.#sums.forEach((sum, i) => {
      const nanos = spent[i];
      if (nanos === undefined) return;
      sum.runs.set(run, nanos);
      sum.others.delete(run);
    });
  }

  /** How the caps stand that apply to what is asked for. Needs `moveTo` of the same moment, and the run's sum. */
  statesFor(ask: Ask, nowMs: number): CapState[] {
    return this.caps.flatMap((cap, i) => {
      if (!applies(cap, ask.members)) return [];
      const run = ask.members['run_id'];
      if (cap.per === 'run' && run === undefined) return [];
      return [this.#state(cap, i, run, nowMs, ask.nanos)];
    });
  }

  #state(cap: Cap, i: number, run: string | undefined, nowMs: number, asked: bigint): CapState {
    const spentNanos = this.#spent(cap, i, run, nowMs);
    const reservedNanos = this.#reserved(cap, run, nowMs);
    const fits = spentNanos + reservedNanos + asked <= cap.nanos;
    return { cap, label: this.#label(cap, run), spentNanos, reservedNanos, fits };
  }

  /** Runs that spent something lately and whose sums must be given first where `statesNow` is to have them. */
  get otherRuns(): ReadonlySet<string> {
    return new Set(this.#sums.flatMap(({ others }) => [...others]));
  }

  /** How every cap stands; one per run once for each run that lately spent something, or has something reserved. */
  statesNow(nowMs: number): CapState[] {
    const open = this.openAt(nowMs);
    return this.caps.flatMap((cap, i) => {
      if (cap.per !== 'run') return [this.#state(cap, i, undefined, nowMs, 0n)];
      const reserved = open.filter(({ members }) => applies(cap, members)).map(({ members }) => members['run_id']);
      const spent = [...(this.#sums[i]?.runs ?? [])].filter(([, nanos]) => nanos !== 0n).map(([run]) => run);
      const runs = new Set([...spent, ...reserved.filter((run) => run !== undefined)]);
      return [...runs].map((run) => this.#state(cap, i, run, nowMs, 0n));
    });
  }

  /** Reservations that are open at a moment, the oldest first. */
  openAt(nowMs: number): Reservation[] {
    return [...this.#open.values()].filter(({ expiresMs }) => expiresMs > nowMs);
  }

  #spent(cap: Cap, i: number, run: string | undefined, nowMs: number): bigint {
    const sum = this.#sums[i] as CapSum;
    if (cap.per === 'run') return sum.runs.get(run ?? '') ?? 0n;
    if (cap.per !== 'rolling_24h') return sum.nanos;
    const since = rollingStart(nowMs);
    let nanos = 0n;
    for (const [minute, spent] of sum.minutes) if (minute >= since) nanos += spent;
    return nanos;
  }

  #reserved(cap: Cap, run: string | undefined, nowMs: number): bigint {
    let nanos = 0n;
    for (const one of this.#open.values()) {
      const counts = one.expiresMs > nowMs && applies(cap, one.members);
      if (counts && (cap.per !== 'run' || one.members['run_id'] === run)) nanos += one.nanos;
    }
    return nanos;
  }

  #label(cap: Cap, run: string | undefined): string {
    if (cap.per === 'run') return run ?? '';
    if (cap.per === 'rolling_24h') return 'last 24 hours';
    return this.#periods.get(cap.per as PeriodUnit)?.label ?? cap.per;
  }

  #scopeNames(): ReadonlySet<string> {
    return new Set(['run_id', ...this.caps.flatMap(({ scope }) => [...scope.keys()])]);
  }

  #forget(nowMs: number): void {
    const since = rollingStart(nowMs);
    for (const { minutes, runs, others } of this.#sums) {
      // One more day: the clock may go back a little.
      for (const minute of minutes.keys()) if (minute < since - KEPT_MINUTES_MS) minutes.delete(minute);
      for (const run of runs.keys()) if (runs.size > MAX_RUNS) runs.delete(run);
      for (const run of others) if (others.size > MAX_RUNS) others.delete(run);
    }
    const lapsed = [...this.#open.values()].filter(({ expiresMs }) => expiresMs <= nowMs);
    for (const { id } of lapsed.slice(0, -MAX_LAPSED)) this.#open.delete(id);
  }
}

const KEPT_MINUTES_MS = 60 * MINUTE_MS;

/** The calendar units that caps are counted in. */
export function unitsOf(caps: readonly Cap[]): PeriodUnit[] {
  const units = caps.map(({ per }) => per).filter((per) => per !== 'run' && per !== 'rolling_24h' && per !== 'window');
  return [...new Set(units)];
}

/** Whether a row, or what is asked for, counts against a cap. */
function applies({ scope }: Cap, members: Members): boolean {
  for (const [name, value] of scope) if (members[name] !== value) return false;
  return true;
}

/** The members that caps can be narrowed to, of what a caller says. */
export function textMembers(members: JsonObject): Members {
  return Object.fromEntries([...members].filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}

/** The members of a row that hold text. */
function membersOf(row: Row): Members {
  return row as unknown as Members;
}

function spendInRun({ runs, others }: CapSum, run: string, nanos: bigint): void {
  const spent = runs.get(run);
  if (spent === undefined) {
    others.add(run);
    return;
  }
  // Behind the others: the first ones are forgotten first.
  runs.delete(run);
  runs.set(run, spent + nanos);
}
