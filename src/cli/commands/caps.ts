/** `ledger caps`: every cap with a bar, and what is reserved. */
import type { Command } from 'commander';
import { printable } from '../../core/printable';
import { capsNow } from '../../services/caps';
import type { CapNow, CapsNow, Crossed, RaisedNow } from '../../services/caps';
import { colorsFor } from '../color';
import type { Colors } from '../color';
import { EXIT, worst } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { alike, limits, textLines, withBars } from '../table';
import type { Table } from '../table';
import { talkOf } from '../talk';

const HELP_BEFORE = `Examples:
  ledger caps
  ledger caps --json | jq -r '.caps[] | select(.over).period'
  */5 * * * *  ledger caps -q --notify 'jq -r .period | mail -s "over 80 %" me'     from cron
`;

const HELP_AFTER = `
As a gate sees it now: costs count by the time of the append, reservations until they are settled, released or lapsed.
What was spent on another day: ledger rollup. A cap per run is shown for the last thousand runs that spent something.

Where there is enough to say (five rows with a cost; an hour, or a quarter of an hour for a cap per hour), the spend since
the period began is carried on: when the cap will be full, or what the period will have cost.

Thresholds are parts of a cap ("thresholds" in the config, else 0.5, 0.8 and 1), or of what it is raised to while an
override holds. With --record each that was crossed becomes one row, spend.threshold, once per period, however often it
is asked; with --notify a shell command gets those that are new, one after the other, as JSON on its stdin.

Exit: 0 no cap is passed · 1 more was spent than a cap allows · 2 no caps, no ledger, or a broken one; --notify failed`;

export function registerCaps(program: Command, io: Io): void {
  const command = program
    .command('caps')
    .summary('every cap: what was spent, what is reserved, what is left')
    .description('Show how every cap of the config stands this moment.')
    .addHelpText('before', HELP_BEFORE)
    .option('--record', 'append a row for each threshold that was crossed, once')
    .option('--notify <command>', 'the same, and run this for each, with the facts as JSON on stdin')
    .addHelpText('after', HELP_AFTER)
    .action(async () => runCaps(io, flagsOf<Flags>(command)));
}

interface Flags extends GlobalFlags {
  readonly record?: boolean;
  readonly notify?: string;
}

async function runCaps(io: Io, flags: Flags): Promise<void> {
  const { notify } = flags;
  const record = flags.record === true || notify !== undefined;
  const request = { place: placeOf(flags, io), nowMs: io.nowMs(), record, notify, events: talkOf(io, flags) };
  const result = await capsNow(request);
  const unheard = result.crossed.filter(({ notified }) => notified === false);
  const { spilled_rows: spilled } = result;
  if (spilled > 0)
    io.stderr(
      `ledger: warning: ${spilled} row${spilled === 1 ? ' waits' : 's wait'} in the spill file, not in these sums; "ledger sweep" chains them\n`,
    );
  io.setExit(worst([result.over_cap ? EXIT.no : EXIT.ok, unheard.length > 0 ? EXIT.failed : EXIT.ok]));
  for (const one of unheard)
    io.stderr(
      `ledger: error: expected --notify to end with status 0, found another; row ${one.seq} says what it was to hear\n`,
    );
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else if (flags.quiet !== true || result.over_cap || result.crossed.length > 0)
    io.stdout(capsText(result, io, await colorsFor(io, flags)));
}

/** More runs than these are not worth a line each: the fullest ones are. */
const MAX_RUN_LINES = 10;

function capsText({ at, timezone, caps, reservations, crossed }: CapsNow, io: Io, colors: Colors): string {
  const { shown, left } = shownCaps(caps);
  const table = capTable(shown);
  const parts = shown.map(({ percent }) => Number(percent ?? 0) / 100);
  const lines = textLines(io.isTTY ? withBars(table, parts, io.columns) : table, io.columns, (text, row) =>
    row === undefined ? colors.dim(text) : colorOf(shown[row], colors)(text),
  );
  const notes: string[] = [];
  if (left > 0) notes.push(`${left} more run${left === 1 ? '' : 's'} below these`);
  for (const cap of shown) if (cap.raised !== null) notes.push(raisedText(cap, cap.raised));
  for (const cap of shown) notes.push(...paceText(cap));
  for (const one of crossed) notes.push(crossedText(one));
  if (reservations.length > 0) {
    const one = reservations.length === 1;
    notes.push(`${reservations.length} reservation${one ? '' : 's'} open; --json names ${one ? 'it' : 'them'}`);
  }
  const title = [colors.bold('Caps'), colors.dim(`${at} (${printable(timezone)})`)];
  const paragraphs = [title, lines, notes].filter((part) => part.length > 0);
  return paragraphs.map((part) => `${part.join('\n')}\n`).join('\n');
}

