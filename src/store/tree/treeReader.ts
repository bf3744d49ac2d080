/**
 * The stored tree of a ledger, `audit.tree`: the hashes of core/tree/storedTree.ts, 32 bytes each, nothing else. It is a
 * shortcut. Whoever can write the state folder can write it, too: what is read from it counts only where it leads to a root
 * that somebody signed, or that was computed from the rows.
 */
import { HASH_BYTES } from '../../core/tree/merkle';
import { consistencyPath, inclusionPath, keyOf, placeOf, provenReader, rootAt, storedCount } from '../../core/tree/storedTree'; // prettier-ignore
import type { ReadHash } from '../../core/tree/storedTree';
import { LedgerError } from '../../core/errors';
import type { TreeHead } from '../../core/note/checkpoint';
import { closeQuietly, openFile, readAt, statOf, statOpen } from '../files';
import type { StatePaths } from '../paths';

export interface TreeReader {
  /** Over so many rows there are hashes to be had: those that are stored, or that were signed. */
  readonly size: number;
  /** @throws LedgerError READ_FAILED where the file is shorter meanwhile, or leads to no root that was signed; so do the others */
  rootAt(size: number): Buffer;
  /** The path of the leaf of row `index` + 1. */
  inclusion(index: number, size: number): Buffer[];
  consistency(size1: number, size2: number): Buffer[];
  leafAt(index: number): Buffer;
  readonly read: ReadHash;
  readonly close: () => void;
}

/** @returns undefined where no tree is stored */
export function openTree(paths: StatePaths): TreeReader | undefined {
  if (statOf(paths.tree) === undefined) return undefined;
  const fd = openFile(paths.tree, 'read');
  const size = sizeOf(Math.floor(statOpen(fd).size / HASH_BYTES));
  return readerOf(
    size,
    kept((level, index) => readHash(fd, paths.tree, level, index)),
    () => closeQuietly(fd),
  );
}

/**
 * The stored tree, where it leads to the root that was signed: every hash that it gives does.
 * @returns undefined where it does not lead there; READ_FAILED is thrown where a hash that is asked for later does not
 */
export function openSignedTree(paths: StatePaths, { size, root }: TreeHead): TreeReader | undefined {
  const tree = openTree(paths);
  if (tree === undefined) return undefined;
  let read: ReadHash | undefined;
  try {
    if (tree.size >= size) read = provenReader({ size, root }, tree.read, notSigned(paths.tree));
  } finally {
    if (read === undefined) tree.close();
  }
  return read && readerOf(size, read, tree.close);
}

function readerOf(size: number, read: ReadHash, close: () => void): TreeReader {
  return {
    size,
    rootAt: (at) => rootAt(at, read),
    inclusion: (index, at) => inclusionPath(index, at, read),
    consistency: (size1, size2) => consistencyPath(size1, size2, read),
    leafAt: (index) => read(0, index),
    read,
    close,
  };
}

const MAX_KNOWN = 50_000;

/** Paths to many rows share their upper hashes. */
function kept(read: ReadHash): ReadHash {
  const known = new Map<number, Buffer>();
  return (level, index) => {
    const key = keyOf(level, index);
    const hash = known.get(key) ?? read(level, index);
    if (known.size < MAX_KNOWN) known.set(key, hash);
    return hash;
  };
}

const HINT = 'run "ledger checkpoint --full": it makes the tree anew from the rows';

function readHash(fd: number, path: string, level: number, index: number): Buffer {
  const place = placeOf(level, index);
  const hash = readAt(fd, place * HASH_BYTES, HASH_BYTES);
  if (hash.length === HASH_BYTES) return hash;
  throw new LedgerError('READ_FAILED', `expected hash ${place} of the tree in ${path}, found the end of the file`, {
    place: { segment: path },
    hint: HINT,
  });
}

const notSigned = (path: string) => (level: number, index: number) =>
  new LedgerError(
    'READ_FAILED',
    `expected hash ${placeOf(level, index)} of the tree in ${path} to lead to the root that was signed, found another`,
    { place: { segment: path }, hint: HINT },
  );

/** Over how many rows so many hashes are, at most: the inverse of `storedCount`. */
function sizeOf(hashes: number): number {
  let leaves = 0;
  for (let step = 2 ** 51; step >= 1; step /= 2) if (storedCount(leaves + step) <= hashes) leaves += step;
  return leaves;
}
