/** What the last rows of a ledger hold, for whoever types: read from the end of the file, in bounded time, and never waited for. */
import { orNothing } from '../core/errors';
import type { CallerMember, Row } from '../core/members';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { tailRows } from '../store/read/tailRows';

const MAX_VALUES = 200;

/** A value of the last rows, and what it is of. */
export interface Seen {
  readonly value: string;
  readonly about: string;
}

/** The values of a member, the latest first, each once; none where there is no ledger that can be read. */
export function valuesOf(place: Place, member: CallerMember): readonly Seen[] {
  const values = new Set<string>();
  for (const row of lastRows(place)) {
    const value = row[member];
    if (typeof value === 'string' && values.size < MAX_VALUES) values.add(value);
  }
  return [...values].map((value) => ({ value, about: '' }));
}

/** The last rows by their numbers, the latest first. */
export function lastSeqs(place: Place, count: number): readonly Seen[] {
  return lastRows(place)
    .slice(0, count)
    .map((row) => ({ value: String(row.seq), about: aboutOf(row) }));
}

/** Reservations that nothing in the last rows closes, the latest first. */
export function openReservations(place: Place): readonly Seen[] {
  const rows = lastRows(place);
  const closed = new Set(rows.map(({ ref }) => ref));
  const open = rows.filter(({ action, id }) => action === 'spend.reserved' && !closed.has(id));
  return open.slice(0, MAX_VALUES).map((row) => ({ value: row.id, about: aboutOf(row) }));
}

function aboutOf({ agent, action, target }: Row): string {
  return [agent, action, target].filter((part) => typeof part === 'string').join(' ');
}

const lastRows = (place: Place): readonly Row[] => orNothing(() => tailRows(locate(place).paths.ledger)) ?? [];
