/**
 * What a benchmark found, one line a claim, as a table in Markdown:
 *
 *   | what | ours | baseline | ratio | target | met |
 */

/** A ratio and what it is held against: at most `target`. Without a target it is told, not judged. */
export interface Line {
  readonly what: string;
  readonly ours: string;
  readonly baseline: string;
  readonly ratio?: number | undefined;
  readonly target?: number | undefined;
  /** Where it is no ratio that must hold: what must, and whether it does. */
  readonly claim?: { readonly text: string; readonly holds: boolean } | undefined;
}

export interface LineOf extends Line {
  readonly noisy: boolean;
}

const HEADER = ['what', 'ours', 'baseline', 'ratio', 'target', 'met'] as const;

export function tableOf(lines: readonly LineOf[]): string {
  const rows = [[...HEADER], ...lines.map(cellsOf)];
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const text = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`);
  text.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return text.join('\n');
}

export function isMet({ ratio, target, claim }: Line): boolean | undefined {
  const parts = [
    ratio === undefined || target === undefined ? undefined : Number(ratio.toFixed(2)) <= target,
    claim?.holds,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.every(Boolean);
}

function cellsOf(line: LineOf): string[] {
  const { what, ours, baseline, ratio, target, claim, noisy } = line;
  const met = isMet(line);
  const wanted = [target === undefined ? '' : `≤ ${target.toFixed(2)}`, claim?.text ?? ''].filter(
    (text) => text !== '',
  );
  const verdict = met === undefined ? '—' : met ? 'yes' : 'no';
  return [
    what,
    ours,
    baseline,
    ratio === undefined ? '—' : ratio.toFixed(2),
    wanted.length === 0 ? '—' : wanted.join(', '),
    noisy && met !== undefined ? `${verdict}, noisy` : verdict,
  ];
}

export function ms(value: number): string {
  return value < 10
    ? `${value.toFixed(2)} ms`
    : value < 1000
      ? `${value.toFixed(0)} ms`
      : `${(value / 1000).toFixed(2)} s`;
}

export function mb(value: number): string {
  return `${value.toFixed(0)} MB`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
