/** What is wrong with how a decision or a run went, though every row of it may be intact. A finding is a value. */
import { rowKindOf } from '../costLine';
import { ROW_KINDS } from '../costs';
import { isUlid, ulidMs } from '../ids';
import type { Row } from '../members';

export const GOVERNANCE_CODES = [
  'NOT_CREATED',
  'EXECUTED_WITHOUT_ALLOW',
  'TOO_FEW_APPROVERS',
  'ROLE_MISSING',
  'GATE_FAILED',
  'UNMET_CONDITIONS',
  'APPROVAL_AFTER_EXPIRY',
  'OVERRIDE_EXPIRED',
  'APPROVED_UNKNOWN_VERSION',
  'DELIVERED_WITHOUT_APPROVAL',
  'DELIVERED_OTHER_VERSION',
  'ROW_AFTER_CLOSE',
  'START_WITHOUT_END',
  'END_WITHOUT_START',
] as const;

export type GovernanceCode = (typeof GOVERNANCE_CODES)[number];

export interface StreamName {
  readonly kind: 'run' | 'decision';
  readonly id: string;
}

export interface GovernanceFinding {
  readonly code: GovernanceCode;
  readonly stream: StreamName;
  /** The seqs of the rows that show it, in the order of the sentence. */
  readonly rows: readonly number[];
  readonly text: string;
}

/** A field of a typed row: in its payload, or the member of the same name. */
export function fieldOf(row: Row, name: string): unknown {
  return row.payload?.[name] ?? row[name];
}

/** The same where it is a text or a number; undefined where it is neither. */
export function textOf(row: Row, name: string): string | undefined {
  const value = fieldOf(row, name);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** What a row belongs to: as it says itself, else as its payload does, which may tell of another one. */
export function linkOf(row: Row, name: 'order_id' | 'customer_id'): string | undefined {
  const own: unknown = row[name];
  // A sealed one names nobody.
  if (own !== undefined) return typeof own === 'string' ? own : undefined;
  return textOf(row, name);
}

export function listOf(row: Row, name: string): readonly unknown[] {
  const value = fieldOf(row, name);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Whether it is live, or was when it was imported: what is not live shows nothing. */
export function isLive({ action, provenance }: Row): boolean {
  return rowKindOf(action, provenance) <= ROW_KINDS.imported;
}

/**
 * When it was done, as the ledger saw it. A row that waited in a spill file is given the time at which it was set down there,
 * which its id of then holds; what a caller says of it is no proof.
 */
export function doneMs(row: Row): number {
  return row.spill_id === undefined || !isUlid(row.spill_id) ? Date.parse(row.ts) : ulidMs(row.spill_id);
}
