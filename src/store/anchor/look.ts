/** What an anchor holds now, from the bytes that are there. */
import { readSignedHead } from '../../core/note/checkpoint';
import type { AnchorLook } from '../../core/anchor/judge';

/** @param more who keeps it, and since when, where the anchor tells */
export function lookOf(
  to: string,
  bytes: Buffer | undefined,
  more: { readonly by?: string; readonly sinceMs?: number } = {},
): AnchorLook {
  if (bytes === undefined) return { to, found: { kind: 'missing', why: 'nothing is there' } };
  const held = readSignedHead(bytes);
  if (held === undefined) return { to, found: { kind: 'missing', why: 'what is there is no head of a ledger' } };
  return { to, found: { kind: 'head', held, ...more } };
}
