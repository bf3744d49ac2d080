/** `ledger gate`: may this be spent? The answer is the exit code; stdout has the reservation, or the command's own output. */
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { parseCostPath } from '../../core/printedCost';
import { NOT_ASKED } from '../../core/reservation';
import { statusOf } from '../../core/runRows';
import { parseDuration } from '../../core/when';
import { gate, gateCommand } from '../../services/gate';
import type { GateRequest, GateResult, GateRunResult } from '../../services/gate';
import { EXIT } from '../exit';
import { jsonLine, printError } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { addRowFlags, rowFromFlags } from '../rowFlags';
import { talkOf, tellIgnored, tellNotStarted, warn } from '../talk';

interface GateFlags {
  readonly est?: string;
  readonly ttl: string;
  readonly costFrom?: string;
}

type Flags = GateFlags & GlobalFlags & Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

const HELP_BEFORE = `Examples:
  ledger gate --est 0.50 --agent coder --action model.call       prints the id for "ledger settle"
  id=$(ledger gate --est 0.50) && work && ledger settle "$id" --cost-usd 0.42
  ledger gate --est 0.50 --cost-from json:/total_cost_usd -- ./agent --json
`;

const HELP_AFTER = `
Every cap of the config that applies is held against what was spent and reserved, under one lock: of any number of
callers at once none is allowed what another was. The reservation is open until "ledger settle" or "ledger release", or
until its time is up (--ttl). Caps count by the time of the append. A refusal is a row, too: spend.refused. A cap per run
applies where there is a run: --run-id, or LEDGER_RUN_ID.

With a command: it runs only when allowed. It is settled with --cost-usd, with the cost that it printed (--cost-from), or
with the whole estimate; released where it failed without printing a cost. It sees LEDGER_RESERVATION and LEDGER_DIR.

Exit: 0 allowed · 1 refused · 2 could not answer, so nothing is allowed (no caps, a broken ledger, no disk, no lock)
      with a command: its own status, or 1 refused · 125 could not answer · 126, 127 as a shell`;

/** What the reservation says itself, or the row that settles it. */
const UNSEEN = NOT_ASKED.filter((name) => name !== 'cost_usd');

export function registerGate(program: Command, io: Io): void {
  const command = program
    .command('gate [command...]')
    .summary('may this be spent? holds every cap, and reserves what is allowed')
    .description('Ask whether a spend fits under every cap, and reserve it.')
    .usage('--est <usd> [options] [-- <command> [args...]]')
    .addHelpText('before', HELP_BEFORE)
    .option('--est <usd>', 'what it may cost at most (required)')
    .option('--ttl <span>', 'how long the reservation lasts: 90s, 10m, 2h; at most 24h', '10m')
    .option('--cost-from <place>', 'where the command prints what it cost: json:/usage/cost_usd');
  addRowFlags(command, UNSEEN)
    .addHelpText('after', HELP_AFTER)
    .action(async (words: readonly string[]) => runGate(io, words, flagsOf<Flags>(command)));
}

async function runGate(io: Io, command: readonly string[], flags: Flags): Promise<void> {
  tellIgnored(io);
  if (command.length > 0) {
    await orUnstarted(io, flags, () => gateWithCommand(io, command, flags));
    return;
  }
  const withCommand = ['costUsd', 'costFrom'].find((name) => flags[name] !== undefined);
  if (withCommand !== undefined) {
    throw new LedgerError('USAGE', 'expected a command after "--" with a flag that says what it cost, found none', {
      hint: 'without a command, "ledger settle ID --cost-usd N" says it afterwards',
    });
  }
  const answer = await gate(requestOf(io, flags));
  if (flags.json === true) io.stdout(`${jsonLine(answer)}\n`);
  else if (answer.allowed) io.stdout(`${answer.id}\n`);
  tellAnswer(io, flags, answer);
  io.setExit(answer.allowed ? EXIT.ok : EXIT.no);
}

/** Where a command was to be started, 2 would be taken for its own. */
async function orUnstarted(io: Io, flags: Flags, attempt: () => Promise<void>): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    printError(io, error, flags.json === true);
    io.setExit(EXIT.unstarted);
  }
}

async function gateWithCommand(io: Io, command: readonly string[], flags: Flags): Promise<void> {
  const { costFrom } = flags;
  const costUsd = flags['costUsd'];
  const result = await gateCommand({
    ...requestOf(io, flags),
    command,
    costUsd: typeof costUsd === 'string' ? costUsd : undefined,
    costFrom: costFrom === undefined ? undefined : parseCostPath(costFrom),
    print: (chunk) => io.pass(chunk),
    onAnswer: (answer) => tellAnswer(io, flags, answer),
  });
  if (result.end === undefined) {
    if (flags.json === true) io.stdout(`${jsonLine(result.answer)}\n`);
    io.setExit(EXIT.no);
    return;
  }
  tellEnd(io, command[0] ?? '', result);
  io.setExit(statusOf(result.end));
}

function requestOf(io: Io, flags: Flags): GateRequest {
  if (flags.est === undefined) {
    throw new LedgerError('USAGE', 'expected --est, what the spend may cost at most, found none', {
      hint: 'for instance: ledger gate --est 0.50 --agent coder',
    });
  }
  const row = rowFromFlags(flags);
  // With a command it says what that costs; it is no member of the reservation.
  row.delete('cost_usd');
  return {
    place: placeOf(flags, io),
    flags: row,
    estUsd: flags.est,
    ttlMs: parseDuration(flags.ttl, '--ttl'),
    events: talkOf(io, flags),
  };
}

function tellAnswer(io: Io, flags: Flags, { refusal, caps }: GateResult): void {
  if (flags.quiet === true) return;
  if (refusal !== null) io.stderr(`ledger: refused: ${printable(refusal)}\n`);
  if (caps.length === 0) io.stderr('ledger: note: no cap of the config applies to this\n');
}

function tellEnd(io: Io, program: string, { end, closed, costFault }: GateRunResult): void {
  tellNotStarted(io, program, end);
  const settled = closed instanceof LedgerError ? null : closed?.cost_usd;
  if (costFault !== undefined) warn(io, `the command ${costFault}; settled with ${settled ?? 'nothing'} USD instead`);
  // The command may have said itself what it cost.
  if (closed instanceof LedgerError && closed.code === 'RESERVATION_CLOSED') {
    io.stderr(`ledger: note: ${printable(closed.message)}\n`);
    return;
  }
  if (closed instanceof LedgerError) {
    warn(io, 'what became of the reservation could not be recorded');
    printError(io, closed, false);
    return;
  }
  if (closed?.receipt.status === 'spilled')
    warn(io, `what was spent waits in the spill file: ${closed.receipt.error.message}`);
  if (closed?.above_usd != null) warn(io, `${closed.above_usd} USD more were spent than reserved`);
}
