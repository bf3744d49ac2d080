/**
 * Rows that were there and are gone: the index has seen them, the file has them no more. The ledger names them itself.
 *
 *   "action":"audit.rows-lost","payload":{"from_seq":41,"to_seq":43,"head":"<hash of row 43>"}
 */
import { fstatSync } from 'node:fs';
import { Group } from '../../core/group';
import type { Row } from '../../core/members';
import { ownRow } from '../../core/ownRows';
import type { CheckedRow } from '../../core/row';
import { commitBytes } from './commit';
import type { CommitTarget } from './commit';
import { lastInBlocks, lastRowOfAction } from './places';
import { offsetAfterSeq } from '../read/seek';
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

/** What a heal adds: the loss is named in the write that changes the end of the file, since the index cannot tell afterwards. */
export function addLostRows(group: Group, lost: LostRows | undefined, id?: string): void {
  if (lost !== undefined) group.add(rowsLostRow(lost), undefined, undefined, id);
}

/** The same as a commit of its own. Errors as `commitBytes`. */
export async function commitLostRows(target: CommitTarget, tail: WholeTail, lost: LostRows): Promise<void> {
  const group = new Group(tail.head, target.host);
  addLostRows(group, lost);
  await commitBytes(target, tail.sizeBytes, group.bytes());
}

/** Whether a row names this loss already: its writer died before the index began anew. Looked for from where the rows were. */
export function isNamed(fd: number, { fromSeq, head }: LostRows): boolean {
  const { size } = fstatSync(fd);
  const names = ({ payload }: Row): boolean => payload?.['head'] === head && Number(payload['from_seq']) <= fromSeq;
  const find = (bytes: Buffer): Row | undefined => lastRowOfAction(bytes, 'audit.rows-lost', names);
  return lastInBlocks(fd, offsetAfterSeq(fd, size, fromSeq - 1), size, find) !== undefined;
}
