/**
 * The stored tree of a ledger, `audit.tree`: the hashes of core/tree/storedTree.ts, 32 bytes each, nothing else. It is a
 * shortcut. Whoever can write the state folder can write it, too: what is read from it counts only where it leads to a root
 * that somebody signed, or that was computed from the rows.
 */
import { HASH_BYTES } from '../../core/tree/merkle';
import { consistencyPath, inclusionPath, placeOf, rootAt, storedCount } from '../../core/tree/storedTree';
import type { ReadHash } from '../../core/tree/storedTree';
import { LedgerError } from '../../core/errors';
import type { TreeHead } from '../../core/note/checkpoint';
import { closeQuietly, openFile, readAt, statOf, statOpen } from '../files';
import type { StatePaths } from '../paths';

export interface TreeReader {
  /** Over so many rows the tree is stored. */
  readonly size: number;
  /** @throws LedgerError READ_FAILED where the file is shorter meanwhile; so do the others */
  rootAt(size: number): Buffer;
  /** The path of the leaf of row `index` + 1. */
  inclusion(index: number, size: number): Buffer[];
  consistency(size1: number, size2: number): Buffer[];
  leafAt(index: number): Buffer;
  readonly read: ReadHash;
  close(): void;
}

/** @returns undefined where no tree is stored */
export function openTree(paths: StatePaths): TreeReader | undefined {
  if (statOf(paths.tree) === undefined) return undefined;
  const fd = openFile(paths.tree, 'read');
  const size = sizeOf(Math.floor(statOpen(fd).size / HASH_BYTES));
  // Paths to many rows share their upper hashes.
  const known = new Map<number, Buffer>();
  const read: ReadHash = (place) => {
    const hash = known.get(place) ?? readHash(fd, paths.tree, place);
    if (known.size < MAX_KNOWN) known.set(place, hash);
    return hash;
  };
  return {
    size,
    rootAt: (at) => rootAt(at, read),
    inclusion: (index, at) => inclusionPath(index, at, read),
    consistency: (size1, size2) => consistencyPath(size1, size2, read),
    leafAt: (index) => read(placeOf(0, index)),
    read,
    close: () => closeQuietly(fd),
  };
}

/**
 * The stored tree, where it leads to the root that was signed: its hashes count then, as far as paths to that root go.
 * @returns undefined where none does
 */
export function openSignedTree(paths: StatePaths, { size, root }: TreeHead): TreeReader | undefined {
  const tree = openTree(paths);
  if (tree === undefined) return undefined;
  let leads = false;
  try {
    leads = tree.size >= size && tree.rootAt(size).equals(root);
  } finally {
    if (!leads) tree.close();
  }
  return leads ? tree : undefined;
}

const MAX_KNOWN = 50_000;

function readHash(fd: number, path: string, place: number): Buffer {
  const hash = readAt(fd, place * HASH_BYTES, HASH_BYTES);
  if (hash.length === HASH_BYTES) return hash;
  throw new LedgerError('READ_FAILED', `expected hash ${place} of the tree in ${path}, found the end of the file`, {
    place: { segment: path },
    hint: 'run "ledger checkpoint --full": it makes the tree anew from the rows',
  });
}

/** Over how many rows so many hashes are, at most: the inverse of `storedCount`. */
function sizeOf(hashes: number): number {
  let leaves = 0;
  for (let step = 2 ** 51; step >= 1; step /= 2) if (storedCount(leaves + step) <= hashes) leaves += step;
  return leaves;
}
