/** `ledger override`: a cap raised for a time, on the record. */
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { override } from '../../services/override';
import type { OverrideResult } from '../../services/override';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { talkOf } from '../talk';

interface Flags extends GlobalFlags {
  readonly cap?: string;
  readonly usd?: string;
  readonly until?: string;
  readonly reason?: string;
  readonly actor?: string;
  readonly authority?: string;
}

const HELP_BEFORE = `Examples:
  ledger override --cap day --usd 8 --until +2h --reason "launch day, TICKET-81"
  ledger override --cap day,agent=coder --usd 3.50 --until tomorrow --reason "one more run" --actor ann
  ledger override --cap day --until now --reason "launched"          ends it early
`;

const HELP_AFTER = `
--usd is what may be spent in all while it holds, and not what is added. It is a row, spend.override, and every gate and
"append --enforce" after it goes by it, until its time is up: 31 days at most, then the cap is as it was, without anybody
doing anything. What was allowed meanwhile stays allowed. A second override of a cap takes the place of the first.

A cap is named by what it is per and narrowed to (day, "day,agent=coder", run), or in the words of a refusal:
"5 USD per day (agent=coder)". Times: +90m, +2h, +3d, tomorrow, "2026-11-22 18:00", 2026-11-22T18:00:00Z.

Exit: 0 recorded · 2 no such cap, nothing to end, or it could not be written: then all is as it was`;

export function registerOverride(program: Command, io: Io): void {
  const command = program
    .command('override')
    .summary('raise a cap for a time, on the record')
    .description('Raise a cap of the config for a time: a row that says how high, until when, why and by whom.')
    .addHelpText('before', HELP_BEFORE)
    .option('--cap <cap>', 'which cap: day, "day,agent=coder", run (required)')
    .option('--usd <usd>', 'what may be spent in all while it holds')
    .option('--until <time>', 'until when; "now" ends the one that holds (required)')
    .option('--reason <text>', 'why (required)')
    .option('--actor <text>', 'the person who says so')
    .option('--authority <text>', 'on whose authority: a ticket, a grant, a mandate')
    .addHelpText('after', HELP_AFTER)
    .action(async () => runOverride(io, flagsOf<Flags>(command)));
}

async function runOverride(io: Io, flags: Flags): Promise<void> {
  const { usd, actor, authority, tz } = flags;
  const result = await override({
    place: placeOf(flags, io),
    cap: required('--cap', flags.cap, 'day'),
    until: required('--until', flags.until, '+2h'),
    reason: required('--reason', flags.reason, '"launch day"'),
    usd,
    actor,
    authority,
    tz,
    nowMs: io.nowMs(),
    events: talkOf(io, flags),
  });
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else if (flags.quiet !== true) io.stdout(`${overrideText(result)}\n`);
  io.setExit(EXIT.ok);
}

function required(flag: string, value: string | undefined, example: string): string {
  if (value !== undefined) return value;
  throw new LedgerError('USAGE', `expected ${flag}, found none`, { hint: `for instance ${flag} ${example}` });
}

function overrideText({ status, per, scope, cap_usd: cap, ...result }: OverrideResult): string {
  const { raised_to_usd: to, until_local: until, replaced_seq: replaced, seq, id } = result;
  const of = [per, ...Object.entries(scope).map(([name, value]) => `${name}=${value}`)].join(',');
  const end = replaced === null ? '' : `, in place of row ${replaced}`;
  const what =
    status === 'raised'
      ? `raised ${of} from ${cap} to ${to} USD until ${until}${end}`
      : `ended the override of ${of} (row ${replaced}): ${cap} USD again`;
  return printable(`${what}  landed seq=${seq} id=${id}`);
}
