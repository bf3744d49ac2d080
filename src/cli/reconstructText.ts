/** A reconstruction as prose for a terminal, and as sections for a page. Nothing is added to what its data says. */
import { printable } from '../core/printable';
import type { Reconstruction } from '../services/reconstruct';
import type { Colors } from './color';
import { findingLines } from './governanceText';
import type { Section } from './reportSections';
import type { Column } from './table';
import { wrapWords } from './wrap';

const INDENT = '  ';

export function storyText(story: Reconstruction, colors: Colors, width: number): string {
  const { title, steps, trail, answers, missing, findings } = story;
  const lines = [...wrapWords(printable(title), width), ''];
  if (steps === null) for (const event of trail) pushEvent(lines, event, colors, width, '');
  else
    steps.forEach((step, i) => {
      lines.push(...headLines(`${i + 1}. ${step.title}`, step.rows, colors, width));
      const sentences = step.rows.length === 0 ? ['no evidence'] : step.sentences;
      lines.push(...sentences.flatMap((sentence) => indented(sentence, width, '   ')));
    });
  if (steps !== null) {
    lines.push('', 'Every row');
    for (const event of trail) pushEvent(lines, event, colors, width, rowsText([event.seq]));
  }
  lines.push('', 'What a stranger asks');
  for (const { question, sentences, rows } of answers) {
    lines.push(...headLines(`${question}?`, rows, colors, width));
    const said = sentences.length === 0 ? ['no row says'] : sentences;
    lines.push(...said.flatMap((sentence) => indented(sentence, width, INDENT)));
  }
  lines.push('', missing.length === 0 ? 'Nothing is missing that this looks for.' : colors.warn('Missing'));
  lines.push(...missing.flatMap((text) => indented(text, width, INDENT)));
  if (findings.length > 0) lines.push('', colors.bad('Went otherwise than it must'));
  for (const finding of findings)
    lines.push(...findingLines(finding, colors, width - INDENT.length).map((line) => INDENT + line));
  lines.push('');
  for (const line of integrityLines(story))
    lines.push(...indented(line.trimStart(), width, /^ */.exec(line)?.[0] ?? ''));
  lines.push('');
  return lines.join('\n');
}

/** Of a run there may be thousands: they go to the lines one by one. */
function pushEvent(
  lines: string[],
  { offset, head, details }: Reconstruction['trail'][number],
  colors: Colors,
  width: number,
  row: string,
): void {
  const mark = `[${offset}]`;
  const [first = '', ...rest] = wrapWords(printable(head), Math.max(20, width - mark.length - 1));
  const isBeside = rest.length === 0 && mark.length + 1 + first.length + row.length <= width;
  lines.push(`${colors.dim(mark)} ${first}${isBeside && row !== '' ? colors.dim(row) : ''}`);
  for (const line of rest) lines.push(`${' '.repeat(mark.length + 1)}${line}`);
  if (!isBeside && row !== '') lines.push(INDENT + colors.dim(row.trim()));
  for (const detail of details) lines.push(...indented(detail, width, INDENT));
}

/** What it rests on stands beside it, or where there is no room below it. */
function headLines(head: string, rows: readonly number[], colors: Colors, width: number): string[] {
  const text = rowsText(rows);
  if (head.length + text.length <= width) return [head + colors.dim(text)];
  return [head, ...wrapWords(text.trim(), width - 3).map((line) => colors.dim(`   ${line}`))];
}

function indented(text: string, width: number, by: string): string[] {
  return wrapWords(printable(text), Math.max(20, width - by.length)).map((line) => by + line);
}

const MAX_ROWS = 8;

function rowsText(rows: readonly number[]): string {
  if (rows.length === 0) return '';
  const shown =
    rows.length > MAX_ROWS ? `${rows.slice(0, MAX_ROWS).join(', ')}, … ${rows.at(-1) ?? ''}` : rows.join(', ');
  return `  row${rows.length === 1 ? '' : 's'} ${shown}`;
}

function integrityLines({ stream, integrity, head, ledger, not_shown: notShown }: Reconstruction): string[] {
  const { rows, isIntact, faults } = integrity;
  const count = `${rows} ${rows === 1 ? 'row' : 'rows'} of ${stream.kind} ${printable(stream.id)}`;
  return [
    isIntact
      ? `Integrity: ${count}, each as its writer wrote it, linked without a gap.`
      : `Integrity: ${count}, NOT intact:`,
    ...faults.map((fault) => INDENT + fault),
    ...(ledger === null ? [] : [`Ledger: ${printable(ledger.ledger_id)}, origin ${printable(ledger.origin)}`]),
    `Ledger head: row ${head?.seq ?? 'unknown'}, ${head?.hash ?? ''}`,
    `Not shown by this: ${notShown.join('; ')}.`,
  ];
}

/** The same as a page. */
export function storySections(story: Reconstruction): Section[] {
  return [...toldSections(story), { title: 'Integrity', notes: integrityLines(story) }];
}

/** Without what the ledger was when it was read. */
export function toldSections(story: Reconstruction): Section[] {
  const { steps, trail, answers, missing, findings } = story;
  return [
    listSection('What a stranger asks', ['', '', 'rows'], 1, answers.map(({ question, sentences, rows }) => [`${question}?`, sentences.length === 0 ? 'no row says' : sentences.join('; '), numbers(rows)])), // prettier-ignore
    ...(steps === null
      ? []
      : steps.map((step, i): Section => ({ title: `${i + 1}. ${step.title}`, notes: step.rows.length === 0 ? ['no evidence'] : [...step.sentences, `${step.rows.length === 1 ? 'row' : 'rows'} ${numbers(step.rows)}`] }))), // prettier-ignore
    listSection(steps === null ? 'Trail' : 'Every row', ['', 'when', 'what', 'account', 'row'], 2, trail.flatMap(({ offset, at, head, details, beside, by, seq }) => [[`[${offset}]`, at, head, by, String(seq)], ...[...details, ...beside()].map((detail) => ['', '', detail, '', ''])])), // prettier-ignore
    { title: 'Missing', notes: missing.length === 0 ? ['Nothing is missing that this looks for.'] : missing },
    ...(findings.length === 0 ? [] : [listSection('Went otherwise than it must', ['code', 'what', 'rows'], 1, findings.map(({ code, text, rows }) => [code, text, numbers(rows)]))]), // prettier-ignore
  ];
}

/** `2–5, 9` */
function numbers(rows: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const row of rows) {
    const last = ranges.at(-1);
    if (last?.[1] === row - 1) last[1] = row;
    else ranges.push([row, row]);
  }
  return ranges
    .map(([from, to]) => (from === to ? `${from}` : `${from}${to === from + 1 ? ', ' : '–'}${to}`))
    .join(', ');
}

/** A list in which one column is read. */
export function listSection(
  title: string,
  titles: readonly string[],
  textColumn: number,
  rows: readonly (readonly string[])[],
): Section {
  const columns: Column[] = titles.map((name) => ({ title: name, align: 'left' }));
  return { title, notes: [], table: { columns, rows }, textColumn };
}
