/**
 * Is a scanned line a row in good order on its own: all its members, the fixed end, its own hash, its content's hash?
 * "No" means only that the exact reading (`storedLine.ts`) must say what it is.
 */
import { payloadSha256 } from './canonicalBytes';
import { LedgerError } from './errors';
import { BACKSLASH, OPEN, QUOTE } from './jsonBytes';
import * as member from './lineScan';
import { memberBits } from './lineScan';
import type { LineFacts } from './lineScan';
import { hashOfRange, hasFixedEnd, integerAt, isStoredTimeAt, isTextAt, isUlidAt } from './rowBytes';

const REQUIRED = memberBits(member.SEQ, member.TS, member.ID, member.ACTION, member.PREV_HASH, member.HASH);
export const CONTENT = memberBits(member.PAYLOAD, member.CONTENT_HASH);

/** Whether a line has the form of a row; its hash and its content were not looked at. */
export function isRowForm(bytes: Buffer, end: number, found: LineFacts): boolean {
  const { seen, from, to } = found;
  if ((seen & REQUIRED) !== REQUIRED || found.ambiguous || !hasFixedEnd(bytes, end, found)) return false;
  if (integerAt(bytes, from[member.SEQ] as number, to[member.SEQ] as number) < 0) return false;
  if (!isUlidAt(bytes, from[member.ID] as number, to[member.ID] as number)) return false;
  if (!isStoredTimeAt(bytes, from[member.TS] as number, to[member.TS] as number)) return false;
  return isPlainText(bytes, from[member.ACTION] as number, to[member.ACTION] as number);
}

/** Whether a line is a row with the right hash and content, whatever its neighbours are. */
export function isRegular(bytes: Buffer, start: number, end: number, found: LineFacts): boolean {
  const { seen, from } = found;
  if (!isRowForm(bytes, end, found)) return false;
  if (!isTextAt(bytes, from[member.HASH] as number, hashOfRange(bytes, start, end))) return false;
  const content = seen & CONTENT;
  if (content === 0) return true;
  if (content !== CONTENT || bytes[from[member.PAYLOAD] as number] !== OPEN) return false;
  return isTextAt(bytes, from[member.CONTENT_HASH] as number, contentHash(bytes, found));
}

function contentHash(bytes: Buffer, found: LineFacts): string {
  const from = found.from[member.PAYLOAD] as number;
  try {
    return payloadSha256(bytes, { from, to: found.to[member.PAYLOAD] as number, form: found.form });
  } catch (error) {
    if (error instanceof LedgerError) return 'no canonical form';
    throw error;
  }
}

/** A string without escapes: what it begins with can be read off its bytes. */
function isPlainText(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] !== QUOTE) return false;
  for (let at = from; at < to; at++) if (bytes[at] === BACKSLASH) return false;
  return true;
}
