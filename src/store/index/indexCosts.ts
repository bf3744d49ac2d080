/**
 * Costs by group, from the index: the same groups that core/costs.ts `costsOfRow` gives for rows of the file. A window
 * reads only its own rows (the index rows_time); sums are added in two halves, so that no row count overflows them.
 */
import { ROW_KINDS } from '../../core/costs';
import type { CostGroup, CostMember } from '../../core/costs';
import type { LedgerIndex } from './indexFile';
import { guarded } from './indexErrors';
import type { SqlRow } from './sqlite';

export interface CostWindow {
  /** Effective time (`occurred_at`, else `ts`), inclusive and exclusive; undefined: without this end. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** One group a value of this member; undefined: one group of all rows. */
  readonly by?: CostMember | undefined;
  /** Rows with a `ts` at this moment or later count as late. */
  readonly lateAfterMs?: number | undefined;
}

/** Beyond any `Date`. */
const ALWAYS_MS = 9e15;
/** A cost is below 2^50: halves of 24 and 26 bits sum to less than 2^53 over 10^8 rows. */
const HALF = 1 << 24;

const LIVE = `kind IN (${ROW_KINDS.live}, ${ROW_KINDS.imported})`;
const SPENT = `${LIVE} AND cost_nanos >= 0`;
const REFUND = `${LIVE} AND cost_nanos < 0`;
const IMPORTED = `kind = ${ROW_KINDS.imported}`;

const COUNTS = `count(*) AS rows,
  sum(${SPENT}) AS spent_rows, sum(${REFUND}) AS refund_rows, sum(${LIVE} AND cost_nanos IS NULL) AS missing_rows,
  sum(${IMPORTED}) AS imported_rows, sum(NOT ${LIVE}) AS excluded_rows, sum(ts_ms >= ?) AS late_rows`;

const SUMS = [halves('spent', SPENT), halves('refund', REFUND), halves('imported', IMPORTED)].join(', ');

/** `>>` and `&` of a negative number are those of two's complement: high × 2^24 + low is the number again. */
function halves(name: string, condition: string): string {
  return `sum(CASE WHEN ${condition} THEN cost_nanos >> 24 ELSE 0 END) AS ${name}_high,
    sum(CASE WHEN ${condition} THEN cost_nanos & ${HALF - 1} ELSE 0 END) AS ${name}_low`;
}

/**
 * The groups of the rows up to the index's watermark, in the order of their keys (null first). No rows: no groups.
 * @throws LedgerError INDEX_FAILED, INDEX_BUSY
 */
export function costGroups(index: LedgerIndex, window: CostWindow = {}): CostGroup[] {
  const { fromMs = -ALWAYS_MS, toMs = ALWAYS_MS, by, lateAfterMs = ALWAYS_MS } = window;
  const whole = window.fromMs === undefined && window.toMs === undefined;
  const key = by ?? 'NULL';
  // All rows are read in the order in which they lie; a part of them through the index.
  const table = whole ? 'rows NOT INDEXED' : 'rows INDEXED BY rows_time';
  const sql = `SELECT ${key} AS key, ${COUNTS}, ${SUMS} FROM ${table}
    WHERE effective_ms >= ? AND effective_ms < ? AND kind < ${ROW_KINDS.own} ${by === undefined ? '' : 'GROUP BY key ORDER BY key'}`;
  return guarded(index.path, () => {
    const found = index.database.prepare(sql).all([lateAfterMs, fromMs, toMs]);
    return found.map(groupOf).filter((group) => group.rows > 0);
  });
}

function groupOf(row: SqlRow): CostGroup {
  const count = (name: string): number => Number(row[name] ?? 0);
  const sum = (name: string): bigint => BigInt(count(`${name}_high`)) * BigInt(HALF) + BigInt(count(`${name}_low`));
  return {
    key: typeof row['key'] === 'string' ? row['key'] : null,
    rows: count('rows'),
    costRows: count('spent_rows') + count('refund_rows'),
    spentNanos: sum('spent'),
    missingCostRows: count('missing_rows'),
    refundNanos: sum('refund'),
    refundRows: count('refund_rows'),
    importedNanos: sum('imported'),
    importedRows: count('imported_rows'),
    excludedRows: count('excluded_rows'),
    lateRows: count('late_rows'),
  };
}
