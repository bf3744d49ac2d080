/**
 * The table `rows` that SQL is asked about: one line of the ledger a row, a column for every known member, and a few that
 * save an expression. `ledger sql --schema` prints it.
 *
 *   SELECT agent, sum(cost_nanos) / 1e9 AS usd FROM rows WHERE counts GROUP BY agent
 */
import { CALLER_MEMBERS, CALLER_MEMBER_NAMES, LEDGER_MEMBERS, MEMBERS } from './members';
import type { MemberKind } from './members';
import { jsonText } from './printable';

/** Raise it with every change of the columns or of what they mean: an older projection is made anew. */
export const SQL_COLUMNS_VERSION = 2;

type Line = Readonly<Record<string, unknown>>;
type Value = null | number | string;

export interface SqlColumn {
  readonly name: string;
  readonly type: 'INTEGER' | 'REAL' | 'TEXT';
  readonly meaning: string;
  /** Where it comes from: what is stored of a line that is a JSON object, or an expression over stored columns. */
  readonly from: ((line: Line) => Value) | string;
}

const TYPES: Readonly<Record<MemberKind, SqlColumn['type']>> = {
  string: 'TEXT',
  action: 'TEXT',
  time: 'TEXT',
  cost: 'REAL',
  count: 'REAL',
  provenance: 'TEXT',
  payload: 'TEXT',
};

const MEANINGS: Readonly<Record<string, string>> = {
  occurred_at: 'when it happened, where that was said; UTC',
  cost_usd: 'a double; add up cost_nanos for an exact sum',
  payload: "JSON text: payload ->> '$.exit_status'",
  provenance: 'live where the row does not say',
};

const OWN: readonly SqlColumn[] = [
  { name: 'seq', type: 'INTEGER', meaning: 'place in the ledger', from: ({ seq }) => numberOf(seq) },
  { name: 'ts', type: 'TEXT', meaning: 'when it was appended, UTC', from: ({ ts }) => memberValue(ts) },
  {
    name: 'time',
    type: 'TEXT',
    meaning: 'when it counts: occurred_at, else ts; UTC, so it sorts and compares as text',
    from: 'coalesce(occurred_at, ts)',
  },
  { name: 'id', type: 'TEXT', meaning: 'ULID', from: ({ id }) => memberValue(id) },
  {
    name: 'by',
    type: 'TEXT',
    meaning: 'the account that appended it (quote it: "by")',
    from: ({ by }) => memberValue(by),
  },
];

const DERIVED: readonly SqlColumn[] = [
  {
    name: 'cost_nanos',
    type: 'INTEGER',
    meaning: 'cost_usd in units of 10^-9 USD, exact',
    // As a double it is the nearest to n / 10^9, and below 10^6: the product is nearer to n than a half.
    from: 'CAST(round(cost_usd * 1e9) AS INTEGER)',
  },
  {
    name: 'counts',
    type: 'INTEGER',
    meaning: "1 where the row counts in sums: live or imported, and not the ledger's own",
    from: "coalesce(provenance, 'live') NOT IN ('sample', 'fallback') AND action NOT GLOB 'audit.*'",
  },
  { name: 'run_seq', type: 'INTEGER', meaning: 'place in its run', from: ({ run_seq: seq }) => numberOf(seq) },
  {
    name: 'decision_seq',
    type: 'INTEGER',
    meaning: 'place in its decision',
    from: ({ decision_seq: seq }) => numberOf(seq),
  },
  { name: 'other', type: 'TEXT', meaning: 'JSON text of all members that have no column of their own', from: othersOf },
];

export const SQL_COLUMNS: readonly SqlColumn[] = [
  ...OWN,
  ...CALLER_MEMBER_NAMES.map((name): SqlColumn => ({
    name,
    type: TYPES[CALLER_MEMBERS[name]],
    meaning: MEANINGS[name] ?? '',
    from: (line) => memberValue(line[name]),
  })),
  ...DERIVED,
];

export interface StoredColumn {
  readonly name: string;
  readonly type: SqlColumn['type'];
  readonly value: (line: Line) => Value;
}

/** Those that are stored; the others follow from them. */
export const STORED_COLUMNS: readonly StoredColumn[] = SQL_COLUMNS.flatMap(({ name, type, from }) =>
  typeof from === 'string' ? [] : [{ name, type, value: from }],
);

/** What a summary of a row leaves out. */
export const CONTENT_COLUMNS: readonly string[] = ['payload', 'other', 'idempotency_key'];

/** What the table `rows` selects from a table of stored columns. */
export function rowsSelect(hidden: readonly string[] = []): string {
  const shown = SQL_COLUMNS.filter(({ name }) => !hidden.includes(name));
  return shown
    .map(({ name, from }) => {
      if (name === 'provenance') return `coalesce(provenance, 'live') AS provenance`;
      return typeof from === 'string' ? `${from} AS ${name}` : `"${name}"`;
    })
    .join(', ');
}

/** Who can compute a hash can write a row whose agent is a list: it is shown as it is. 1e999 is no number that could be added up. */
function memberValue(value: unknown): Value {
  if (value === Infinity || value === -Infinity) return null;
  if (typeof value === 'string' || typeof value === 'number') return value;
  return value === undefined || value === null ? null : jsonText(value);
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function othersOf(line: Line): string | null {
  const isOther = (name: string): boolean => !MEMBERS.has(name) && !LEDGER_MEMBERS.has(name);
  for (const name in line) {
    if (isOther(name)) return jsonText(Object.fromEntries(Object.entries(line).filter(([other]) => isOther(other))));
  }
  return null;
}
