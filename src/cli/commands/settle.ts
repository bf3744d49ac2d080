/** `ledger settle` and `ledger release`: what became of a reservation. */
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { release, settle } from '../../services/settle';
import type { CloseResult } from '../../services/settle';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { addRowFlags, rowFromFlags } from '../rowFlags';
import { talkOf } from '../talk';

type Flags = GlobalFlags & Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

/** What the reservation says itself. */
const UNSEEN = ['occurred_at', 'idempotency_key', 'ref', 'provenance'];

const SETTLE_EXAMPLES = `Examples:
  ledger settle 01M7YTXFM1MRFA48Q3AP97FDJ1 --cost-usd 0.42
  ledger settle "$id" --cost-usd 0.42 --outcome success --input-tokens 1200
`;

const SETTLE_HELP = `
The row says what was done: it takes over what the gate was told (agent, run, action, …), and the flags. The cost counts
in full, also where it is more than was reserved or the reservation has lapsed. Once: the very same again is a
duplicate, anything else an error.

Exit: 0 recorded (or waiting safely in the spill file) · 2 no such reservation, closed otherwise, or stored nowhere`;

const RELEASE_EXAMPLES = `Examples:
  ledger release 01M7YTXFM1MRFA48Q3AP97FDJ1
  ledger release "$id" --reason "the customer called it off"
`;

const RELEASE_HELP = `
Nothing was spent: what was reserved is free again at once, and not only when its time is up.

Exit: 0 recorded (or waiting safely in the spill file) · 2 no such reservation, closed otherwise, or stored nowhere`;

export function registerSettle(program: Command, io: Io): void {
  const command = program
    .command('settle <id>')
    .summary('what a reservation really cost')
    .description('Settle a reservation of "ledger gate": record what was spent.')
    .addHelpText('before', SETTLE_EXAMPLES);
  addRowFlags(command, UNSEEN)
    .addHelpText('after', SETTLE_HELP)
    .action(async (id: string) => runSettle(io, id, flagsOf<Flags>(command)));
}

export function registerRelease(program: Command, io: Io): void {
  const command = program
    .command('release <id>')
    .summary('give a reservation back: nothing was spent')
    .description('Release a reservation of "ledger gate": nothing was spent.')
    .addHelpText('before', RELEASE_EXAMPLES);
  addRowFlags(command, [...UNSEEN, 'cost_usd', 'action'])
    .addHelpText('after', RELEASE_HELP)
    .action(async (id: string) => runRelease(io, id, flagsOf<Flags>(command)));
}

async function runSettle(io: Io, id: string, flags: Flags): Promise<void> {
  const costUsd = flags['costUsd'];
  if (typeof costUsd !== 'string') {
    throw new LedgerError('USAGE', 'expected --cost-usd, what was spent, found none', {
      hint: 'nothing was spent: ledger release ID',
    });
  }
  const row = rowFromFlags(flags);
  row.delete('cost_usd');
  tell(io, flags, await settle({ place: placeOf(flags, io), id, costUsd, flags: row, events: talkOf(io, flags) }));
  io.setExit(EXIT.ok);
}

async function runRelease(io: Io, id: string, flags: Flags): Promise<void> {
  const row = rowFromFlags(flags);
  const refused = ['cost_usd', 'action'].find((name) => row.has(name));
  if (refused !== undefined) {
    throw new LedgerError('USAGE', `expected a release without "${refused}", found it in a flag`, {
      place: { member: refused },
      hint: 'what was spent is said with "ledger settle"',
    });
  }
  tell(io, flags, await release({ place: placeOf(flags, io), id, flags: row, events: talkOf(io, flags) }));
  io.setExit(EXIT.ok);
}

function tell(io: Io, flags: Flags, result: CloseResult): void {
  const { receipt, reservation, reserved_usd: reserved, cost_usd: cost } = result;
  if (receipt.status === 'spilled')
    io.stderr(`ledger: warning: it waits in the spill file: ${printable(receipt.error.message)}\n`);
  if (result.above_usd !== null) io.stderr(`ledger: warning: ${result.above_usd} USD more than was reserved\n`);
  const { status, id } = receipt;
  const seq = 'seq' in receipt ? receipt.seq : null;
  if (flags.json === true) {
    const { above_usd: above } = result;
    io.stdout(
      `${jsonLine({ status, seq, id, reservation, reserved_usd: reserved, cost_usd: cost, above_usd: above })}\n`,
    );
    return;
  }
  if (flags.quiet === true) return;
  const what = cost === null ? `released ${reserved} USD` : `settled ${cost} of ${reserved} USD`;
  io.stdout(`${what}  ${status}${seq === null ? '' : ` seq=${seq}`} id=${id}\n`);
}
