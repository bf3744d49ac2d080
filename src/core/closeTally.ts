/** Closed days held against their rows: what was counted then, and what came in since. Exact, in any order. */
import type { CostLineRow } from './costLine';
import { ROW_KINDS } from './costs';
import { ExactSum } from './exactSum';

/** A whole day, and the last row that was counted when it was closed. */
export interface ClosedSpan {
  readonly startMs: number;
  readonly endMs: number;
  readonly throughSeq: number;
}

/** What was counted of a closed day, and what came in later. */
export interface CloseSums {
  readonly startMs: number;
  readonly beforeNanos: bigint;
  readonly afterNanos: bigint;
  readonly afterRows: number;
}

/** What a closed day cost, by the rows that were there and by those that came later. */
export class CloseTally {
  private readonly before = new ExactSum();
  private readonly after = new ExactSum();
  private afterRows = 0;

  constructor(private readonly span: ClosedSpan) {}

  add(row: CostLineRow, seq: number): void {
    if (row.kind > ROW_KINDS.imported) return;
    const isAfter = seq > this.span.throughSeq;
    if (isAfter && !row.costless) this.afterRows++;
    if (row.costNanos !== undefined) (isAfter ? this.after : this.before).add(row.costNanos);
  }

  merge({ beforeNanos, afterNanos, afterRows }: CloseSums): void {
    this.before.addBig(beforeNanos);
    this.after.addBig(afterNanos);
    this.afterRows += afterRows;
  }

  result(): CloseSums {
    const { startMs } = this.span;
    return { startMs, beforeNanos: this.before.total(), afterNanos: this.after.total(), afterRows: this.afterRows };
  }
}
