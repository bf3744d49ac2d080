/**
 * The two rows around a command that `ledger run` wraps. What is known before stands in both, so that either can be
 * found by agent, target or customer; what the run cost stands in the second alone, so that nothing is counted twice.
 *
 *   {"run_id":"01J…","action":"run_started","target":"make","payload":{"program":"make","args":["test"]}}
 *   {"run_id":"01J…","action":"run_completed","target":"make","outcome":"failure","duration_ms":812,"payload":{"program":"make","exit_status":2}}
 */
import { LedgerError } from './errors';
import type { Json, JsonObject } from './json';

/** How a command ended. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string; readonly number: number }
  /** It never ran: 127 not found, 126 found and not startable. */
  | { readonly kind: 'not-started'; readonly status: 126 | 127; readonly why: string }
  /** A signal came before it was started. */
  | { readonly kind: 'cancelled'; readonly signal: string; readonly number: number };

/** What `run` itself says. */
export const MEASURED: readonly string[] = ['action', 'occurred_at', 'outcome', 'duration_ms', 'idempotency_key'];
const COSTS = ['cost_usd', 'input_tokens', 'output_tokens', 'cached_tokens'];

/**
 * Refuses flags that would contradict what the run is to find out.
 * @throws LedgerError USAGE
 */
export function checkRunFlags(flags: JsonObject): void {
  const refused = MEASURED.find((name) => flags.has(name));
  if (refused === undefined) return;
  throw new LedgerError('USAGE', `expected "run" to set "${refused}" itself, found it in a flag`, {
    place: { member: refused },
    hint: 'leave it out; a row of your own: ledger append',
  });
}

export interface RunFrame {
  /** What flags and environment say. */
  readonly members: JsonObject;
  readonly runId: string;
  readonly parentRunId: string | undefined;
  readonly program: string;
  /** Given only where they are to be recorded. */
  readonly args: readonly string[] | undefined;
}

export function startedRow(frame: RunFrame): JsonObject {
  const row = framed(frame, 'run_started');
  for (const name of COSTS) row.delete(name);
  row.set('payload', payloadOf(frame, frame.args === undefined ? [] : [['args', [...frame.args]]]));
  return row;
}

export function completedRow(frame: RunFrame, end: CommandEnd, durationMs: number): JsonObject {
  const row = framed(frame, 'run_completed');
  row.set('outcome', end.kind === 'exited' && end.status === 0 ? 'success' : 'failure');
  row.set('duration_ms', durationMs);
  row.set('payload', payloadOf({ ...frame, members: new Map() }, endMembers(end)));
  return row;
}

function framed({ members, runId, parentRunId, program }: RunFrame, action: string): JsonObject {
  const row: JsonObject = new Map(members);
  for (const name of MEASURED) row.delete(name);
  row.set('run_id', runId);
  row.delete('parent_run_id');
  if (parentRunId !== undefined) row.set('parent_run_id', parentRunId);
  row.set('action', action);
  if (!row.has('target') && program !== '') row.set('target', program);
  return row;
}

/** The caller's payload stands in the first row, beside what `run` says. */
function payloadOf({ members, program }: RunFrame, own: readonly (readonly [string, Json])[]): JsonObject {
  const given = members.get('payload');
  const payload: JsonObject = new Map<string, Json>(given instanceof Map ? given : []);
  for (const [name, value] of [['program', program] as const, ...own]) {
    if (payload.has(name))
      throw new LedgerError('USAGE', `expected "run" to set payload.${name} itself, found it in --payload`);
    payload.set(name, value);
  }
  return payload;
}

function endMembers(end: CommandEnd): (readonly [string, Json])[] {
  switch (end.kind) {
    case 'exited':
      return [['exit_status', end.status]];
    case 'killed':
      return [['signal', end.signal]];
    case 'not-started':
      return [
        ['exit_status', end.status],
        ['error', end.why],
      ];
    case 'cancelled':
      return [
        ['signal', end.signal],
        ['error', 'a signal came before the command was started'],
      ];
  }
}

/** The status that a shell would give. */
export function statusOf(end: CommandEnd): number {
  return end.kind === 'exited' || end.kind === 'not-started' ? end.status : 128 + end.number;
}
