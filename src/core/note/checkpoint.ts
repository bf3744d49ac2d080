/**
 * The text of a checkpoint: which ledger, how many rows, and the root of the tree over them. Lines behind these are
 * others' and are kept.
 *
 *   local/01J…
 *   12
 *   3v4kd0vmCgcOoC9P0yqYvCsKB1fUYG6BvOwMAgyI7qI=
 */
import { base64Bytes } from './note';

export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  readonly extensions?: readonly string[];
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

export function treeHeadText({ origin, size, root, extensions = [] }: TreeHead): string {
  return [origin, String(size), root.toString('base64'), ...extensions, ''].join('\n');
}
