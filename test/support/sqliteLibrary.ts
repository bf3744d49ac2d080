/** The library whose SQLite is used here: Node's own, where it has one without a flag. Each has functions of its own. */
export const SQLITE_LIBRARY = process.getBuiltinModule('node:sqlite') === undefined ? 'libsql' : 'node:sqlite';
export const IS_LIBSQL = SQLITE_LIBRARY === 'libsql';
