/**
 * The rows that say where a head was anchored, one for each target and outcome:
 *
 *   "action":"audit.anchor","idempotency_key":"anchor:12:b5bb9d80:3fa1…:ok",
 *   "payload":{"size":12,"root":"3v4k…=","to":"git:/srv/anchors","outcome":"ok","commit":"9fceb02…"}
 */
import { sha256Hex } from '../digest';
import type { Json, JsonObject } from '../json';
import type { Row } from '../members';
import type { TreeHead } from '../note/checkpoint';

export const ANCHOR_ACTION = 'audit.anchor';

/** What there is to show for an anchor: a commit, a time, the name of a file. */
export type AnchorEvidence = Readonly<Record<string, string | number | boolean>>;

export type AnchorOutcome = 'ok' | 'failed';

/** What such a row says. */
export interface AnchorRecord {
  readonly seq: number;
  readonly ts: string;
  readonly size: number;
  /** In base64. */
  readonly root: string;
  readonly to: string;
  readonly outcome: AnchorOutcome;
  /** The names of the witnesses that signed. */
  readonly witnesses: readonly string[];
  /** Why it failed. */
  readonly why: string;
}

export interface AnchorNews {
  readonly head: TreeHead;
  readonly to: string;
  readonly outcome: AnchorOutcome;
  readonly evidence: AnchorEvidence;
  /** That the anchor contradicts this ledger is told apart from that it could not be reached. */
  readonly contradicts?: boolean;
}

export function anchorPayload({ head, to, outcome, evidence }: AnchorNews): JsonObject {
  return new Map<string, Json>([
    ['size', head.size],
    ['root', head.root.toString('base64')],
    ['to', to],
    ['outcome', outcome],
    ...Object.entries(evidence),
  ]);
}

/** Once for each head, target and outcome: what fails every hour is one row. */
export function anchorKey({ head, to, outcome, contradicts }: Omit<AnchorNews, 'evidence'>): string {
  const root = head.root.toString('hex').slice(0, 16);
  return `anchor:${head.size}:${root}:${sha256Hex(to).slice(0, 32)}:${contradicts === true ? 'contradicts' : outcome}`;
}

/** What a row says of an anchor; undefined where it is another row. */
export function anchorRecordOf({ seq, ts, action, payload }: Row): AnchorRecord | undefined {
  if (action !== ANCHOR_ACTION) return undefined;
  const { size, root, to, outcome, witness, why } = (payload ?? {}) as Record<string, unknown>;
  if (!Number.isSafeInteger(size) || typeof root !== 'string' || typeof to !== 'string') return undefined;
  if (outcome !== 'ok' && outcome !== 'failed') return undefined;
  const witnesses = typeof witness === 'string' ? witness.split(' ') : [];
  return { seq, ts, size: size as number, root, to, outcome, witnesses, why: typeof why === 'string' ? why : '' };
}
