/**
 * Figures over rows, group by group: how many, and of chosen fields the sum, the mean and percentiles.
 *
 *   by agent, sum cost_usd, p95 duration_ms  →  coder  412 rows  3.2041  8120
 *
 * Sums are exact: decimals of up to nine places, never doubles; what has more is rounded to nine. A mean is such a sum
 * divided, rounded to nine places. A percentile is the value at its rank (nearest rank), one that stands in a row. Only
 * numbers count, of those that a double can hold; rows without one are told of, since absent is not zero.
 */
import { LedgerError } from '../errors';
import { formatNanos, NANOS_PER_USD, roundedToNanos } from '../money';
import { ExactSum } from '../exactSum';
import { SEALED_TEXT, sealIn } from '../seal';
import { fieldText } from './field';
import type { Field, FieldReader } from './field';

export type MeasureKind = 'sum' | 'avg' | 'p50' | 'p95';

export interface Measure {
  readonly kind: MeasureKind;
  readonly field: Field;
}

export interface Group {
  /** The values of the fields that rows are grouped by; null where a row has none. */
  readonly keys: readonly (string | null)[];
  readonly rows: number;
  /** In the order of the measures, as decimals; null where no row of the group has a number. */
  readonly values: readonly (string | null)[];
}

export interface Grouping {
  readonly groups: readonly Group[];
  readonly total: Group;
  /** For each measure: how many rows have no number there. */
  readonly missing: readonly number[];
  /** Rows that are not live: provenance sample or fallback. They are in the figures. */
  readonly notLiveRows: number;
}

const MAX_GROUPS = 100_000;
/** Eight bytes each. */
const MAX_RANKED = 16_000_000;
const NOT_LIVE: ReadonlySet<unknown> = new Set(['sample', 'fallback']);

export class GroupTally {
  readonly #by: readonly number[];
  readonly #measured: readonly number[];
  readonly #provenance: number;
  readonly #groups = new Map<string, Tally>();
  readonly #total: Tally;
  #notLive = 0;
  #ranked = 0;
  readonly #rankedEach: number;

