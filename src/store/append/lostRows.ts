/**
 * Rows that were there and are gone: the index has seen them, the file has them no more. The ledger names them itself.
 *
 *   "action":"audit.rows-lost","payload":{"from_seq":41,"to_seq":43,"head":"<hash of row 43>"}
 */
import { ownRow } from '../../core/ownRows';
import type { CheckedRow } from '../../core/row';
import { lastRowOfAction } from './places';
import type { WholeTail } from '../read/tail';

export interface LostRows {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** The hash of the last row that the index has seen. */
  readonly head: string;
}

export function rowsLostRow({ fromSeq, toSeq, head }: LostRows): CheckedRow {
  return ownRow('audit.rows-lost', { from_seq: fromSeq, to_seq: toSeq, head });
}

/** Whether a row near the end names this loss already: its writer died before the index began anew. */
export function isNamed(tail: WholeTail, lost: LostRows): boolean {
  return lastRowOfAction(tail.window.bytes, 'audit.rows-lost')?.payload?.['head'] === lost.head;
}
