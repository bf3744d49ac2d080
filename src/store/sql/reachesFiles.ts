/**
 * What a SELECT can do beside looking at tables: libsql has functions that read and write files, and a table that lists
 * folders. SQLite marks functions with effects (SQLITE_DIRECTONLY); which ones a statement calls, its program says.
 */
import type { Database } from '../index/sqlite';

const DIRECT_ONLY = 0x80000;
/** A program does not say the names of such tables; in SQL a name has no other spelling. */
const FOLDER_TABLE = /fsdir/i;

/** What a statement would reach files with; undefined where it only looks at tables. Nothing of it is run. */
export function fileReach(database: Database, statement: string): string | undefined {
  const program = database.prepare(`EXPLAIN ${statement}`).all();
  if (program.some(({ opcode }) => opcode === 'VOpen') && FOLDER_TABLE.test(statement)) return 'fsdir';
  const direct = database.prepare(`SELECT name FROM pragma_function_list WHERE flags & ${DIRECT_ONLY}`).all();
  const names = new Set(direct.map(({ name }) => String(name)));
  const called = program.filter(({ opcode }) => opcode === 'Function' || opcode === 'PureFunc');
  return called.map(({ p4 }) => String(p4).replace(/\(.*$/, '')).find((name) => names.has(name));
}
