/** Whether a row that stands in the ledger says the same as a row that comes with its key again. */
import { canonicalJson, parseJson } from './json';
import type { JsonObject } from './json';
import { LEDGER_MEMBERS } from './members';
import type { Row } from './members';
import type { CheckedRow } from './row';

/**
 * Compares the callers' members, canonically. A row that went through the spill file got its `occurred_at` from there
 * where the caller gave none; that is no difference.
 */
export function sameContent(stored: Row, checked: CheckedRow): boolean {
  const before = callerPart(parseJson(JSON.stringify(stored)) as JsonObject);
  const now = callerPart(parseJson(`{${checked.members}}`) as JsonObject);
  const timeless = [before, now].some((row) => !row.has('occurred_at')) && isSpilled(stored, checked);
  if (timeless) for (const row of [before, now]) row.delete('occurred_at');
  return canonicalJson(before) === canonicalJson(now);
}

/** The same for two rows of which neither is in the ledger yet. */
export function sameChecked(one: CheckedRow, other: CheckedRow): boolean {
  if (one.members === other.members) return true;
  return sameContent(JSON.parse(`{${one.members}}`) as Row, other);
}

function isSpilled(stored: Row, checked: CheckedRow): boolean {
  return stored.spill_id !== undefined || checked.members.includes(',"spill_id":"');
}

function callerPart(row: JsonObject): JsonObject {
  return new Map([...row].filter(([name]) => !LEDGER_MEMBERS.has(name)));
}
