/** Rows as records of a table: a column for each member that occurs, in the order of a stored line. */
import { CALLER_MEMBER_NAMES } from '../members';
import { completeObject } from '../rowText';

/** In front of the members that a caller gave. */
const PLACE = ['seq', 'ts', 'id', 'by'];
/** What proves a row rather than tells it: in the stored line, not in a table. */
const NOT_IN_TABLES: ReadonlySet<string> = new Set([
  'run_prev_hash',
  'decision_prev_hash',
  'content_hash',
  'nonce',
  'prev_hash',
]);

/** @param seen the members that occur */
export function tableColumns(seen: ReadonlySet<string>): string[] {
  const known = [...PLACE, ...CALLER_MEMBER_NAMES].filter((name) => seen.has(name));
  const others = [...seen].filter((name) => !known.includes(name) && !NOT_IN_TABLES.has(name) && name !== 'hash');
  return [...known, ...others, ...(seen.has('hash') ? ['hash'] : [])];
}

export function cellsOf(line: Buffer, columns: readonly string[]): string[] {
  const row = completeObject(line) ?? {};
  return columns.map((name) => {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  });
}
