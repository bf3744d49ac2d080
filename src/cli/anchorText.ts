/** Anchors in words: until which row, at which, by whom and since when; and what became of a head that was put there. */
import type { AnchorEvidence } from '../core/anchor/anchorRow';
import type { AnchorState, AnchorVerdict } from '../core/anchor/judge';
import { printable } from '../core/printable';
import type { Colors } from './color';
import { labelled } from './wrap';

type AnchorsTold = Pick<AnchorVerdict, 'anchors' | 'anchored_until' | 'unanchored_rows'>;

/** For `verify`; nothing where there is no anchor at all. */
export function anchorLines(verdict: AnchorsTold, rows: number, colors: Colors, width: number): string[] {
  if (verdict.anchors.length === 0) return [];
  const contradicts = verdict.anchors.some(({ finding }) => finding !== null);
  const paint = contradicts ? colors.bad : verdict.unanchored_rows > 0 ? colors.warn : colors.good;
  return [
    labelled('anchored', untilText(verdict, rows), width, paint),
    ...verdict.anchors.map((anchor) => labelled('', anchorText(anchor), width)),
  ];
}

function untilText({ anchored_until: until, unanchored_rows: rest }: AnchorsTold, rows: number): string {
  if (until === null) return `nowhere that could be looked at: none of the ${rows} rows`;
  if (rest === 0) return `until row ${until}, which is the last`;
  return `until row ${until}; ${rest === 1 ? `row ${rows} is` : `rows ${until + 1} to ${rows} are`} not`;
}

function anchorText({ to, state, size, by, since, why, finding }: AnchorState): string {
  const what = {
    held: '',
    behind: 'behind, ',
    contradicts: `${finding?.code ?? ''}, its head is of another ledger than this one is now: `,
    'not-checked': 'not checked, ',
    missing: 'none',
  }[state];
  const parts = [
    ...(size === null ? [] : [`until row ${size}`]),
    ...(by === null ? [] : [`by ${by}`]),
    ...(since === null ? [] : [`since ${since}`]),
  ];
  return printable(`${to}: ${what}${parts.join(', ')}${why === null ? '' : `; ${why}`}`);
}

/** For the command that put it there: `anchored git:/srv/anchors (commit 9fceb02…)`. */
export function anchoredText(to: string, evidence: AnchorEvidence): string {
  const shown = Object.entries(evidence).map(([name, value]) => (value === true ? name : `${name} ${value}`));
  return printable(`anchored ${to}${shown.length === 0 ? '' : ` (${shown.join(', ')})`}`);
}
