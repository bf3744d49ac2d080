/** What a sweep finds, and what becomes of it. */

/** A line, or the end of the file, that is not as it should be. */
export interface Damage {
  readonly what:
    | 'broken-lines'
    | 'torn-tail'
    | 'pending-heal'
    | 'tampered-tail'
    | 'rows-lost'
    | 'broken-plan'
    | 'index-differs'
    | 'by-hand';
  readonly line: number | null;
  readonly offset: number | null;
  readonly length: number | null;
  /** `would-heal` with --dry-run; `kept`: evidence, or not healable by rule. */
  readonly outcome: 'healed' | 'would-heal' | 'kept';
  readonly heal_id: string | null;
  readonly quarantine: string | null;
  readonly detail: string;
}

export interface LinePlace {
  readonly line: number;
  readonly offset: number;
  readonly length: number;
}

export function noted(what: Damage['what'], outcome: Damage['outcome'], detail: string): Damage {
  return { what, line: null, offset: null, length: null, outcome, heal_id: null, quarantine: null, detail };
}

export function notedAt(place: LinePlace, damage: Damage): Damage {
  const { line, offset, length } = place;
  return { ...damage, line, offset, length };
}

/** What was missing where lines were taken out. */
export function gapText(gap: { readonly seq: number; readonly lastSeq: number; readonly missing: number }): string {
  if (gap.missing === 0) return 'no row is missing: the rows around it link';
  return gap.seq === gap.lastSeq
    ? `row ${gap.seq} is a named gap now`
    : `rows ${gap.seq} to ${gap.lastSeq} are a named gap now`;
}

/** Rows that were in the ledger and are not there any more, or not as they were. */
export function lostText({ fromSeq, toSeq }: { readonly fromSeq: number; readonly toSeq: number }): string {
  if (fromSeq === toSeq) return `row ${fromSeq}, as it was appended, is gone`;
  return `rows ${fromSeq} to ${toSeq}, as they were appended, are gone`;
}

/** @param differs what the index has other than the file, or why it is not of this file at all */
export function indexText(differs: string): string {
  return `the index does not agree with the file: ${differs}; "ledger verify" says whether the rows are whole, a head kept elsewhere whether they are the same`;
}

export function linesText(lines: number): string {
  return lines === 1 ? 'a line that is no JSON object' : `${lines} lines that are no JSON objects`;
}
