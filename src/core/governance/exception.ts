/** An exception that somebody made: what it covers, and until when it holds. */
import type { Row } from '../members';
import { parseRfc3339 } from '../time';
import { nameOf } from './consent';
import { fieldOf, textOf } from './finding';
import { scopeNames } from './scope';

export interface Override {
  readonly seq: number;
  readonly names: readonly string[];
  readonly expires: string;
  readonly expiresMs: number;
}

export function overrideIn(row: Row): Override {
  const expires = textOf(row, 'expires_at') ?? '';
  return {
    seq: row.seq,
    // Nobody can make no exception.
    names: nameOf(row) === undefined ? [] : scopeNames(fieldOf(row, 'scope')),
    expires,
    expiresMs: parseRfc3339(expires) ?? -Infinity,
  };
}

/** A row that was set down later than it is said to have happened is told of as that: only when it was set down is sure. */
export function endedText(text: string, { expires, expiresMs }: Override, row: Row, what: string): string {
  const said = parseRfc3339(row.occurred_at ?? '');
  const isSaidBefore = said !== undefined && said <= expiresMs;
  const when = isSaidBefore ? `when it was set down that it was ${what} (${row.ts}; it is said to have been at ${row.occurred_at ?? ''})` : `when it was ${what}`; // prettier-ignore
  return `${text}, and the exception for it had ended (${expires === '' ? 'no end is said' : expires}) ${when}`;
}
