/**
 * What rows cost, group by group. One definition for both ways of counting: `costsOfRow` is for a row that was read from
 * the file, and the index's SQL (store/index/indexCosts.ts) gives the same groups; `mergeCosts` joins the two.
 *
 *   a row counts  ⇔  provenance is live or imported, and it is not the ledger's own (`audit.*`, a tombstone)
 *   spent         =  the sum of costs of 0 or more of the rows that count, imported ones included
 *   refunds       =  the sum of costs below 0, itself below 0; what a cap is held against is spent + refunds
 *
 * Sums are exact: nano-dollars as bigint.
 */
import { NANOS_PER_USD } from './money';

/** Where a row's content comes from, as the index stores it: what counts, and what never does. */
export const ROW_KINDS = {
  live: 0,
  imported: 1,
  sample: 2,
  fallback: 3,
  /** The ledger's own `audit.*` rows. */
  own: 4,
  tombstone: 5,
} as const;

export type RowKind = (typeof ROW_KINDS)[keyof typeof ROW_KINDS];

/** The members that the index can group costs by. */
export const COST_MEMBERS = [
  'agent',
  'action',
  'customer_id',
  'model',
  'playbook',
  'run_id',
  'decision_id',
  'order_id',
  'actor',
  'outcome',
  'target',
] as const;

export type CostMember = (typeof COST_MEMBERS)[number];

/** Whether the index has a column for this member; any other is grouped by reading the rows. */
export function isCostMember(name: string): name is CostMember {
  return COST_MEMBERS.some((member) => member === name);
}

export interface CostGroup {
  /** The member's value, or null for the rows that have none (and for all rows where nothing groups them). */
  readonly key: string | null;
  /** Rows of the callers in the window, those that never count included; the ledger's own rows are left out. */
  readonly rows: number;
  /** Rows that count and have a cost. */
  readonly costRows: number;
  /** Sum of the costs of 0 or more of the rows that count; imported ones included. */
  readonly spentNanos: bigint;
  /** Rows that count and have no cost. Absent is not zero. */
  readonly missingCostRows: number;
  /** Sum of the costs below 0 of the rows that count; 0 or less. */
  readonly refundNanos: bigint;
  readonly refundRows: number;
  /** The part of `spentNanos + refundNanos` that imported rows make up. */
  readonly importedNanos: bigint;
  /** Imported rows, with a cost or without. */
  readonly importedRows: number;
  /** Rows that never count: provenance `sample` or `fallback`. */
  readonly excludedRows: number;
  /** Rows that were appended (`ts`) at `lateAfterMs` or later; 0 where no such moment was given. */
  readonly lateRows: number;
}

/**
 * A stored `cost_usd` that was read as a double, in nano-dollars; undefined where it is no amount of at most 9 places.
 * Exact: a double that is the nearest one to n × 10^-9 is what n / 10^9 gives, because division rounds correctly.
 */
export function costNanosOf(value: unknown): number | undefined {
  if (typeof value !== 'number') return undefined;
  const nanos = Math.round(value * NANOS_PER_USD);
  // Adding 0 turns -0 into 0.
  return Math.abs(nanos) < COST_LIMIT_NANOS && nanos / NANOS_PER_USD === value ? nanos + 0 : undefined;
}

/** 10^6 USD, which no single cost reaches. */
const COST_LIMIT_NANOS = 1e15;

/** What a row brings into its group. */
export interface CostRow {
  readonly kind: RowKind;
  readonly costNanos: number | undefined;
  readonly tsMs: number;
}

export function emptyCosts(key: string | null): CostGroup {
  return {
    key,
    rows: 0,
    costRows: 0,
    spentNanos: 0n,
    missingCostRows: 0,
    refundNanos: 0n,
    refundRows: 0,
    importedNanos: 0n,
    importedRows: 0,
    excludedRows: 0,
    lateRows: 0,
  };
}

/** The group of one row; `mergeCosts` adds it to others. The ledger's own rows give an empty group. */
export function costsOfRow(key: string | null, row: CostRow, lateAfterMs: number | undefined): CostGroup {
  const own = row.kind === ROW_KINDS.own || row.kind === ROW_KINDS.tombstone;
  if (own) return emptyCosts(key);
  const excluded = row.kind === ROW_KINDS.sample || row.kind === ROW_KINDS.fallback;
  const imported = row.kind === ROW_KINDS.imported;
  const nanos = excluded ? undefined : row.costNanos;
  const refund = nanos !== undefined && nanos < 0;
  return {
    key,
    rows: 1,
    costRows: nanos === undefined ? 0 : 1,
    spentNanos: nanos === undefined || refund ? 0n : BigInt(nanos),
    missingCostRows: !excluded && nanos === undefined ? 1 : 0,
    refundNanos: refund ? BigInt(nanos) : 0n,
    refundRows: refund ? 1 : 0,
    importedNanos: imported && nanos !== undefined ? BigInt(nanos) : 0n,
    importedRows: imported ? 1 : 0,
    excludedRows: excluded ? 1 : 0,
    lateRows: lateAfterMs !== undefined && row.tsMs >= lateAfterMs ? 1 : 0,
  };
}

/** The sum of two groups, under the key of the first. */
export function mergeCosts(a: CostGroup, b: CostGroup): CostGroup {
  return {
    key: a.key,
    rows: a.rows + b.rows,
    costRows: a.costRows + b.costRows,
    spentNanos: a.spentNanos + b.spentNanos,
    missingCostRows: a.missingCostRows + b.missingCostRows,
    refundNanos: a.refundNanos + b.refundNanos,
    refundRows: a.refundRows + b.refundRows,
    importedNanos: a.importedNanos + b.importedNanos,
    importedRows: a.importedRows + b.importedRows,
    excludedRows: a.excludedRows + b.excludedRows,
    lateRows: a.lateRows + b.lateRows,
  };
}
