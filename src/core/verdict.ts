/**
 * What a check found, as data. A finding is a value: it names a code of a closed list, the row and the place, what was
 * wanted there and what was found. How grave a code is, is a table; nothing else decides a verdict.
 *
 *   {"code":"CONTENT_ALTERED","seq":41,"place":{"segment":"audit.jsonl","line":41,"offset":27310},"want":"9f…","got":"41…"}
 */

import type { AnchorState } from './anchor/judge';
import type { HeadKeyState, TreeState } from './note/judgeCheckpoints';

export const FINDING_CODES = [
  'CONTENT_ALTERED',
  'LINK_BROKEN',
  'SEQ_GAP',
  'REPLAY',
  'STREAM_BROKEN',
  'ROW_AFTER_CLOSE',
  'GENESIS_MISSING',
  'FRONT_TRUNCATED',
  'TRUNCATED',
  'ROLLBACK',
  'DIVERGED',
  'FORK',
  'MALFORMED',
  'TORN',
  'FOREIGN',
  'GAP',
  'GAP_UNBACKED',
  'GAP_UNJUSTIFIED',
  'INDEX_DISAGREES',
  'CHECKPOINT_INVALID',
  'UNTRUSTED_KEY',
  'UNKNOWN_KEY',
  'SIGNATURE_INVALID',
  'SIGNATURE_MISSING',
  'INCOMPLETE_STREAM',
  'HEAD_MISMATCH',
  'TOO_FEW_ROWS',
  'TIME_SUSPECT',
  'NOT_VERIFIABLE',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/** Where a finding is: the segment's name, its line from 1, the byte offset of that line from 0. */
export interface FindingPlace {
  readonly segment: string;
  readonly line: number;
  readonly offset: number;
}

export interface Finding {
  readonly code: FindingCode;
  readonly seq: number | null;
  readonly place: FindingPlace | null;
  readonly want: string | null;
  readonly got: string | null;
}

/** `breaks` the verdict, opens a named `gap`, is only told (`warns`), or says that nothing could be checked. */
export type Gravity = 'breaks' | 'gap' | 'warns' | 'unverifiable';

const NOT_BREAKING: Readonly<Partial<Record<FindingCode, Gravity>>> = {
  GAP: 'gap',
  TIME_SUSPECT: 'warns',
  ROW_AFTER_CLOSE: 'warns',
  NOT_VERIFIABLE: 'unverifiable',
};

export function gravityOf(code: FindingCode): Gravity {
  return NOT_BREAKING[code] ?? 'breaks';
}

export type Verdict = 'intact' | 'gaps' | 'broken' | 'not-verifiable';

/** More findings than this are counted, not kept: a reader needs the first ones. */
export const MAX_KEPT_FINDINGS = 100;

/** Findings in the order in which they were made, by code; those beyond the cap are only counted. */
export class Findings {
  readonly kept: Finding[] = [];
  private readonly counts = new Map<FindingCode, number>();
  private readonly keptByGravity = new Map<Gravity, number>();
  total = 0;

  add(finding: Finding): void {
    this.total++;
    this.counts.set(finding.code, this.count(finding.code) + 1);
    // Each gravity has its own room: a thousand clock jumps must not hide one altered row.
    const gravity = gravityOf(finding.code);
    const kept = this.keptByGravity.get(gravity) ?? 0;
    if (kept >= MAX_KEPT_FINDINGS) return;
    this.keptByGravity.set(gravity, kept + 1);
    this.kept.push(finding);
  }

  /** Gives a finding the code that was found out later. */
  recode(finding: Finding, code: FindingCode): void {
    this.counts.set(finding.code, this.count(finding.code) - 1);
    this.counts.set(code, this.count(code) + 1);
    const at = this.kept.indexOf(finding);
    if (at >= 0) this.kept[at] = { ...finding, code };
  }

  count(code: FindingCode): number {
    return this.counts.get(code) ?? 0;
  }

  /** Whether any finding has one of these codes. */
  has(codes: readonly FindingCode[]): boolean {
    return codes.some((code) => this.count(code) > 0);
  }

  /** The verdict: "could not" before "broken" before "gaps" before "intact". */
  verdict(): Verdict {
    const gravities = new Set([...this.counts].flatMap(([code, count]) => (count > 0 ? [gravityOf(code)] : [])));
    if (gravities.has('unverifiable')) return 'not-verifiable';
    if (gravities.has('breaks')) return 'broken';
    return gravities.has('gap') ? 'gaps' : 'intact';
  }
}

const EXIT: Readonly<Record<Verdict, number>> = { intact: 0, broken: 1, 'not-verifiable': 2, gaps: 3 };

export function exitCodeOf(verdict: Verdict): number {
  return EXIT[verdict];
}

/** A named gap: rows that are known to be missing, and the row that says so. */
export interface Gap {
  readonly kind: 'tombstone' | 'set-aside' | 'rows-lost' | 'spilled-row';
  /** For a spilled row that was changed before it was chained: the row that names it. */
  readonly from_seq: number;
  readonly to_seq: number;
  /** The heal row's id for a tombstone; null for rows that were lost from the end. */
  readonly heal_id: string | null;
  /** The row that names the gap, where it is in the chain. */
  readonly named_by_seq: number | null;
  readonly place: FindingPlace;
  /** The checkpoint that covers the missing rows; null while there are none. */
  readonly checkpoint: string | null;
}

export type IndexState = 'agrees' | 'disagrees' | 'behind' | 'absent' | 'not-checked';

/** One stream, for `--run` and `--decision`. */
export interface StreamReport {
  readonly kind: 'run' | 'decision';
  readonly id: string;
  readonly rows: number;
  readonly open: boolean;
  /** Whether its rows are 1..n without a gap. */
  readonly complete: boolean;
}

/** The answer of `ledger verify`; prose and JSON both print exactly this. */
export interface VerifyResult {
  readonly verdict: Verdict;
  readonly rows: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  readonly head: string | null;
  readonly ledger_id: string | null;
  readonly chain: 'intact' | 'gaps' | 'broken' | 'none';
  readonly streams: 'intact' | 'gaps' | 'broken' | 'none';
  readonly content: 'intact' | 'broken' | 'none';
  readonly gaps: readonly Gap[];
  readonly index: IndexState;
  /** Whether the roots that were signed are those of the rows; `not-checked`: where rows are missing, nobody can tell. */
  readonly tree: TreeState;
  /** `none`: no row is signed, and none must be. `not-checked`: some are, and whoever checks trusts no key. */
  readonly signatures: 'valid' | 'broken' | 'not-checked' | 'none';
  readonly signed_rows: number;
  /** Of what signed the tree heads: `not-checked` where whoever checks trusts no key for that. */
  readonly key: HeadKeyState;
  readonly checkpoints: number;
  /** The rows under the newest checkpoint that agrees. */
  readonly signed_until: number | null;
  /** `new`: the rows behind the last checkpoint alone were read. */
  readonly read: 'all' | 'new';
  readonly tail: 'whole' | 'torn' | 'none';
  readonly anchored_until: number | null;
  readonly unanchored_rows: number;
  /** Of those, the ones that tell of more than checkpoints and anchors. */
  readonly unanchored_events: number;
  readonly anchors: readonly AnchorState[];
  /** Streams without a closing row. */
  readonly open_streams: number;
  readonly stream: StreamReport | null;
  readonly time: 'plausible' | 'suspect' | 'none';
  /** Records that wait in the spill places. */
  readonly spilled: number;
  readonly strict: boolean;
  readonly warnings: readonly string[];
  readonly findings: readonly Finding[];
  /** How many findings there were; `findings` keeps the first ones of each gravity. */
  readonly findings_total: number;
  readonly not_proved: readonly string[];
}

/** File order: by segment, then by offset; what has no place comes last. */
export function segmentOrder(segments: readonly string[], a: FindingPlace | null, b: FindingPlace | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return segments.indexOf(a.segment) - segments.indexOf(b.segment) || a.offset - b.offset;
}
