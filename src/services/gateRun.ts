/**
 * `ledger gate … -- COMMAND`: the command runs only when its spend is allowed, and what became of that is recorded.
 *
 *   refused                          nothing is started
 *   it ended well                    settled: with the cost given, the cost that it printed, else the whole estimate
 *   it failed, and printed a cost    settled with that: it was spent
 *   it failed                        released
 *
 * If this process dies, the reservation lapses by itself.
 */
import type { CommandEnd } from '../core/runRows';
import { LedgerError } from '../core/errors';
import { formatNanos } from '../core/money';
import { printedCost } from '../core/printedCost';
import type { CostPath } from '../core/printedCost';
import { runChild, SignalForwarder } from '../store/machine/child';
import { locate } from '../store/ledger/locate';
import { gate } from './gate';
import type { GateRequest, GateResult } from './gate';
import { closeReservation } from './settle';
import type { CloseResult } from './settle';

export interface GateRunRequest extends GateRequest {
  readonly command: readonly string[];
  /** What it costs where it ends well, as typed. */
  readonly costUsd: string | undefined;
  /** Where it prints what it cost. */
  readonly costFrom: CostPath | undefined;
  /** Takes what the command prints, where that is looked at; resolves when there is room for more. */
  readonly print: (chunk: Buffer) => Promise<void>;
  /** Hears of the answer before the command starts. */
  readonly onAnswer: (answer: GateResult) => void;
}

export interface GateRunResult {
  readonly answer: GateResult;
  /** Undefined where the spend was refused. */
  readonly end: CommandEnd | undefined;
  /** What became of the reservation; the error where that could not be recorded. */
  readonly closed: CloseResult | LedgerError | undefined;
  /** Whether the estimate stood in for a cost that the command was to print. */
  readonly costNotFound: boolean;
}

/** More is not looked at: a cost is printed in a line. */
const MAX_LOOKED_AT_BYTES = 16 << 20;

/** @throws LedgerError as `gate` does: then nothing was started */
export async function gateCommand(request: GateRunRequest): Promise<GateRunResult> {
  const { place, command, costFrom, events } = request;
  const signals = new SignalForwarder();
  try {
    const answer = await gate(request);
    request.onAnswer(answer);
    if (!answer.allowed) return { answer, end: undefined, closed: undefined, costNotFound: false };
    const output = new LastBytes(MAX_LOOKED_AT_BYTES);
    const tee = async (chunk: Buffer): Promise<void> => {
      output.add(chunk);
      await request.print(chunk);
    };
    const env = { ...place.env, LEDGER_DIR: locate(place).paths.dir, LEDGER_RESERVATION: answer.id };
    const end = await runChild(command, env, signals, costFrom === undefined ? undefined : tee);
    const printed = costFrom === undefined ? undefined : printedCost(output.text(), costFrom);
    const endedWell = end.kind === 'exited' && end.status === 0;
    const wanted = printed === undefined ? (request.costUsd ?? answer.est_usd) : formatNanos(printed);
    const costUsd = endedWell || printed !== undefined ? wanted : undefined;
    const closed = await orError(closeReservation({ place, id: answer.id, costUsd, flags: outcomeOf(end), events }));
    return { answer, end, closed, costNotFound: endedWell && costFrom !== undefined && printed === undefined };
  } finally {
    signals.stop();
  }
}

function outcomeOf(end: CommandEnd): Map<string, string> {
  return new Map([['outcome', end.kind === 'exited' && end.status === 0 ? 'success' : 'failure']]);
}

/** The command has run: its status is the answer, whatever becomes of the row. */
async function orError(closing: Promise<CloseResult>): Promise<CloseResult | LedgerError> {
  try {
    return await closing;
  } catch (error) {
    if (error instanceof LedgerError) return error;
    throw error;
  }
}

/** The end of what was printed. */
class LastBytes {
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(private readonly limit: number) {}

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) > this.limit) this.#bytes -= this.#chunks.shift()?.length ?? 0;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
