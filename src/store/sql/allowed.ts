/**
 * What a SELECT can do beside looking at tables: the engine has functions that read and write files, and tables that list
 * folders or show pages of a database. So what is allowed is a list: functions that SQLite calls innocuous (their answer
 * depends on what they are given, and they do nothing else), those for numbers and texts that are not marked so, and
 * tables made of JSON or of numbers. Which functions a statement calls, its program says.
 */
import { CONTENT_COLUMNS } from '../../core/sqlColumns';
import type { Database } from '../index/sqlite';
import { STORED_TABLES } from './columnsFill';

const INNOCUOUS = 0x200000;
const NUMBERS = `abs acos acosh asin asinh atan atan2 atanh atn2 ceil ceiling cos cosh cot coth degrees exp floor ln log log10
  lower_quartile median mode pi power radians sign sin sinh sqrt square stdev tan tanh upper_quartile variance`;
const TEXTS = 'charindex leftstr padc padl padr proper replicate reverse rightstr strfilter';
const UNMARKED: ReadonlySet<string> = new Set(`${NUMBERS} ${TEXTS}`.split(/\s+/));
const TABLES: ReadonlySet<string> = new Set(['json_each', 'json_tree', 'generate_series']);
const CALLS: ReadonlySet<unknown> = new Set(['Function', 'PureFunc', 'AggStep', 'AggStep1', 'AggInverse']);

/** What a statement would use beside what is allowed; undefined where there is nothing. Nothing of it is run. */
export function notAllowed(database: Database, statement: string): string | undefined {
  const program = database.prepare(`EXPLAIN ${statement}`).all();
  const innocuous = database.prepare(`SELECT name FROM pragma_function_list WHERE flags & ${INNOCUOUS}`).all();
  const allowed = new Set(innocuous.map(({ name }) => String(name)));
  const called = program.filter(({ opcode }) => CALLS.has(opcode)).map(({ p4 }) => String(p4).replace(/\(.*$/, ''));
  const other = called.find((name) => !allowed.has(name) && !UNMARKED.has(name));
  if (other !== undefined) return `the function ${other}`;
  // A program does not say the names of such tables; in SQL a name has no other spelling.
  if (!program.some(({ opcode }) => opcode === 'VOpen')) return undefined;
  const modules = database
    .prepare('SELECT name FROM pragma_module_list')
    .all()
    .map(({ name }) => String(name));
  const table = modules.find((name) => !TABLES.has(name) && new RegExp(`\\b${name}\\b`, 'i').test(statement));
  return table === undefined && namesAllowed(statement) ? undefined : `the table ${table ?? 'of an extension'}`;
}

const NAMES_OF_CONTENT = new RegExp(`\\b(${[...CONTENT_COLUMNS, ...STORED_TABLES].join('|')})\\b`, 'i');

/**
 * Whether a statement may look at what was put into rows. It goes by the words, since a name has no other spelling: a text
 * that holds one of them counts, too. The table `rows` is without these columns then; the tables beneath it are not.
 */
export function readsContent(statement: string): boolean {
  return NAMES_OF_CONTENT.test(statement);
}

const namesAllowed = (statement: string): boolean => [...TABLES].some((name) => statement.toLowerCase().includes(name));