  /** @param fields gets the fields that are asked for */
  constructor(
    private readonly fields: FieldReader,
    by: readonly Field[],
    private readonly measures: readonly Measure[],
  ) {
    this.#by = by.map((field) => fields.add(field));
    this.#measured = measures.map(({ field }) => fields.add(field));
    this.#provenance = fields.add({ member: 'provenance', path: [] });
    this.#rankedEach = measures.filter(isRanked).length;
    this.#total = new Tally(
      by.map(() => null),
      measures,
    );
  }

  /**
   * Takes the line that was read last.
   * @throws LedgerError TOO_MUCH where there are more groups, or more numbers to rank, than memory should hold
   */
  add(): void {
    const { fields } = this;
    const keys = this.#by.map((index) => keyOf(fields.value(index)));
    const values = this.#measured.map((index) => fields.value(index));
    if (NOT_LIVE.has(fields.value(this.#provenance))) this.#notLive++;
    this.#total.add(values);
    if (keys.length > 0) this.#groupOf(keys).add(values);
    this.#ranked += this.#rankedEach;
    if (this.#ranked > MAX_RANKED) throw tooMuch(`${MAX_RANKED / 1e6} million numbers to rank`);
  }

  /** Groups with the largest first measure first, or with the most rows where nothing is measured. */
  result(): Grouping {
    // Weighed once each: a weight is a sum as text, or a sort.
    const groups = [...this.#groups.values()]
      .map((group) => ({ group, weight: group.weight() }))
      .sort((a, b) => b.weight - a.weight || (a.group.name < b.group.name ? -1 : 1));
    return {
      groups: groups.map(({ group }) => group.result()),
      total: this.#total.result(),
      missing: this.#total.missing(),
      notLiveRows: this.#notLive,
    };
  }

  #groupOf(keys: readonly (string | null)[]): Tally {
    const name = nameOf(keys);
    let group = this.#groups.get(name);
    if (group === undefined) {
      if (this.#groups.size === MAX_GROUPS) throw tooMuch(`${MAX_GROUPS} groups`);
      group = new Tally(keys, this.measures);
      this.#groups.set(name, group);
    }
    return group;
  }
}

/** A missing value is not an empty one, and two values are not one with the other inside. */
function nameOf(keys: readonly (string | null)[]): string {
  const [only, ...more] = keys;
  return more.length > 0 ? JSON.stringify(keys) : only == null ? '' : `=${only}`;
}

function keyOf(value: unknown): string | null {
  if (value === undefined) return null;
  // Each has a digest of its own, whatever the values are.
  return sealIn(value) === undefined ? fieldText(value) : SEALED_TEXT;
}

function tooMuch(what: string): LedgerError {
  return new LedgerError('TOO_MUCH', `expected at most ${what}, found more`, {
    hint: 'ask for less: a window (--since, --until), a condition, or a field with fewer values; "ledger sql" has no such limit',
  });
}

const isRanked = ({ kind }: Measure): boolean => kind === 'p50' || kind === 'p95';

class Tally {
  readonly name: string;
  #rows = 0;
  readonly #counters: readonly Counter[];

  constructor(
    private readonly keys: readonly (string | null)[],
    private readonly measures: readonly Measure[],
  ) {
    this.name = nameOf(keys);
    this.#counters = measures.map(counterOf);
  }

  add(values: readonly unknown[]): void {
    this.#rows++;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value === 'number' && Number.isFinite(value)) this.#counters[i]?.add(value);
    }
  }

  weight(): number {
    const [first] = this.#counters;
    return first === undefined ? this.#rows : Number(first.result() ?? -Infinity);
  }

  missing(): number[] {
    return this.#counters.map(({ count }) => this.#rows - count);
  }

  result(): Group {
    return {
      keys: this.keys,
      rows: this.#rows,
      values: this.measures.map((_, i) => this.#counters[i]?.result() ?? null),
    };
  }
}

interface Counter {
  readonly count: number;
  readonly add: (value: number) => void;
  readonly result: () => string | null;
}

function counterOf({ kind }: Measure): Counter {
  if (kind === 'p50') return new Ranked(0.5);
  return kind === 'p95' ? new Ranked(0.95) : new Summed(kind);
}

/** Below this a number of units of 10^-9 is exact in a double, and so is a sum of several. */
const EXACT_NANOS = 1e15;

class Summed implements Counter {
  count = 0;
  readonly #nanos = new ExactSum();

  constructor(private readonly kind: 'sum' | 'avg') {}

  add(value: number): void {
    this.count++;
    const nanos = Math.round(value * NANOS_PER_USD);
    // Exact: the double nearest to n × 10^-9 is what n / 10^9 gives, because division rounds correctly.
    if (Math.abs(nanos) < EXACT_NANOS && nanos / NANOS_PER_USD === value) this.#nanos.add(nanos);
    else this.#nanos.addBig(bigNanos(value));
  }

  result(): string | null {
    if (this.count === 0) return null;
    const total = this.#nanos.total();
    return formatNanos(this.kind === 'sum' ? total : dividedBy(total, BigInt(this.count)));
  }
}

/** A number in units of 10^-9, rounded: exactly the decimal that a row holds where that has at most nine places. */
function bigNanos(value: number): bigint {
  const text = String(value);
  const [, digits = '', exponent = '0'] = /^-?([^e]+)(?:e(.+))?$/.exec(roundedToNanos(text) ?? text) ?? [];
  const [whole = '0', fraction = ''] = digits.split('.');
  const nanos = BigInt(whole + fraction) * 10n ** BigInt(9 + Number(exponent) - fraction.length);
  return value < 0 ? -nanos : nanos;
}

/** Halves away from zero. */
function dividedBy(total: bigint, count: bigint): bigint {
  const half = (total < 0n ? -count : count) / 2n;
  return (total + half) / count;
}

const FIRST_ROOM = 64;

class Ranked implements Counter {
  count = 0;
  #values = new Float64Array(FIRST_ROOM);

  constructor(private readonly part: number) {}

  add(value: number): void {
    if (this.count === this.#values.length) {
      const larger = new Float64Array(this.count * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.count++] = value;
  }

  result(): string | null {
    if (this.count === 0) return null;
    const sorted = this.#values.subarray(0, this.count).sort();
    return decimalText(sorted[Math.ceil(this.part * this.count) - 1] ?? 0);
  }
}

/** Plain notation: 1e-7 reads badly in a column. */
function decimalText(value: number): string {
  const text = String(value);
  return text.includes('e') ? formatNanos(bigNanos(value)) : text;
}
