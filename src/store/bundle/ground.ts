/** What a bundle stands on: the newest checkpoint of the ledger, and the tree that leads to it. */
import type { LedgerError } from '../../core/errors';
import { EvidenceError } from '../../core/errors';
import { newestCheckpoint } from '../checkpoint/checkpoints';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import type { StatePaths } from '../paths';
import { openTree } from '../tree/treeReader';
import type { TreeReader } from '../tree/treeReader';

export interface Ground {
  /** The note. */
  readonly checkpoint: string;
  readonly pathOf: (index: number) => Buffer[];
}

/**
 * @param lastSeq the newest row that is to be proved: it is never left out in silence
 * @throws LedgerError NOT_VERIFIABLE where no checkpoint covers it, or the tree is not at hand
 */
export function withGround<T>(paths: StatePaths, lastSeq: number, use: (ground: Ground) => T): T {
  const checkpoint = newestCheckpoint(paths);
  if (checkpoint === undefined || checkpoint.head.size < lastSeq) throw notCovered(checkpoint, lastSeq);
  const tree = openTree(paths);
  const { size } = checkpoint.head;
  if (tree === undefined || tree.size < size) throw noTree(size);
  try {
    return use({ checkpoint: checkpoint.bytes.toString('utf8'), pathOf: pathsIn(tree, size) });
  } finally {
    tree.close();
  }
}

function pathsIn(tree: TreeReader, size: number): Ground['pathOf'] {
  return (index) => tree.inclusion(index, size);
}

function notCovered(checkpoint: StoredCheckpoint | undefined, lastSeq: number): LedgerError {
  const found = checkpoint === undefined ? 'none' : `the newest one of ${checkpoint.head.size} rows`;
  return new EvidenceError('NOT_VERIFIABLE', `expected a checkpoint that covers row ${lastSeq}, found ${found}`, {
    hint: 'run "ledger checkpoint": what no tree head covers cannot be proved to others; where it refuses for good, as behind a tombstone over several rows, no later row can be',
  });
}

function noTree(size: number): LedgerError {
  return new EvidenceError('NOT_VERIFIABLE', `expected the tree over ${size} rows, found none that reaches so far`, {
    hint: 'run "ledger checkpoint": it builds what is missing of the tree',
  });
}
