/**
 * An attack on a ledger, as data: what is done, which layer catches it, with which code and where, and what that layer does
 * not see. `ledger selftest` plays them all on a scratch ledger and prints this table; docs/guarantees.md shows the same.
 */
import type { ErrorCode } from '../errors';
import type { FileFaultCode } from '../evidence/checkEvidence';
import type { GovernanceCode } from '../governance/finding';
import type { FindingCode } from '../verdict';

export const FAMILIES = [
  'rows',
  'streams',
  'checkpoints',
  'remembered head',
  'anchors',
  'two histories',
  'bundles',
  'proofs',
  'origin',
  'keys',
  'writers and crashes',
  'hidden rows',
  'sealed fields',
  'index',
  'time',
] as const;
export type AttackFamily = (typeof FAMILIES)[number];

/**
 * What looks for the attack: `verify`, `verify --governance`, `bundle verify` (of bundle.json) and `verify` of a proof
 * (evidence.txt), by the auditor's key; `prove --consistency` with a head that somebody kept; `disclose` of a sealed field,
 * and `--check` of what was disclosed; or `guess`, a reader who tries rows until one fits a hash of a bundle.
 */
export type AttackCheck =
  'verify' | 'governance' | 'bundle' | 'evidence' | 'consistency' | 'disclose' | 'disclosed' | 'guess';

export type AttackCode = FindingCode | GovernanceCode | FileFaultCode | ErrorCode;

/** What is attacked: `plain`, the ledger; `anchored`, the same with sealed fields, anchors, a proof and an index. */
export type Ground = 'plain' | 'anchored';

export interface Attack {
  readonly name: string;
  readonly family: AttackFamily;
  /** What is done, in one sentence. */
  readonly what: string;
  /** What catches it. */
  readonly layer: string;
  readonly check: AttackCheck;
  /** Default: `plain`. */
  readonly ground?: Ground;
  /** A program without which it cannot be played. */
  readonly needs?: 'git';
  /** Null: nothing is amiss, and nothing may be said to be; or what is amiss has no code. */
  readonly code: AttackCode | null;
  /** The row that the code names; null where it names none. */
  readonly row: number | null;
  /** What must be said beside the code, or where there is none for it: a warning, or that an opening opens nothing. */
  readonly words?: string;
  /** What may be told beside it. */
  readonly also?: readonly AttackCode[];
  readonly exit: number;
  /** What this layer does not see. */
  readonly left: string;
}

/** How a code and its place are written: `SEQ_GAP at row 15`. */
export function codeText({ code, row }: { readonly code: string | null; readonly row: number | null }): string {
  if (code === null) return 'nothing amiss';
  return row === null ? code : `${code} at row ${row}`;
}

/** As what an attack is caught. */
export function caughtAs(attack: Attack): string {
  if (attack.check === 'guess') return 'no guess fits';
  return attack.code === null && attack.words !== undefined ? `“${attack.words}”` : codeText(attack);
}
