/**
 * `ledger run`: a row, a command, a row. The command keeps its own stdin, stdout, stderr; signals reach it; its status is
 * the answer, whatever becomes of the second row.
 *
 *   1. run_started      committed (or spilled) before the command starts; without it the command does not start
 *   2. the command      with LEDGER_RUN_ID and LEDGER_DIR, so that its own appends join the run
 *   3. run_completed    outcome, exit status or signal, duration
 */
import { basename } from 'node:path';
import { completeRow, environmentDefaults } from '../core/defaults';
import { LedgerError } from '../core/errors';
import { ulidAt, ULID_RANDOM_BYTES } from '../core/ids';
import type { JsonObject } from '../core/json';
import type { CheckedRow } from '../core/row';
import { wholeText } from '../core/sameContent';
import { checkRunFlags, completedRow, startedRow } from '../core/runRows';
import type { CommandEnd, RunFrame } from '../core/runRows';
import type { AppendEvents, Receipt } from '../store/append/append';
import { Catalogues } from '../store/catalogue/catalogues';
import { runChild, SignalForwarder } from '../store/machine/child';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { nodeHost } from '../store/machine/nodeHost';
import { Writer } from '../store/append/writer';

export interface RunRequest {
  readonly place: Place;
  /** Members from flags, for both rows. */
  readonly flags: JsonObject;
  readonly command: readonly string[];
  readonly recordArgs: boolean;
  readonly events: AppendEvents;
  /** Hears of a first row that waits in the spill file. */
  readonly onSpilled: (error: LedgerError) => void;
}

export interface RunResult {
  readonly end: CommandEnd;
  readonly runId: string;
  /** What became of the second row; where it could be stored nowhere, the row itself. */
  readonly completed:
    Receipt | { readonly status: 'refused'; readonly error: LedgerError; readonly row: string | undefined };
}

/**
 * @throws LedgerError where the first row is stored nowhere: then nothing was started
 */
export async function runCommand(request: RunRequest): Promise<RunResult> {
  const { place, events } = request;
  checkRunFlags(request.flags);
  const located = locate(place);
  const { paths, config } = located;
  const catalogues = new Catalogues(located);
  const host = nodeHost();
  const writer = new Writer({ paths, host, durability: config.durability, events });
  const frame = frameOf(request, ulidAt(host.nowMs(), host.random(ULID_RANDOM_BYTES)));
  const check = (row: JsonObject, { onOmitted }: Pick<AppendEvents, 'onOmitted'> = {}): CheckedRow =>
    catalogues.checked(row, { nowMs: host.nowMs(), onOmitted });
  // What the last row would be refused for is to be known now: afterwards the command has run.
  check(completedRow(frame, { kind: 'exited', status: 0 }, 0));
  const signals = new SignalForwarder();
  try {
    const [started] = await writer.append([check(startedRow(frame), events)]);
    if (started?.status === 'refused') throw started.error;
    if (started?.status === 'spilled') request.onSpilled(started.error);
    const startMs = host.monotonicMs();
    const end = await runChild(request.command, childEnvironment(place, frame, paths.dir), signals);
    const row = completedRow(frame, end, Math.round(host.monotonicMs() - startMs));
    return { end, runId: frame.runId, completed: await appendLast(writer, () => check(row)) };
  } finally {
    signals.stop();
  }
}

/** Nested runs get an id of their own; the one around them becomes the parent. */
function frameOf({ place, flags, command, recordArgs }: RunRequest, freshId: string): RunFrame {
  const defaults = environmentDefaults(place.env);
  const outer = defaults.get('run_id');
  const given = flags.get('run_id');
  const runId = typeof given === 'string' ? given : freshId;
  const parent = flags.get('parent_run_id') ?? (outer === runId ? undefined : outer) ?? defaults.get('parent_run_id');
  defaults.delete('run_id');
  defaults.delete('parent_run_id');
  const [program = '', ...args] = command;
  return {
    members: completeRow(new Map(), flags, defaults),
    runId,
    parentRunId: typeof parent === 'string' ? parent : undefined,
    program: basename(program),
    args: recordArgs ? args : undefined,
  };
}

/** The command's rows join this run, wherever it changes its folder to. What was said of this run alone is not passed on. */
function childEnvironment(place: Place, { runId }: RunFrame, dir: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...place.env, LEDGER_RUN_ID: runId, LEDGER_DIR: dir };
  delete env['LEDGER_PARENT_RUN_ID'];
  return env;
}

/** The command has run: nothing that fails here may change what it answered. */
async function appendLast(writer: Writer, check: () => CheckedRow): Promise<RunResult['completed']> {
  let row: CheckedRow | undefined;
  try {
    row = check();
    const [receipt] = await writer.append([row]);
    // What follows is about the index, which may lag.
    await writer.close().catch(() => undefined);
    return receipt as Receipt;
  } catch (cause) {
    const error =
      cause instanceof LedgerError
        ? cause
        : new LedgerError('WRITE_FAILED', `could not append: ${String(cause)}`, { cause });
    return { status: 'refused', error, row: row && wholeText(row) };
  }
}
