/**
 * What has been spent and promised against the caps of a config, as of one row of the ledger: what a gate is answered from.
 *
 *   spent     the costs of rows that count, by `ts`: backdating a row escapes no cap
 *   reserved  what open reservations promise. One is open from its row on until a row closes it or its time is up;
 *             it counts in whatever period it is open in, since that is where it will be settled
 *   fits      spent + reserved + what is asked ≤ the cap, or what it is raised to at this moment
 *
 * Rows ahead of the clock count, too: a clock that went back escapes no cap. All sums are exact.
 */
import { rollingStart, unitsOf } from './caps';
import type { Cap } from './caps';
import { inForce } from './capState';
import type { Ask, CapState } from './capState';
import { CapSum } from './capSum';
import type { CapSumRecord, Members } from './capSum';
import { rowKindOf } from './costLine';
import { ROW_KINDS } from './costs';
import type { Period, PeriodUnit } from './day';
import type { Row } from './members';
import { parseCostNanos } from './money';
import { OpenReservations } from './openReservations';
import { Overrides } from './override';
import type { Override } from './override';
import { closedBy, reservationOf } from './reservation';
import type { Reservation } from './reservation';
import type { SpendRecord, Through } from './spendRecord';
import { SPARE_MS, spareSince } from './spendSince';
import { parseRfc3339 } from './time';

/** Which period holds a moment; asked only when the one that is known has ended, since a zone takes a while to load. */
export type PeriodOf = (unit: PeriodUnit, ms: number) => Period;

/**
 * What became of sums when the clock was looked at: they are of the `same` periods, or of new ones in which nothing was
 * spent yet; or they do not tell what was (`lost`): the clock went back, or rows of the new period were in already.
 */
export type Moved = 'same' | 'moved' | 'lost';

interface Others {
  readonly open: OpenReservations;
  readonly overrides: Overrides;
}

export class Spend {
  #through: Through;
  /** What was before is not known. */
  readonly #sinceMs: number;
  readonly #periods = new Map<PeriodUnit, Period>();
  readonly #sums: readonly CapSum[];
  readonly #open: OpenReservations;
  readonly #overrides: Overrides;
  /** The latest `ts` that was seen. */
  #aheadMs = 0;

  private constructor(start: Pick<SpendRecord, 'through' | 'sinceMs'>, sums: readonly CapSum[], others: Others) {
    this.#through = start.through;
    this.#sinceMs = start.sinceMs;
    this.#sums = sums;
    this.#open = others.open;
    this.#overrides = others.overrides;
  }

  /**
   * Nothing spent yet.
   * @param through rows before it were appended before `sinceMs`
   * @param sinceMs of `neededSince`
   * @param periods those of the caps' units that hold this moment
   */
  static empty(caps: readonly Cap[], through: Through, sinceMs: number, periods: readonly Period[]): Spend {
    const sums = caps.map((cap) => new CapSum(cap));
    const others = { open: new OpenReservations(), overrides: new Overrides(caps) };
    const spend = new Spend({ through, sinceMs }, sums, others);
    for (const period of periods) spend.#enter(period);
    return spend;
  }

