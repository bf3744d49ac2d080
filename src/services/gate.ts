/**
 * `ledger gate`: asks whether a spend fits under every cap, and reserves it; with a command, runs it only then.
 *
 *   refused                          nothing is started
 *   it ended well                    settled: with the cost given, the cost that it printed, else the whole estimate
 *   it failed, and printed a cost    settled with that: it was spent
 *   it failed                        released
 *
 * If this process dies, the reservation lapses by itself.
 */
import { completeRow, environmentDefaults } from '../core/defaults';
import { LedgerError } from '../core/errors';
import type { JsonObject } from '../core/json';
import type { CheckedRow } from '../core/row';
import { parseCostNanos } from '../core/money';
import { printedCost } from '../core/printedCost';
import type { CostPath, PrintedCost } from '../core/printedCost';
import { checkAsked, MAX_TTL_MS, NOT_ASKED } from '../core/reservation';
import type { CommandEnd } from '../core/runRows';
import type { AppendEvents } from '../store/append/append';
import { Catalogues } from '../store/catalogue/catalogues';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { runChild, SignalForwarder } from '../store/machine/child';
import { closeReservation } from '../store/spend/closeReservation';
import type { CloseResult } from '../store/spend/closeReservation';
import { Sealing } from '../store/sealed/sealing';
import { reserve } from '../store/spend/reserve';
import type { Reserved } from '../store/spend/reserve';

export type GateResult = Reserved;

export interface GateRequest {
  readonly place: Place;
  /** What is said of the spend: who, for whom, in which run, and as `action` what for. */
  readonly flags: JsonObject;
  /** What it may cost at most, as typed: "0.50". */
  readonly estUsd: string;
  /** How long the reservation lasts. */
  readonly ttlMs: number;
  readonly events: AppendEvents;
}

/** @throws LedgerError USAGE, and as `reserve` does: then nothing was allowed */
export function gate(request: GateRequest): Promise<GateResult> {
  const nanos = amountOf('--est', request.estUsd);
  checkAsked(request.flags);
  checkTtl(request.ttlMs);
  const { place, ttlMs, events } = request;
  return reserve({ place, members: withoutOmitted(request, membersOf(request)), nanos, ttlMs, events });
}

/** What the row that settles would be refused for is to be known before the money is spent. */
function withoutOmitted({ place, events }: GateRequest, members: JsonObject): JsonObject {
  const catalogues = new Catalogues(locate(place));
  const action = members.get('action');
  if (typeof action === 'string') {
    catalogues.checkKnown(action);
    // What settles is written by the gate, and nobody signs that.
    catalogues.refuseUnsigned(action);
  }
  return catalogues.cleaned(members, events.onOmitted);
}

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
  /** Why the estimate stood in for a cost that the command was to print, in words; undefined where it did not. */
  readonly costFault: string | undefined;
}

/** More is not looked at: a cost is printed in a line. */
const MAX_LOOKED_AT_BYTES = 16 << 20;

/** @throws LedgerError as `gate` does: then nothing was started */
export async function gateCommand(request: GateRunRequest): Promise<GateRunResult> {
  const { place, command, costFrom, events } = request;
  const given = request.costUsd === undefined ? undefined : amountOf('--cost-usd', request.costUsd);
  const est = amountOf('--est', request.estUsd);
  // Looked up once: what the command does to the config meanwhile does not keep its cost from being recorded.
  const { paths, config } = locate(place);
  const signals = new SignalForwarder();
  try {
    const answer = await gate(request);
    request.onAnswer(answer);
    if (!answer.allowed) return { answer, end: undefined, closed: undefined, costFault: undefined };
    const output = new LastBytes(MAX_LOOKED_AT_BYTES);
    const tee = async (chunk: Buffer): Promise<void> => {
      output.add(chunk);
      await request.print(chunk);
    };
    const env = { ...place.env, LEDGER_DIR: paths.dir, LEDGER_RESERVATION: answer.id };
    const end = await runChild(command, env, signals, costFrom === undefined ? undefined : tee);
    const printed: PrintedCost = costFrom === undefined ? { kind: 'none' } : printedCost(output.text(), costFrom);
    const isSuccess = end.kind === 'exited' && end.status === 0;
    // What it printed and nobody can read was spent all the same.
    const isSpent = isSuccess || printed.kind !== 'none';
    const cost = printed.kind === 'cost' ? printed.nanos : (given ?? est);
    const flags = new Map([['outcome', isSuccess ? 'success' : 'failure']]);
    const { durability } = config;
    // What the gate was told was looked into then.
    const cleaned = (row: JsonObject): JsonObject => row;
    const sealing = new Sealing({ paths, config });
    const sealed = (row: CheckedRow): CheckedRow => sealing.sealedOwn(row);
    const closing = { paths, durability, id: answer.id, cost: isSpent ? cost : undefined, flags, cleaned, sealed };
    const closed = await orError(closeReservation({ ...closing, events }));
    return { answer, end, closed, costFault: costFaultOf(costFrom, printed, isSuccess) };
  } finally {
    signals.stop();
  }
}

/** Why the estimate stands in for a cost that the command was to print. */
function costFaultOf(costFrom: CostPath | undefined, printed: PrintedCost, isSuccess: boolean): string | undefined {
  if (printed.kind === 'unusable') return `printed ${printed.text} there, which is no cost`;
  return costFrom !== undefined && printed.kind === 'none' && isSuccess ? 'printed no cost there' : undefined;
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

/** The row's members, with what the environment says of the one who asks. */
function membersOf({ place, flags }: GateRequest): JsonObject {
  const members = completeRow(new Map(), flags, environmentDefaults(place.env));
  // What the environment says of costs and moments is of what is done, not of the question.
  for (const name of NOT_ASKED) members.delete(name);
  return members;
}

function amountOf(flag: string, text: string): bigint {
  const nanos = parseCostNanos(text);
  if (nanos !== undefined && nanos >= 0) return BigInt(nanos);
  throw new LedgerError(
    'USAGE',
    `expected ${flag} to be an amount in USD such as 0.50, found ${JSON.stringify(text)}`,
    {
      hint: 'a decimal of at most 9 places, below 1000000',
    },
  );
}

function checkTtl(ms: number): void {
  if (ms >= 1000 && ms <= MAX_TTL_MS) return;
  throw new LedgerError('USAGE', `expected --ttl from 1 second to 24 hours, found ${ms / 1000} seconds`, {
    hint: 'for instance --ttl 90s, --ttl 10m, --ttl 2h',
  });
}
