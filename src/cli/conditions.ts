/** Which rows are asked for, the same way in every command that asks: conditions, an expression, a window, shorthands. */
import type { Command } from 'commander';
import { formatLocal } from '../core/day';
import { ACTORS } from '../core/governance/words';
import type { Zone } from '../core/day';
import type { TimeWindow } from '../core/when';
import type { Conditions, QueryNotes } from '../services/query';
import type { Io } from './io';
import { placeOf } from './options';
import type { GlobalFlags } from './options';
import { warn } from './talk';

export interface ConditionFlags {
  readonly where?: string;
  readonly day?: string;
  readonly since?: string;
  readonly until?: string;
  readonly run?: string;
  readonly decision?: string;
  readonly actor?: string;
  readonly role?: string;
  readonly class?: string;
  readonly customer?: string;
  readonly riskBand?: string;
  readonly outcome?: string;
}

export const CONDITIONS_HELP = `Conditions: FIELD=VALUE  FIELD!=VALUE  FIELD~REGEX  FIELD!~REGEX  FIELD>N  FIELD>=N  FIELD<N  FIELD<=N. A field is a
member of a row, or a value in one (payload.exit_status); actor|payload.actor=ann looks into both. Several = and ~ of one field are alternatives; everything
else must hold together. FIELD= finds rows without it, FIELD!= rows that have it. Numbers are compared as numbers, ts,
occurred_at and as_of as times. Regular expressions are those of RE2: none can hang.
--where: && || ! == != < <= > >= in + - * / %, contains startsWith endsWith matches lower length has; a field that is
not there is null. row["any name"] is a member with an odd name.
--since, --until and --day go by when it happened (occurred_at, else ts); times as for "ledger rollup".`;

export function addConditions(command: Command): Command {
  return command
    .argument('[conditions...]', 'FIELD=VALUE and the like')
    .option('--where <expression>', 'an expression over fields')
    .option('--since <time>', 'from this moment on, inclusive')
    .option('--until <time>', 'up to this moment, exclusive')
    .option('--day <day>', 'one day')
    .option('--run <id>', 'as run_id=ID')
    .option('--decision <id>', 'as decision_id=ID')
    .option('--actor <name>', 'who acted: a person or an agent, wherever the row says so')
    .option('--role <role>', 'in which role')
    .option('--class <action>', 'what a decision is to do: deploy_code, transfer_funds')
    .option('--customer <id>', 'as customer_id=ID')
    .option('--outcome <text>', 'how it ended; of an enforcement: allow, deny, queue, escalate')
    .option('--risk-band <band>', 'as payload.band=BAND');
}

export function conditionsOf(io: Io, terms: readonly string[], flags: ConditionFlags & GlobalFlags): Conditions {
  const { tz, where, day, since, until } = flags;
  const all = [...terms, ...shorthand(flags)];
  return { place: placeOf(flags, io), tz, nowMs: io.nowMs(), terms: all, where, day, since, until };
}

/** Where a row says who acted. */
const ACTOR_FIELDS = ACTORS.flatMap((name) => [name, `payload.${name}`]).join('|');

/** The flags that stand for a condition. */
function shorthand(flags: ConditionFlags): string[] {
  const { run, decision, actor, role, customer, outcome, riskBand } = flags;
  const fields = {
    run_id: run,
    decision_id: decision,
    [ACTOR_FIELDS]: actor,
    'role|payload.role': role,
    'payload.action': flags.class,
    customer_id: customer,
    'outcome|payload.outcome|payload.result': outcome,
    'payload.band': riskBand,
  };
  return Object.entries(fields).flatMap(([field, value]) => (value === undefined ? [] : [`${field}=${value}`]));
}

/** The window is printed back: "yesterday" is another day in another zone. */
export function tellWindow(io: Io, flags: GlobalFlags, window: TimeWindow | undefined, zone: Zone): void {
  if (window === undefined || flags.quiet === true || flags.json === true) return;
  io.stderr(`ledger: note: ${windowText(window, zone)}\n`);
}

export function windowText({ sinceMs, untilMs }: TimeWindow, zone: Zone): string {
  const from = sinceMs === -Infinity ? 'the beginning' : formatLocal(zone, sinceMs);
  const to = untilMs === Infinity ? 'the end' : formatLocal(zone, untilMs);
  return `from ${from} to ${to} (${zone.name})`;
}

/** What an answer leaves out. */
export function tellNotes(io: Io, flags: GlobalFlags, notes: QueryNotes): void {
  if (flags.quiet === true) return;
  const { broken, tornBytes, lostRows, spilledRows } = notes;
  const [first] = broken.places;
  if (first !== undefined) {
    const lines = counted(broken.count, 'line is no row', 'lines are no rows');
    warn(io, `${lines} and not shown, the first in ${first.segment} at byte ${first.offset}; see "ledger verify"`);
  }
  if (tornBytes > 0) warn(io, `${tornBytes} bytes behind the last row are torn; see "ledger sweep"`);
  if (lostRows > 0)
    warn(io, `the index knows ${counted(lostRows, 'row', 'rows')} that the file has no more; see "ledger verify"`);
  if (spilledRows > 0) {
    const rows = counted(spilledRows, 'row waits', 'rows wait');
    warn(io, `${rows} in the spill file and not shown; "ledger sweep" chains what waits`);
  }
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
