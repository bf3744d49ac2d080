/**
 * What rows cost, group by group.
 *
 *   a row counts  ⇔  provenance is live or imported, and it is not the ledger's own (`audit.*`, a tombstone)
 *   spent         =  the sum of costs of 0 or more of the rows that count, imported ones included
 *   refunds       =  the sum of costs below 0, itself below 0; what a cap is held against is spent + refunds
 *
 * Sums are exact: nano-dollars as bigint.
 */

/** Where a row's content comes from: what counts, and what never does. */
export const ROW_KINDS = {
  live: 0,
  imported: 1,
  sample: 2,
  fallback: 3,
  /** The ledger's own `audit.*` rows. */
  own: 4,
  tombstone: 5,
  /** An `audit.rows-lost` row: one of the ledger's own that tells of rows which are gone. */
  rowsLost: 6,
} as const;

export type RowKind = (typeof ROW_KINDS)[keyof typeof ROW_KINDS];

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
  /** Rows that were appended (`ts`) after the day of their effective time had ended. */
  readonly lateRows: number;
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
