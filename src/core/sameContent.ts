/**
 * Whether a row that stands in the ledger says the same as a row that comes with its key again. Sealed fields are compared
 * by what their openings say, for each row has salts of its own; where an opening was erased nobody can tell any more, and
 * the two are not the same.
 */
import { canonicalJson, storedJson } from './json';
import { parseJson } from './parseJson';
import type { JsonObject } from './json';
import { LEDGER_MEMBERS } from './members';
import { openRow } from './seal';
import type { FindOpening } from './seal';
import type { Row } from './members';
import type { CheckedRow } from './row';

/**
 * Compares the callers' members, canonically. A row that went through the spill file got its `occurred_at` from there
 * where the caller gave none; that is no difference.
 * @param untimed whether the caller of the new row gave no `occurred_at` (a drain may have added one)
 */
export function sameContent(
  stored: Row,
  checked: CheckedRow,
  find: FindOpening = none,
  untimed = !hasTime(checked),
): boolean {
  return same(parseJson(JSON.stringify(stored)) as JsonObject, checked, find, untimed);
}

/** The same for two rows of which neither is in the ledger yet. */
export function sameChecked(one: CheckedRow, other: CheckedRow, find: FindOpening = none, untimed = false): boolean {
  if (one.members === other.members) return true;
  const opened = openRow(parseJson(`{${one.members}}`) as JsonObject, openingsOf(one));
  return same(opened, other, find, untimed);
}

const none: FindOpening = () => undefined;

function same(stored: JsonObject, checked: CheckedRow, find: FindOpening, untimed: boolean): boolean {
  const given = openRow(parseJson(`{${checked.members}}`) as JsonObject, openingsOf(checked));
  const before = callerPart(openRow(stored, find));
  const now = callerPart(openRow(given, find));
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

function openingsOf({ openings = [] }: CheckedRow): FindOpening {
  return (sought) => openings.find(({ digest }) => digest === sought);
}

/** A row as it was given, its sealed fields open, in JSON: for whoever must give it again. */
export function wholeText(checked: CheckedRow): string {
  if (checked.openings === undefined) return `{${checked.members}}`;
  return storedJson(openRow(parseJson(`{${checked.members}}`) as JsonObject, openingsOf(checked)));
}

/** Under a tracer a call that is repeated has a span of its own: where it came from is not what it says. */
function callerPart(row: JsonObject): JsonObject {
  return new Map([...row].filter(([name]) => isSaid(name)));
}