function crossedText({ threshold, cap_usd, raised, per, scope, period, spent_usd: spent, seq }: Crossed): string {
  const usd = raised === null ? cap_usd : `${raised.to_usd} (raised)`;
  const percent = Number((threshold * 100).toFixed(4));
  const on = [...Object.entries(scope).map(([name, value]) => `${name}=${value}`), period].join(' ');
  return printable(`crossed ${percent} % of ${usd} per ${unitOf(per)}, ${on}: ${spent} spent (row ${seq})`);
}

function raisedText({ cap_usd: usd, per, scope }: CapNow, { to_usd: to, until_local: until, seq }: RaisedNow): string {
  const of = Object.entries(scope).map(([name, value]) => `, ${name}=${value}`);
  return printable(`raised: ${usd} per ${unitOf(per)}${of.join('')} to ${to} until ${until} (row ${seq})`);
}

function paceText(cap: CapNow): readonly string[] {
  const { burn_usd_per_hour: burn, forecast_usd: forecast, full_at_local: full, cap_usd: usd, per, scope } = cap;
  if (burn === null || forecast === null) return [];
  const of = Object.entries(scope).map(([name, value]) => `, ${name}=${value}`);
  const end = full === null ? `${forecast} USD by the end of the ${per}` : `full at ${full}`;
  return [printable(`${usd} per ${unitOf(per)}${of.join('')}: ${end} at this rate (${burn} USD/h)`)];
}

const unitOf = (per: string): string => (per === 'rolling_24h' ? '24 h' : per);

/** The caps in the order of the config; of the runs the fullest. */
function shownCaps(caps: readonly CapNow[]): { readonly shown: readonly CapNow[]; readonly left: number } {
  const runs = caps.filter(({ per }) => per === 'run').sort((a, b) => Number(b.percent) - Number(a.percent));
  const fullest = new Set(runs.slice(0, MAX_RUN_LINES));
  const shown = caps.filter((cap) => cap.per !== 'run' || fullest.has(cap));
  return { shown, left: caps.length - shown.length };
}

function capTable(caps: readonly CapNow[]): Table {
  const limit = limits(caps.map(({ cap_usd: usd, raised }) => ({ usd, raised })));
  const spent = alike(caps.map(({ spent_usd: usd }) => usd));
  const reserved = alike(caps.map(({ reserved_usd: usd }) => usd));
  const left = alike(caps.map(({ remaining_usd: usd }) => usd));
  return {
    columns: [
      { title: 'cap', align: 'right' },
      { title: 'per', align: 'left' },
      { title: 'on', align: 'left' },
      { title: 'spent', align: 'right' },
      { title: 'reserved', align: 'right' },
      { title: 'left', align: 'right' },
      { title: '%', align: 'right' },
      { title: '', align: 'left' },
    ],
    rows: caps.map((cap, i) => [
      limit[i] ?? '',
      unitOf(cap.per),
      [...Object.entries(cap.scope).map(([name, value]) => `${name}=${value}`), cap.period].join(' '),
      spent[i] ?? '',
      reserved[i] ?? '',
      left[i] ?? '',
      cap.percent ?? '',
      cap.over ? 'OVER' : Number(cap.remaining_usd) <= 0 ? 'full' : 'ok',
    ]),
  };
}

function colorOf(cap: CapNow | undefined, colors: Colors): (text: string) => string {
  if (cap?.over === true) return colors.bad;
  return Number(cap?.percent ?? 0) >= 80 ? colors.warn : colors.good;
}
