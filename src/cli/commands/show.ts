/** `ledger show`: one row. On a terminal a listing, in a pipe the stored line. */
import type { Command } from 'commander';
import { plainText, printable, printableLines } from '../../core/printable';
import { SEALED_TEXT, sealIn } from '../../core/seal';
import { measureOf } from '../../core/summary';
import type { LeftOut, Measure } from '../../core/summary';
import { show } from '../../services/show';
import type { ShownLine, ShowResult } from '../../services/show';
import { ACCESS_HELP, addAccessFlags, askedBy } from '../access';
import type { AccessFlags } from '../access';
import { colorsFor } from '../color';
import type { Colors } from '../color';
import { EXIT, worst } from '../exit';
import type { ExitCode } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { widthOf } from '../table';

type Flags = GlobalFlags & AccessFlags;

const HELP_BEFORE = `Examples:
  ledger show 41
  ledger show 01M7YTXFM1MRFA48Q3AP97FDJ1
  ledger show 9f3c                      the beginning of a hash, at least 4 digits
  ledger show 41 | sed -E 's/,"hash":"[0-9a-f]{64}"\\}$/}/' | tr -d '\\n' | sha256sum
`;

const HELP_AFTER = `
In a pipe, or with --raw, the stored line is printed as it is; on a terminal a listing, without what is in the payload.
${ACCESS_HELP}
Whether the chain holds: ledger verify.

Exit: 0 here it is, and its own hash is right · 1 no such row, or its hash or a link is wrong ·
      2 several rows fit, or the ledger cannot be read · 3 a tombstone: the row was broken and is a named gap`;

export function registerShow(program: Command, io: Io): void {
  const command = program
    .command('show <row>')
    .summary('one row: its members, its hash, its links')
    .description('Show one row, by seq, by id, or by the beginning of its hash.')
    .addHelpText('before', HELP_BEFORE)
    .option('--raw', 'the stored line');
  addAccessFlags(command)
    .addHelpText('after', HELP_AFTER)
    .action(async (row: string) => runShow(io, row, flagsOf<Flags>(command)));
}

async function runShow(io: Io, sought: string, flags: Flags): Promise<void> {
  const result = await show(placeOf(flags, io), sought, askedBy(io, flags));
  io.setExit(exitOf(result));
  if (flags.json === true) {
    io.stdout(`${jsonLine(result)}\n`);
    return;
  }
  const [line, ...others] = result.found;
  if (line === undefined) io.stderr(`ledger: error: expected a row with ${nameOf(result)}, found none\n`);
  else if (others.length > 0) io.stderr(ambiguous(result));
  else await print(io, flags, line, result.summary === true);
}

async function print(io: Io, flags: Flags, line: ShownLine, isSummary: boolean): Promise<void> {
  if (io.isTTY && flags.raw !== true)
    io.stdout(listing(line, membersOf(line, isSummary), { colors: await colorsFor(io, flags), width: io.columns }));
  else {
    io.stdout(`${io.isTTY ? printableLines(line.line) : line.line}\n`);
    for (const { name, text } of judgements(line).filter(({ isBad }) => isBad))
      io.stderr(`ledger: warning: ${lineName(line)}: ${name === 'hash' ? `its hash is ${text}` : text}\n`);
  }
}

const lineName = ({ seq, offset }: ShownLine): string => (seq === null ? `the line at byte ${offset}` : `row ${seq}`);

function exitOf({ found }: ShowResult): ExitCode {
  const [line, ...others] = found;
  if (line === undefined) return EXIT.no;
  if (others.length > 0) return EXIT.failed;
  const isBad = judgements(line).some((one) => one.isBad);
  return worst([isBad ? EXIT.no : EXIT.ok, line.kind === 'tombstone' ? EXIT.scoped : EXIT.ok]);
}

function nameOf({ by, sought }: ShowResult): string {
  return `${by === 'hash' ? 'a hash that begins with' : by} ${printable(sought)}`;
}

function ambiguous(result: ShowResult): string {
  const { found } = result;
  const rows = found
    .map(({ row, hash }) => `  seq ${plainText(row['seq'])}  hash ${hash.declared ?? ''}\n`)
    .map(printableLines);
  return `ledger: error: expected one row with ${nameOf(result)}, found ${found.length}\n${rows.join('')}ledger: hint: give more digits, or the seq\n`;
}

interface Judgement {
  readonly name: string;
  readonly text: string;
  readonly isBad: boolean;
}

