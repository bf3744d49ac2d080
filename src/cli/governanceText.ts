/** Findings of `verify --governance` for people: a code, where, and one sentence each. */
import { printable } from '../core/printable';
import type { GovernanceAnswer, GovernanceFinding } from '../services/governance';
import type { Colors } from './color';
import { labelled, wrapWords } from './wrap';

/** More are in the JSON. */
const MAX_SHOWN = 200;

export function governanceText(
  { decisions, runs, findings, unread, gone_rows: gone }: GovernanceAnswer,
  colors: Colors,
  width: number,
  isBroken: boolean,
): string {
  const looked = `${counted(decisions, 'decision')}, ${counted(runs, 'run')}`;
  const verdict = findings.length === 0 ? 'nothing found' : `${counted(findings.length, 'finding')}`;
  const lines = [
    labelled('governance', `${looked}: ${verdict}`, width),
    ...findings.slice(0, MAX_SHOWN).flatMap((finding) => findingLines(finding, colors, width)),
    ...(findings.length > MAX_SHOWN ? [`… and ${findings.length - MAX_SHOWN} more: --json has all of them`] : []),
    ...(isBroken ? [labelled('warning', 'the ledger is broken: these rest on its rows as they are now', width, colors.warn)] : []),
    ...(gone > 0 ? [labelled('warning', `of these decisions and runs ${counted(gone, 'row')} ${gone === 1 ? 'is' : 'are'} gone: what stood there is not known`, width, colors.warn)] : []),
    ...(Object.values(unread).some((count) => count > 0) ? [labelled('warning', `of what these rest on some could not be read, or waits: ${unreadText(unread)}`, width, colors.warn)] : []),
  ]; // prettier-ignore
  return `${lines.join('\n')}\n`;
}

/** `TOO_FEW_APPROVERS decision d1, rows 9, 4: it was allowed though …` */
export function findingLines(
  { code, stream, rows, text }: GovernanceFinding,
  colors: Colors,
  width: number,
): readonly string[] {
  const where = `${stream.kind} ${stream.id}, ${rows.length === 1 ? 'row' : 'rows'} ${rows.join(', ')}`;
  const [first = '', ...rest] = wrapWords(printable(`${code} ${where}: ${text}`), Math.max(20, width - 2));
  return [colors.bad(code) + first.slice(code.length), ...rest.map((line) => `  ${line}`)];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function unreadText({
  broken_lines: broken,
  torn_bytes: torn,
  lost_rows: lost,
  spilled_rows: spilled,
}: GovernanceAnswer['unread']): string {
  const parts = [
    [broken, 'broken line'],
    [torn, 'torn byte'],
    [lost, 'lost row'],
    [spilled, 'spilled row'],
  ] as const;
  return parts.flatMap(([count, noun]) => (count > 0 ? [counted(count, noun)] : [])).join(', ');
}
