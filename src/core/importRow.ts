/**
 * A row of a foreign JSON-lines log as a row of this ledger. Nothing is lost and nothing is bent: what has a place here
 * goes there unchanged, what has none goes word for word into `imported_from`.
 *
 *   {"ts":"2026-04-25T20:09:24.604Z","run_id":7,"id":"x9","action":"pulse.probe","cost_usd":0.0001,"note":"ok"}
 *     → occurred_at 2026-04-25T20:09:24.604Z, action pulse.probe, cost_usd 0.0001, provenance imported, note ok,
 *       imported_from {"run_id":7,"id":"x9"}
 *
 *   - `ts` becomes `occurred_at`; where there is an `occurred_at` text as well, that one stands and `ts` is foreign
 *   - members that only a ledger sets (seq, id, by, hash, …) are foreign: they are another ledger's
 *   - members that this ledger types otherwise (a number as run_id, a negative duration, an empty string, null) are foreign
 *   - a cost with more than nine places is rounded to the nano-dollar, halves away from zero; the figure as it was is kept
 *     as foreign, too
 *   - an `action` that is missing, no name, or `audit.*` is foreign; the row is then `imported.row`
 *   - `provenance` is `imported`; what it was before is foreign. But `sample` and `fallback` stay: they never count
 */
import { LedgerError } from './errors';
import { MAX_DEPTH } from './json';
import type { Json, JsonObject } from './json';
import { CALLER_MEMBERS, LEDGER_MEMBERS } from './members';
import { roundedToNanos } from './money';
import { checkRow } from './row';
import type { CheckedRow } from './row';

export const FALLBACK_ACTION = 'imported.row';

/** `imported_from` is at depth 2, so what stands in it begins at depth 3. */
const MAX_FOREIGN_DEPTH = MAX_DEPTH - 2;

export interface ImportedRow {
  readonly row: CheckedRow;
  /** The members of this ledger's table that the foreign row held otherwise: what queries and sums will not see. */
  readonly misfits: readonly string[];
  /** Whether the cost had more than nine places: floats that were added up have. */
  readonly rounded: boolean;
}

/** Members that have no place here already, of a line that was written in another shape. */
export interface Foreign {
  readonly members: JsonObject;
  /** How that shape names members of this one. */
  readonly names: ReadonlyMap<string, string>;
}

const NOTHING_FOREIGN: Foreign = { members: new Map(), names: new Map() };

/**
 * @param key the idempotency key under which the line is imported
 * @param isSealed whether a member is to be sealed, or something in it
 * @throws LedgerError ROW_NOT_OBJECT, ROW_TOO_LONG, JSON_DEPTH: the line can be no row; MEMBER_VALUE where what is to be
 *   sealed would stand open, in imported_from
 */
export function importRow(
  line: Json,
  key: string,
  { members, names } = NOTHING_FOREIGN,
  isSealed: (member: string) => boolean = () => false,
): ImportedRow {
  if (!(line instanceof Map)) throw new LedgerError('ROW_NOT_OBJECT', 'expected a JSON object, found another value');
  const foreign: JsonObject = new Map(members);
  const row = ownPart(line, foreign);
  row.set('idempotency_key', key);
  const misfits: string[] = [];
  let rounded = false;
  for (;;) {
    if (!row.has('action')) row.set('action', FALLBACK_ACTION);
    try {
      const own: ReadonlyMap<string, Json> = foreign.size === 0 ? new Map() : new Map([['imported_from', foreign]]);
      const checked = checkRow(row, { nowMs: undefined, own });
      checkDepth(foreign);
      return { row: checked, misfits, rounded };
    } catch (error) {
      const member = misfitOf(error, row);
      if (member === undefined) throw error;
      // A foreign `ts` goes back under its own name.
      const name = member === 'occurred_at' && !hasOccurred(line) ? 'ts' : member;
      if (isSealed(name) && !isNothing(line.get(name))) throw keptBack(name, error);
      const there = names.get(name) ?? name;
      foreign.set(there, line.get(name) ?? null);
      const cost: string | undefined = member === 'cost_usd' && !rounded ? roundedCost(line.get(name)) : undefined;
      if (cost !== undefined) {
        rounded = true;
        row.set(member, cost);
        continue;
      }
      row.delete(member);
      misfits.push(there);
    }
  }
}

const isNothing = (value: Json | undefined): boolean => value === undefined || value === null || value === '';

function keptBack(member: string, cause: unknown): LedgerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError('MEMBER_VALUE', `expected a value of "${member}" that can be sealed: ${why}`, {
    place: { member },
    cause,
  });
}

/** The members that may have a place here, `ts` as `occurred_at`; what surely has none goes to `foreign`. */
function ownPart(line: JsonObject, foreign: JsonObject): JsonObject {
  const row: JsonObject = new Map();
  for (const [name, value] of line) {
    if (name === 'ts' && !hasOccurred(line)) row.set('occurred_at', value);
    else if (name === 'occurred_at' && line.has('ts') && !hasOccurred(line)) foreign.set(name, value);
    else if (LEDGER_MEMBERS.has(name) || name === 'idempotency_key') foreign.set(name, value);
    else if (name !== 'provenance') row.set(name, value);
    else if (value !== 'imported' && value !== 'sample' && value !== 'fallback') foreign.set(name, value);
  }
  const before = line.get('provenance');
  row.set('provenance', before === 'sample' || before === 'fallback' ? before : 'imported');
  return row;
}

function hasOccurred(line: JsonObject): boolean {
  return typeof line.get('occurred_at') === 'string' || !line.has('ts');
}

/** The member of the table that a refusal is about, or undefined where it is about the whole row. */
function misfitOf(error: unknown, row: JsonObject): string | undefined {
  if (!(error instanceof LedgerError)) return undefined;
  const member = error.place?.member;
  return member !== undefined && row.has(member) && Object.hasOwn(CALLER_MEMBERS, member) ? member : undefined;
}

/** A cost with more than nine places, to the nano-dollar. */
function roundedCost(value: Json | undefined): string | undefined {
  return typeof value === 'number' || typeof value === 'string' ? roundedToNanos(String(value)) : undefined;
}

function checkDepth(foreign: JsonObject): void {
  for (const [name, value] of foreign) {
    if (depthOf(value) <= MAX_FOREIGN_DEPTH) continue;
    throw new LedgerError('JSON_DEPTH', `expected at most ${MAX_FOREIGN_DEPTH} levels in "${name}", found more`);
  }
}

function depthOf(value: Json): number {
  if (value === null || typeof value !== 'object') return 0;
  const items = Array.isArray(value) ? value : [...value.values()];
  return 1 + items.reduce<number>((deepest, item) => Math.max(deepest, depthOf(item)), 0);
}