/** What the line's own bytes and its neighbours say. */
function judgements({ kind, hash, links, row }: ShownLine): Judgement[] {
  const judged: Judgement[] = [];
  const say = (name: string, text: string, isBad = false): void =>
    void judged.push({ name, text: printable(text), isBad });
  if (kind === 'tombstone')
    say('hash', `declared, not computed: the row was broken and set aside (heal row ${plainText(row['heal_id'])})`);
  else if (hash.right === true) say('hash', 'right: it is the hash of these bytes');
  else if (hash.computed === null) say('hash', 'missing: the line does not end as a row does', true);
  else say('hash', `wrong: these bytes give ${hash.computed}`, true);
  if (kind === 'wrong' && hash.right === true)
    say(
      'form',
      'no row: white space around it, members that every row has are missing or odd, or it is nested too deep',
      true,
    );
  if (links.before === null) say('before', 'no line to compare with');
  else if (links.before) say('before', 'links to the line before');
  else say('before', 'does not link to the line before it', true);
  if (links.after === null) say('after', 'the last line, or a broken one after it');
  else if (links.after) say('after', 'the line after links to it');
  else say('after', 'the line after it does not link to it', true);
  return judged;
}

type Listed = readonly (readonly [string, readonly string[]])[];

/** Of a payload only how much it is: whoever looks over a shoulder need not read it. */
function membersOf({ row }: ShownLine, isSummary: boolean): Listed {
  const { summary, left_out: leftOut, ...shown } = row as Readonly<Record<string, unknown>> & { left_out?: LeftOut };
  const listed = Object.entries(isSummary ? shown : row).map(([name, value]) => {
    const lines = name === 'payload' ? [measureText(measureOf(value), '--raw')] : valueLines(value);
    return [printable(name), lines] as const;
  });
  if (!isSummary || summary !== true) return listed;
  const { payload, members } = leftOut ?? {};
  return [
    ...listed,
    ...(payload === undefined ? [] : [['payload', [measureText(payload, WITH_REASON)]] as const]),
    ...(members === undefined ? [] : [['others', [`${members} not shown; ${WITH_REASON} shows them`]] as const]),
  ];
}

const WITH_REASON = '--raw --reason "…"';

function measureText({ members, bytes }: Measure, flags: string): string {
  return `${members} ${members === 1 ? 'member' : 'members'}, ${bytes} bytes; ${flags} shows it`;
}

interface Screen {
  readonly colors: Colors;
  readonly width: number;
}

/** Members in the order of the line, names in a column, long values wrapped beneath themselves. */
function listing(line: ShownLine, members: Listed, { colors, width }: Screen): string {
  const margin = Math.min(24, Math.max(8, ...members.map(([name]) => widthOf(name)))) + 2;
  const room = Math.max(20, width - margin);
  const out = [colors.bold(titleOf(line)), ''];
  const add = (name: string, texts: readonly string[], paint = (text: string): string => text): void => {
    const wrapped = texts.flatMap((text) => wrap(text, room));
    const [first = '', ...rest] = wrapped;
    out.push(`${colors.dim(name.padEnd(margin - 1))} ${paint(first)}`);
    for (const more of rest) out.push(`${' '.repeat(margin)}${paint(more)}`);
  };
  for (const [name, texts] of members) add(name, texts);
  out.push('');
  add('place', [`${line.segment}, byte ${line.offset}, ${line.bytes} bytes`]);
  for (const { member, id, seq } of line.streams) add('stream', [printable(`row ${seq} of ${member} ${id}`)]);
  for (const { name, text, isBad } of judgements(line)) add(name, [text], isBad ? colors.bad : colors.good);
  return `${out.join('\n')}\n`;
}

function titleOf({ kind, seq, row }: ShownLine): string {
  const label = typeof row['provenance'] === 'string' && row['provenance'] !== 'live' ? ` [${row['provenance']}]` : '';
  if (kind === 'tombstone') return `row ${seq}: a named gap`;
  const what = typeof row['action'] === 'string' ? `${row['action']}${label}` : 'a line that is no row';
  return printable(seq === null ? what : `row ${seq}: ${what}`);
}

function valueLines(value: unknown): string[] {
  if (typeof value === 'string') return [printable(value)];
  if (typeof value !== 'object' || value === null) return [String(value)];
  const digest = sealIn(value);
  if (digest !== undefined) return [`${SEALED_TEXT} ${digest}`];
  return JSON.stringify(value, null, 2).split('\n').map(printable);
}

/** Cuts at the width, at a space where there is one; an indented line goes on with its indent. */
function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let rest = text;
  while (widthOf(rest) > width && rest.length > indent.length + 1) {
    let end = 0;
    for (let used = 0; end < rest.length;) {
      const character = String.fromCodePoint(rest.codePointAt(end) ?? 0);
      used += widthOf(character);
      if (used > width) break;
      end += character.length;
    }
    const space = rest.lastIndexOf(' ', end);
    const at = space > indent.length + width / 2 ? space : Math.max(end, indent.length + 1);
    lines.push(rest.slice(0, at));
    rest = indent + rest.slice(at).trimStart();
  }
  return [...lines, rest];
}