  static fromRecord(caps: readonly Cap[], record: SpendRecord): Spend {
    const sums = caps.map((cap, i) => CapSum.fromRecord(cap, record.sums[i] as CapSumRecord));
    const spend = new Spend(record, sums, {
      open: OpenReservations.fromRecord(record.open),
      overrides: Overrides.fromRecord(caps, record.overrides),
    });
    for (const period of record.periods) {
      spend.#periods.set(period.unit, period);
      for (const sum of spend.#in(period.unit)) sum.goOn(period.startMs);
    }
    spend.#aheadMs = record.aheadMs;
    return spend;
  }

  /** What is worth keeping: not what no clock but one set back far would ask for. */
  toRecord(nowMs: number): SpendRecord {
    const keptMs = rollingStart(nowMs) - SPARE_MS;
    const { open, sinceMs } = this.#open.toRecord(nowMs);
    return {
      through: this.#through,
      sinceMs: Math.max(this.#sinceMs, keptMs, sinceMs),
      periods: [...this.#periods.values()],
      sums: this.#sums.map((sum) => sum.toRecord(keptMs)),
      open,
      overrides: this.#overrides.toRecord(),
      aheadMs: this.#aheadMs,
    };
  }

  get through(): Through {
    return this.#through;
  }

  /** Goes on to the periods that hold `nowMs`, before later rows are added. */
  moveTo(nowMs: number, periodOf: PeriodOf): Moved {
    const caps = this.#sums.map(({ cap }) => cap);
    if (spareSince(caps, nowMs) < this.#sinceMs) return 'lost';
    let moved: Moved = 'same';
    for (const unit of unitsOf(caps)) {
      const known = this.#periods.get(unit);
      if (known !== undefined && nowMs >= known.startMs && nowMs < known.endMs) continue;
      const next = periodOf(unit, nowMs);
      if (known === undefined || next.startMs < known.endMs || this.#aheadMs >= next.startMs) return 'lost';
      moved = 'moved';
      this.#enter(next);
    }
    return moved;
  }

  #enter(period: Period): void {
    this.#periods.set(period.unit, period);
    for (const sum of this.#in(period.unit)) sum.begin(period.startMs);
  }

  #in(unit: PeriodUnit): CapSum[] {
    return this.#sums.filter(({ cap }) => cap.per === unit);
  }

  /** Adds the next row. `bytes`: where the line behind it begins. */
  add(row: Row, bytes: number): void {
    this.#through = { seq: row.seq, hash: row.hash, bytes };
    if (row.run_id !== undefined && row.run_seq === 1) for (const sum of this.#sums) sum.beginRun(row.run_id);
    const closed = closedBy(row.idempotency_key);
    if (closed !== undefined) this.#open.close(closed);
    const kind = rowKindOf(row.action, row.provenance);
    if (kind > ROW_KINDS.imported) return;
    const made = kind === ROW_KINDS.live ? reservationOf(row, this.#scopeNames()) : undefined;
    if (made !== undefined) this.#open.add(made);
    this.#overrides.add(row);
    this.#addCost(row);
  }

  /** A row from before those that are added: whether it raises a cap. In the order of the ledger. */
  addOlder(row: Row): void {
    this.#overrides.add(row);
  }

  /** A tombstone: nobody knows what was spent in it. */
  pass(through: Through): void {
    this.#through = through;
  }

  /** Counts what is about to be appended: these sums are of this moment alone from here on. */
  spendNow({ nanos, members }: Ask, nowMs: number): void {
    for (const sum of this.#sums) if (sum.appliesTo(members)) sum.count(nanos, nowMs, members['run_id']);
  }

  #addCost(row: Row): void {
    const cost = row.cost_usd === undefined ? undefined : parseCostNanos(String(row.cost_usd));
    if (cost === undefined) return;
    const tsMs = parseRfc3339(row.ts) ?? 0;
    this.spendNow({ nanos: BigInt(cost), members: row as unknown as Members }, tsMs);
    if (tsMs > this.#aheadMs) this.#aheadMs = tsMs;
  }

  /** The run of what is asked for, where its sum must be given first (`setRun`): not every row of it was seen. */
  lacksRun({ members }: Ask): string | undefined {
    const run = members['run_id'];
    const lacks = run !== undefined && this.#sums.some((sum) => sum.appliesTo(members) && sum.lacks(run));
    return lacks ? run : undefined;
  }

  /** What the rows of a run that are in have cost, cap by cap. */
  setRun(run: string, spent: readonly (bigint | undefined)[]): void {
    spent.forEach((nanos, i) => {
      if (nanos !== undefined) this.#sums[i]?.learn(run, nanos);
    });
  }

  /** Runs that lately spent something, or reserved it, and whose sums must be given before `statesNow` is asked. */
  otherRuns(nowMs: number): ReadonlySet<string> {
    const reserved = this.openAt(nowMs).flatMap(({ members }) => this.lacksRun({ nanos: 0n, members }) ?? []);
    return new Set([...this.#sums.flatMap(({ runs }) => [...runs.others]), ...reserved]);
  }

  /** Whether a reservation is there that no row has closed. */
  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  /** What raises a cap at a moment. */
  overrideOf(cap: Cap, nowMs: number): Override | undefined {
    return this.#overrides.at(cap, nowMs);
  }

  /** How the caps stand that apply to what is asked for. Needs `moveTo` of the same moment, and the run's sum. */
  statesFor({ nanos, members }: Ask, nowMs: number): CapState[] {
    const run = members['run_id'];
    return this.#sums
      .filter((sum) => sum.appliesTo(members) && !(sum.isPerRun && run === undefined))
      .map((sum) => this.#state(sum, run, nowMs, nanos));
  }

  /** How every cap stands; one per run once for each run that lately spent something, or has something reserved. */
  statesNow(nowMs: number): CapState[] {
    const open = this.openAt(nowMs);
    return this.#sums.flatMap((sum) => {
      if (!sum.isPerRun) return [this.#state(sum, undefined, nowMs, 0n)];
      const reserved = open.filter(({ members }) => sum.appliesTo(members)).map(({ members }) => members['run_id']);
      const runs = new Set([...sum.runs.known, ...reserved.filter((run) => run !== undefined)]);
      return [...runs].map((run) => this.#state(sum, run, nowMs, 0n));
    });
  }

  /** Reservations that are open at a moment, the oldest first. */
  openAt(nowMs: number): Reservation[] {
    return this.#open.at(nowMs);
  }

  #state(sum: CapSum, run: string | undefined, nowMs: number, asked: bigint): CapState {
    const { cap } = sum;
    const spentNanos = sum.spent(nowMs, run);
    const reservedNanos = this.#open.under(sum, run, nowMs);
    // A refund of money that was spent in another period makes no room for more than the cap.
    const used = (spentNanos > 0n ? spentNanos : 0n) + reservedNanos + asked;
    const override = this.#overrides.at(cap, nowMs);
    const fits = used <= inForce({ cap, override }).nanos;
    const period = this.#periods.get(cap.per as PeriodUnit);
    const { costRows } = sum;
    return { cap, label: this.#label(cap, run), override, period, spentNanos, costRows, reservedNanos, fits };
  }

  #label(cap: Cap, run: string | undefined): string {
    if (cap.per === 'run') return run ?? '';
    if (cap.per === 'rolling_24h') return 'last 24 hours';
    return this.#periods.get(cap.per as PeriodUnit)?.label ?? cap.per;
  }

  #scopeNames(): ReadonlySet<string> {
    return new Set(['run_id', ...this.#sums.flatMap(({ cap }) => [...cap.scope.keys()])]);
  }
}
