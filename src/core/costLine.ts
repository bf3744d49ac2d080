/**
 * What a rollup needs of one line, read off its bytes without building the object: half of a rollup's time would go
 * into `JSON.parse`. A line that is not spelled as the writer spells it is parsed in full instead, so any JSON object
 * is read; what is no JSON object, or has no time, is `undefined`: a broken line.
 *
 *   {"seq":2,"ts":"2026-04-25T20:09:24.604Z",…,"agent":"void-pulse","action":"pulse.probe","cost_usd":0.0001,…}
 *
 * Not a check: neither hashes nor members that are not asked for are looked at. A member given twice counts as its last.
 */
import { ROW_KINDS } from './costs';
import type { RowKind } from './costs';
import { DOT, MINUS, ZERO } from './jsonBytes';
import { SlotReader } from './lineSlots';
import { NANOS_PER_USD, parseCostNanos } from './money';
import { hasNoCost } from './spendActions';
import { completeObject } from './rowText';
import { parseRfc3339 } from './time';

export interface CostLineRow {
  readonly kind: RowKind;
  readonly tsMs: number;
  /** `occurred_at`, else `ts`. */
  readonly effectiveMs: number;
  readonly costNanos: number | undefined;
  /** Whether there is a `cost_usd` that is no amount; `costNanos` is undefined then. */
  readonly costUnreadable: boolean;
  /** Whether it is a row that tells of caps or of reads, and has no cost: nothing is missing. */
  readonly costless: boolean;
  /** The members that were asked for, in that order: strings as they are, other values as JSON text, null where missing. */
  readonly members: readonly (string | null)[];
  /** Of a row that names lost rows: which. */
  readonly lost?: LostRange;
}

/** Rows that were in the ledger and are gone, the last one included. */
export interface LostRange {
  readonly fromSeq: number;
  readonly toSeq: number;
}

const OWN = ['ts', 'occurred_at', 'action', 'provenance', 'cost_usd'] as const;
const [TS, OCCURRED, ACTION, PROVENANCE, COST] = [0, 1, 2, 3, 4] as const;

const FULL_PLACES = 9;
const STORED_TIME_BYTES = 26;

export class CostLineReader {
  private readonly slots: SlotReader;
  private readonly asked: readonly number[];
  private dayKey = -1;
  private dayMs = 0;

  /** @param members the members that each row is asked for */
  constructor(members: readonly string[]) {
    const names = [...new Set<string>([...OWN, ...members])];
    this.slots = new SlotReader(names);
    this.asked = members.map((name) => names.indexOf(name));
  }

  /** Reads the line `[start, end)` of `bytes`, its newline not counted; undefined where it is broken. */
  read(bytes: Buffer, start: number, end: number): CostLineRow | undefined {
    if (!this.slots.find(bytes, start, end)) return undefined;
    const kind = rowKindOf(this.slots.text(ACTION), this.slots.text(PROVENANCE));
    if (kind === ROW_KINDS.tombstone) return tombstone(this.asked.length);
    if (kind === ROW_KINDS.rowsLost) return rowsLost(this.asked.length, completeObject(bytes.subarray(start, end)));
    const ts = this.time(TS);
    const effective = this.slots.has(OCCURRED) ? this.time(OCCURRED) : ts;
    if (ts === undefined || effective === undefined) return undefined;
    const costNanos = this.slots.has(COST) ? this.cost() : undefined;
    return {
      kind,
      tsMs: ts,
      effectiveMs: effective,
      costNanos,
      costUnreadable: costNanos === undefined && this.slots.has(COST),
      costless: hasNoCost(this.slots.text(ACTION)),
      members: this.asked.map((slot) => this.slots.text(slot)),
    };
  }

  private cost(): number | undefined {
    const { raw, start, end } = this.slots.range(COST);
    return plainNanos(raw, start, end) ?? parseCostNanos(raw.toString('latin1', start, end));
  }

  /** The moment in a slot. The stored form is read digit by digit, and its day looked up once a day. */
  private time(slot: number): number | undefined {
    if (!this.slots.has(slot)) return undefined;
    const { raw, start, end } = this.slots.range(slot);
    if (end - start !== STORED_TIME_BYTES || raw[end - 2] !== 0x5a || raw[start + 11] !== 0x54) {
      return parseRfc3339(this.slots.text(slot) ?? '');
    }
    const day = (four(raw, start + 1) * 100 + two(raw, start + 6)) * 100 + two(raw, start + 9);
    if (day !== this.dayKey) {
      const ms = parseRfc3339(`${raw.toString('latin1', start + 1, start + 11)}T00:00:00Z`);
      if (ms === undefined) return undefined;
      this.dayKey = day;
      this.dayMs = ms;
    }
    const hour = two(raw, start + 12);
    const minute = two(raw, start + 15);
    const second = two(raw, start + 18);
    const ms = two(raw, start + 21) * 10 + ((raw[start + 23] as number) - ZERO);
    if (!(hour < 24 && minute < 60 && second < 60 && ms < 1000)) return undefined;
    return this.dayMs + ((hour * 60 + minute) * 60 + second) * 1000 + ms;
  }
}

