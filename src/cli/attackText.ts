/** The attacks as a table for people: what caught each, as what and where; below it what nothing catches. */
import { caughtAs, FAMILIES } from '../core/attacks/attack';
import type { Attack } from '../core/attacks/attack';
import { ATTACKS, UNCAUGHT } from '../core/attacks/list';
import { printable, printableLines } from '../core/printable';
import type { PlayedAttack, SelftestResult } from '../services/selftest';
import type { Colors } from './color';
import { columnWidths, textLines } from './table';
import type { Table } from './table';
import { labelled, wrapWords } from './wrap';

const INDENT = 2;

interface Look {
  readonly colors: Colors;
  readonly width: number;
}

export function selftestText(result: SelftestResult, { quiet, ...look }: Look & { readonly quiet: boolean }): string {
  const { attacks, played, not_played: notPlayed, as_expected: good, kept } = result;
  const shown = quiet ? attacks.filter((one) => !one.as_expected) : attacks;
  const paint = good === played ? look.colors.good : look.colors.bad;
  return [
    ...familyLines(shown, look, (attack) => faultLines(attack, look)),
    ...(quiet ? [] : ['', ...uncaughtLines(look)]),
    '',
    ...wrapWords(summaryOf(result), look.width).map(paint),
    ...notPlayed.map((name) => look.colors.warn(`${name} was not played: there is no ${needOf(name)} here`)),
    ...(kept === null ? [] : [printable(`kept in ${kept}`)]),
    '',
  ].join('\n');
}

function needOf(name: string): string {
  return ATTACKS.find((one) => one.name === name)?.needs ?? 'such attack';
}

function summaryOf({ attacks, played, as_expected: good }: SelftestResult): string {
  const files = attacks.reduce((sum, { changed }) => sum + changed.length, 0);
  const how = `nothing amiss before, other bytes in ${files} ${files === 1 ? 'file' : 'files'} after, then the code and the row with --json, in prose and with --quiet`;
  const went = `${good} of ${played} ${played === 1 ? 'attack' : 'attacks'} went as ${played === 1 ? 'it' : 'they'} must`;
  return good === played ? `${went}: ${how}` : went;
}

/** Every attack with what is done and what is left, none of them played. */
export function attackList(look: Look): string {
  const more = ({ what, left }: Attack): string[] => [...beneath(what, look), ...beneath(`left: ${left}`, look)];
  return [...familyLines(ATTACKS, look, more), '', ...uncaughtLines(look), ''].join('\n');
}

/** A table, by family, all columns below each other; `more` stands below a row. */
function familyLines<T extends Attack>(
  attacks: readonly T[],
  { colors, width }: Look,
  more: (attack: T) => readonly string[],
): string[] {
  const table = tableOf(attacks);
  const widths = columnWidths(table, width);
  const [titles = '', ...lines] = textLines(table, width, (line, row) => paintLine(line, attacks[row ?? -1], colors), widths); // prettier-ignore
  return FAMILIES.flatMap((family, i) => {
    const rows = attacks.flatMap((one, at) => (one.family === family ? [lines[at] ?? '', ...more(one)] : []));
    if (rows.length === 0) return [];
    return [...(i === 0 ? [titles] : ['']), colors.bold(family), ...rows];
  });
}

function tableOf(attacks: readonly Attack[]): Table {
  const column = (title: string) => ({ title, align: 'left' }) as const;
  return {
    columns: [column('attack'), column('caught by'), column('as'), { title: 'exit', align: 'right' }],
    rows: attacks.map((one) => [one.name, one.layer, caughtAs(one), one.check === 'guess' ? '' : one.exit]),
  };
}

function paintLine(line: string, attack: Attack | PlayedAttack | undefined, colors: Colors): string {
  if (attack === undefined) return colors.dim(line);
  return 'as_expected' in attack && !attack.as_expected ? colors.bad(line) : line;
}

function faultLines({ faults }: PlayedAttack, look: Look): string[] {
  return faults.flatMap((fault) => beneath(printableLines(fault), look));
}

function beneath(text: string, { width }: Look): string[] {
  return wrapWords(text, width - INDENT).map((line) => `${' '.repeat(INDENT)}${line}`);
}

function uncaughtLines({ colors, width }: Look): string[] {
  return [
    colors.bold('caught by nothing'),
    ...UNCAUGHT.flatMap(({ what, helps }) => [...wrapWords(what, width), labelled('  helps', helps, width)]),
  ];
}
