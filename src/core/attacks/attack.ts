/**
 * An attack on a ledger, as data: what is done, which layer catches it, with which code and where, and what that layer does
 * not see. `ledger selftest` plays them all on a scratch ledger and prints this table; docs/guarantees.md shows the same.
 */
import type { ErrorCode } from '../errors';
import type { GovernanceCode } from '../governance/finding';
import type { FindingCode } from '../verdict';

export const FAMILIES = [
  'rows',
  'streams',
  'checkpoints',
  'remembered head',
  'bundles',
  'origin',
  'keys',
  'writers and crashes',
  'hidden rows',
  'time',
] as const;
export type AttackFamily = (typeof FAMILIES)[number];

/**
 * What looks for the attack: `verify`, `verify --governance`, `bundle verify` (of bundle.json, by the auditor's key), or
 * `guess`, a reader who tries rows until one fits a hash of a bundle.
 */
export type AttackCheck = 'verify' | 'governance' | 'bundle' | 'guess';

export type AttackCode = FindingCode | GovernanceCode | ErrorCode;

export interface Attack {
  readonly name: string;
  readonly family: AttackFamily;
  /** What is done, in one sentence. */
  readonly what: string;
  /** What catches it. */
  readonly layer: string;
  readonly check: AttackCheck;
  /** Null: nothing is amiss, and nothing may be said to be. */
  readonly code: AttackCode | null;
  /** The row that the code names; null where it names none. */
  readonly row: number | null;
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
  return attack.check === 'guess' ? 'no guess fits' : codeText(attack);
}