/**
 * The same of a line that was parsed, whose cost is the double that was read: a few hundred are parsed in a third of the
 * time in which `CostLineReader` reads them before it is compiled. Undefined where only the line itself can tell: it is
 * broken, or a member that is asked for is spelled in a way that parsing does not keep.
 */
export function costRowOf(
  line: Readonly<Record<string, unknown>>,
  members: readonly string[],
): CostLineRow | undefined {
  const kind = rowKindOf(line['action'], line['provenance']);
  if (kind === ROW_KINDS.tombstone) return tombstone(members.length);
  if (kind === ROW_KINDS.rowsLost) return rowsLost(members.length, line);
  const ts = momentOf(line['ts']);
  const effective = Object.hasOwn(line, 'occurred_at') ? momentOf(line['occurred_at']) : ts;
  const cost = line['cost_usd'];
  const costNanos = costNanosOf(cost);
  if (ts === undefined || effective === undefined || (costNanos === undefined && cost !== undefined)) return undefined;
  const texts: (string | null)[] = [];
  for (const name of members) {
    if (!Object.hasOwn(line, name)) texts.push(null);
    else if (typeof line[name] === 'string') texts.push(line[name]);
    else return undefined;
  }
  const costless = hasNoCost(line['action']);
  return { kind, tsMs: ts, effectiveMs: effective, costNanos, costUnreadable: false, costless, members: texts };
}

function momentOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseRfc3339(value) : undefined;
}

/** What kind of row it is, by these two members. */
export function rowKindOf(action: unknown, provenance: unknown): RowKind {
  if (typeof action === 'string' && action.startsWith('audit.')) {
    if (action === 'audit.rows-lost') return ROW_KINDS.rowsLost;
    return action === 'audit.tombstone' ? ROW_KINDS.tombstone : ROW_KINDS.own;
  }
  if (provenance === 'sample') return ROW_KINDS.sample;
  if (provenance === 'fallback') return ROW_KINDS.fallback;
  return provenance === 'imported' ? ROW_KINDS.imported : ROW_KINDS.live;
}

/**
 * A stored `cost_usd` that was read as a double, in nano-dollars; undefined where it is no amount of at most 9 places.
 * Exact: a double that is the nearest one to n × 10^-9 is what n / 10^9 gives, because division rounds correctly.
 */
function costNanosOf(value: unknown): number | undefined {
  if (typeof value !== 'number') return undefined;
  const nanos = Math.round(value * NANOS_PER_USD);
  // Adding 0 turns -0 into 0.
  return Math.abs(nanos) < LIMIT_NANOS && nanos / NANOS_PER_USD === value ? nanos + 0 : undefined;
}

/** Two digits, or NaN. */
function two(raw: Buffer, at: number): number {
  const tens = (raw[at] as number) - ZERO;
  const ones = (raw[at + 1] as number) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

const four = (raw: Buffer, at: number): number => two(raw, at) * 100 + two(raw, at + 2);

/** A cost in plain notation, the one that is stored ("0.0001", "-3"), as nanos; undefined for any other spelling. */
function plainNanos(raw: Buffer, start: number, end: number): number | undefined {
  let at = start;
  const negative = raw[at] === MINUS;
  if (negative) at++;
  // Six digits before the dot, nine after it: what a cost may have.
  if (end - at > 16 || at === end) return undefined;
  let digits = 0;
  let places = -1;
  for (; at < end; at++) {
    const byte = raw[at] as number;
    if (byte === DOT && places < 0) {
      places = 0;
      continue;
    }
    if (byte < ZERO || byte > ZERO + 9) return undefined;
    digits = digits * 10 + (byte - ZERO);
    if (places >= 0) places++;
  }
  if (places === 0 || raw[negative ? start + 1 : start] === DOT) return undefined;
  const scale = POWERS[FULL_PLACES - Math.max(places, 0)];
  const nanos = scale === undefined ? NaN : digits * scale;
  if (!(nanos < LIMIT_NANOS)) return undefined;
  return negative && nanos !== 0 ? -nanos : nanos;
}

const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** 10^6 USD, which no single cost reaches. */
const LIMIT_NANOS = 1e15;

const tombstone = (members: number): CostLineRow => timeless(ROW_KINDS.tombstone, members);

/** It tells of rows of any time: its own counts nowhere. */
function rowsLost(members: number, line: Readonly<Record<string, unknown>> | undefined): CostLineRow {
  const row = timeless(ROW_KINDS.rowsLost, members);
  const { from_seq: fromSeq, to_seq: toSeq } = (line?.['payload'] ?? {}) as Record<string, unknown>;
  return typeof fromSeq === 'number' && typeof toSeq === 'number' ? { ...row, lost: { fromSeq, toSeq } } : row;
}

function timeless(kind: RowKind, members: number): CostLineRow {
  return {
    kind,
    tsMs: NaN,
    effectiveMs: NaN,
    costNanos: undefined,
    costUnreadable: false,
    costless: true,
    members: new Array<null>(members).fill(null),
  };
}
