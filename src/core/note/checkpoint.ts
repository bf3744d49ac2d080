/**
 * The text of a checkpoint: which ledger, how many rows, and the root of the tree over them. Lines behind these are
 * others' and are kept.
 *
 *   local/01J…
 *   12
 *   3v4kd0vmCgcOoC9P0yqYvCsKB1fUYG6BvOwMAgyI7qI=
 */
import { base64Bytes, parseNote } from './note';
import type { Note } from './note';

export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  readonly extensions?: readonly string[];
}

/** A tree head and the note that it stands in. */
export interface SignedHead {
  readonly note: Note;
  readonly head: TreeHead;
}

const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;

/** The tree head in a text; undefined where it is none, or of more rows than a ledger can have. */
export function parseTreeHead(text: string): TreeHead | undefined {
  const lines = text.split('\n');
  if (lines.pop() !== '') return undefined;
  const [origin = '', digits = '', base64 = '', ...extensions] = lines;
  const root = base64Bytes(base64);
  const size = Number(digits);
  if (origin === '' || !SIZE.test(digits) || !Number.isSafeInteger(size)) return undefined;
  if (root === undefined || root.length === 0 || extensions.includes('')) return undefined;
  return { origin, size, root, ...(extensions.length === 0 ? {} : { extensions }) };
}

/** The note in bytes and the tree head in it; undefined where they are none. */
export function readSignedHead(bytes: Buffer): SignedHead | undefined {
  const note = parseNote(bytes);
  const head = note && parseTreeHead(note.text);
  return note && head && { note, head };
}

export function treeHeadText({ origin, size, root, extensions = [] }: TreeHead): string {
  return [origin, String(size), root.toString('base64'), ...extensions, ''].join('\n');
}
