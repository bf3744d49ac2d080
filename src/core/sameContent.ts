/** Whether a row that stands in the ledger says the same as a row that comes with its key again. */
import { canonicalJson } from './json';
import { parseJson } from './parseJson';
import type { JsonObject } from './json';
import { LEDGER_MEMBERS } from './members';
import type { Row } from './members';
import type { CheckedRow } from './row';

/**
 * Compares the callers' members, canonically. A row that went through the spill file got its `occurred_at` from there
 * where the caller gave none; that is no difference.
 * @param untimed whether the caller of the new row gave no `occurred_at` (a drain may have added one)
 */
export function sameContent(stored: Row, checked: CheckedRow, untimed = !hasTime(checked)): boolean {
  return same(parseJson(JSON.stringify(stored)) as JsonObject, checked, untimed);
}

/** The same for two rows of which neither is in the ledger yet. */
export function sameChecked(one: CheckedRow, other: CheckedRow, untimed = false): boolean {
  if (one.members === other.members) return true;
  return same(parseJson(`{${one.members}}`) as JsonObject, other, untimed);
}

function same(stored: JsonObject, checked: CheckedRow, untimed: boolean): boolean {
  const before = callerPart(stored);
  const now = callerPart(parseJson(`{${checked.members}}`) as JsonObject);
  const timeIsAdded = stored.has('spill_id') || !before.has('occurred_at');
  if (untimed && timeIsAdded) for (const row of [before, now]) row.delete('occurred_at');
  return canonicalJson(before) === canonicalJson(now);
}

function hasTime(checked: CheckedRow): boolean {
  return (parseJson(`{${checked.members}}`) as JsonObject).has('occurred_at');
}

/** A signature is a caller's, though it is looked at before it is taken. */
function isSaid(name: string): boolean {
  return name === 'signature' || (!LEDGER_MEMBERS.has(name) && name !== 'traceparent');
}

/** Under a tracer a call that is repeated has a span of its own: where it came from is not what it says. */
function callerPart(row: JsonObject): JsonObject {
  return new Map([...row].filter(([name]) => isSaid(name)));
}
