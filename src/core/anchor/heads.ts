/** A head that is kept elsewhere, held against the ledger: it must be the root of as many rows as it says. */
import { openNote } from '../note/note';
import type { NoteKey } from '../note/note';
import type { SignedHead, TreeHead } from '../note/checkpoint';
import type { Finding } from '../verdict';

/** The rows that there are, as a tree. */
export interface KnownTree {
  readonly size: number;
  /** Undefined where nobody can tell. */
  rootAt(size: number): Buffer | undefined;
}

/** What is known of a ledger by one head alone. */
export function knownBy(head: TreeHead): KnownTree {
  return { size: head.size, rootAt: (size) => (size === head.size ? head.root : undefined) };
}

/** Whether a key that counts signed it; where none is known, nobody can tell. */
export function isSignedBy({ note }: SignedHead, keys: readonly NoteKey[]): boolean {
  return keys.length === 0 || openNote(note, keys).kind === 'signed';
}

/**
 * What a head says against the ledger; undefined where the ledger goes on from it.
 * @param where it is kept, for the words of the finding
 */
export function headFinding({ size, root }: TreeHead, tree: KnownTree, where: string): Finding | undefined {
  if (size > tree.size) return rollback(size, tree.size, where);
  const own = tree.rootAt(size);
  return own === undefined || own.equals(root) ? undefined : diverged(size, root, own, where);
}

export function rollback(size: number, rows: number, where: string): Finding {
  return {
    code: 'ROLLBACK',
    seq: null,
    place: null,
    want: `the ${size} rows that ${where} knows of`,
    got: `${rows} rows`,
  };
}

/** @param root as it is known there; undefined where only that it is another one is known */
export function diverged(size: number, root: Buffer | undefined, own: Buffer | undefined, where: string): Finding {
  const want = root === undefined ? `the first ${size} rows that ${where} knows of` : `the root ${root.toString('base64')} of the first ${size} rows, as ${where} has it`; // prettier-ignore
  return {
    code: 'DIVERGED',
    seq: size,
    place: null,
    want,
    got: own === undefined ? 'others' : `the root ${own.toString('base64')}`,
  };
}
