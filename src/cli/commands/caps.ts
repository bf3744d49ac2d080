/** `ledger caps`: every cap with a bar, and what is reserved. */
import type { Command } from 'commander';
import { printable } from '../../core/printable';
import { capsNow } from '../../services/caps';
import type { CapNow, CapsNow } from '../../services/caps';
import { colorsFor } from '../color';
import type { Colors } from '../color';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { alike, bar, textLines } from '../table';
import type { Table } from '../table';

const HELP_BEFORE = `Examples:
  ledger caps
  ledger caps --json | jq -r '.caps[] | select(.over).period'
`;

const HELP_AFTER = `
As a gate sees it now: costs count by the time of the append, reservations until they are settled, released or lapsed.
What was spent on another day: ledger rollup. A cap per run is shown for the runs that spent something lately.

Exit: 0 no cap is passed · 1 more was spent than a cap allows · 2 no caps, no ledger, or a broken one`;

export function registerCaps(program: Command, io: Io): void {
  const command = program
    .command('caps')
    .summary('every cap: what was spent, what is reserved, what is left')
    .description('Show how every cap of the config stands this moment.')
    .addHelpText('before', HELP_BEFORE)
    .addHelpText('after', HELP_AFTER)
    .action(async () => runCaps(io, flagsOf<GlobalFlags>(command)));
}

async function runCaps(io: Io, flags: GlobalFlags): Promise<void> {
  const result = await capsNow(placeOf(flags, io), io.nowMs());
  io.setExit(result.over_cap ? EXIT.no : EXIT.ok);
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else if (flags.quiet !== true || result.over_cap) io.stdout(capsText(result, io, await colorsFor(io, flags)));
}

const LONGEST_BAR = 30;
const SHORTEST_BAR = 6;
/** More runs than these are not worth a line each: the fullest ones are. */
const MAX_RUN_LINES = 10;

function capsText({ at, timezone, caps, reservations }: CapsNow, io: Io, colors: Colors): string {
  const { shown, left } = shownCaps(caps);
  const table = capTable(shown);
  const used = Math.max(...textLines(table, io.columns).map((line) => line.length));
  const width = Math.min(LONGEST_BAR, io.columns - used - 2);
  const lines = textLines(
    io.isTTY && width >= SHORTEST_BAR ? withBars(table, shown, width) : table,
    io.columns,
    (text, row) => (row === undefined ? colors.dim(text) : colorOf(shown[row], colors)(text)),
  );
  const notes: string[] = [];
  if (left > 0) notes.push(`${left} more run${left === 1 ? '' : 's'} below these`);
  if (reservations.length > 0) {
    const one = reservations.length === 1;
    notes.push(`${reservations.length} reservation${one ? '' : 's'} open; --json names ${one ? 'it' : 'them'}`);
  }
  const title = [colors.bold('Caps'), colors.dim(`${at} (${printable(timezone)})`)];
  const parts = [title, lines, notes].filter((part) => part.length > 0);
  return parts.map((part) => `${part.join('\n')}\n`).join('\n');
}

/** The caps in the order of the config; of the runs the fullest. */
function shownCaps(caps: readonly CapNow[]): { readonly shown: readonly CapNow[]; readonly left: number } {
  const runs = caps.filter(({ per }) => per === 'run').sort((a, b) => Number(b.percent) - Number(a.percent));
  const fullest = new Set(runs.slice(0, MAX_RUN_LINES));
  const shown = caps.filter((cap) => cap.per !== 'run' || fullest.has(cap));
  return { shown, left: caps.length - shown.length };
}

function capTable(caps: readonly CapNow[]): Table {
  const limit = alike(caps.map(({ cap_usd: usd }) => usd));
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
      cap.per === 'rolling_24h' ? '24 h' : cap.per,
      [...Object.entries(cap.scope).map(([name, value]) => `${name}=${value}`), cap.period].join(' '),
      spent[i] ?? '',
      reserved[i] ?? '',
      left[i] ?? '',
      cap.percent ?? '',
      cap.over ? 'OVER' : Number(cap.remaining_usd) <= 0 ? 'full' : 'ok',
    ]),
  };
}

function withBars(table: Table, caps: readonly CapNow[], width: number): Table {
  return {
    columns: [...table.columns, { title: '', align: 'left' }],
    rows: table.rows.map((row, i) => [...row, bar(Number(caps[i]?.percent ?? 0) / 100, width)]),
  };
}

function colorOf(cap: CapNow | undefined, colors: Colors): (text: string) => string {
  if (cap?.over === true) return colors.bad;
  return Number(cap?.percent ?? 0) >= 80 ? colors.warn : colors.good;
}
