/** What a bundle tells: each run and decision in it, and the order it was asked for, from its own rows alone. */
import { linkOf } from '../governance/finding';
import { orderProof } from '../governance/orderProof';
import type { OrderProof } from '../governance/orderProof';
import { reconstruct } from '../governance/reconstruction';
import type { Reconstruction } from '../governance/reconstruction';
import type { JudgeSignature } from '../governance/signed';
import type { Row } from '../members';
import type { Bundle } from './bundle';
import { isIn } from './streams';

export interface BundleStories {
  readonly streams: readonly Reconstruction[];
  readonly order: OrderProof | undefined;
}

/** What the page of a bundle is made of. */
export interface PageParts {
  readonly bundle: Bundle;
  /** Its file. */
  readonly file: string;
  readonly stories: BundleStories;
  /** The line of the key that signed; undefined where it was a shared secret. */
  readonly signerLine: string | undefined;
  readonly notProved: readonly string[];
  /** Checks the bundle in the browser. */
  readonly program: string;
  readonly madeMs: number;
}

const NOTHING_UNREAD = { broken_lines: 0, torn_bytes: 0, lost_rows: 0, spilled_rows: 0 };

/**
 * @param rows all of a bundle that holds
 * @param order where one was asked for
 */
export function storiesOf(
  { streams, ledger }: Bundle,
  rows: readonly Row[],
  { order, judge }: { readonly order: string | undefined; readonly judge: JudgeSignature },
): BundleStories {
  const common = { unread: NOTHING_UNREAD, head: undefined, ledger, later: [] };
  return {
    streams: streams.flatMap(({ kind, id }) => {
      if (kind === 'order') return [];
      const own = rows.filter((row) => isIn({ kind, id }, row)).map((row) => ({ row, isWhole: true }));
      return [reconstruct({ kind, id }, { ...common, rows: own }, judge)];
    }),
    order: order === undefined ? undefined : orderProof(order, ofOrder(rows, order), new Map()),
  };
}

/** Those of a run that name another order are that one's. */
function ofOrder(rows: readonly Row[], order: string): Row[] {
  return rows.filter((row) => (linkOf(row, 'order_id') ?? order) === order);
}
