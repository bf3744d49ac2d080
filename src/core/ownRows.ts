/**
 * The ledger's own rows, `audit.*`. They take no defaults from the environment and stand in no stream.
 *
 *   "action":"audit.genesis","payload":{"format":"ledger/1","ledger_id":"01J…","origin":"local/01J…","lock":"kernel"}
 */
import { sha256Hex } from './digest';
import { canonicalJson, storedJson, toJson } from './json';
import { CALLER_MEMBER_NAMES } from './members';
import type { CallerMember } from './members';
import type { CheckedRow } from './row';

export type OwnAction =
  | 'audit.genesis'
  | 'audit.segment'
  | 'audit.heal-truncation'
  | 'audit.set-aside'
  | 'audit.rows-lost'
  | 'audit.checkpoint'
  | 'audit.anchor'
  | 'audit.spill-duplicate'
  | 'audit.key-rotation'
  | 'audit.erasure';

export type LockKind = 'kernel' | 'lockfile';

export const FORMAT = 'ledger/1';

/** What row 1 says of a ledger; every later segment repeats it. */
export interface Identity {
  readonly ledgerId: string;
  readonly origin: string;
  readonly lock: LockKind;
}

/** A row of the ledger's own, ready to be placed. `more` holds known string members such as `actor` and `reason`. */
export function ownRow(
  action: OwnAction,
  payload: object,
  more: Readonly<Partial<Record<CallerMember, string>>> = {},
): CheckedRow {
  const members = toJson(payload);
  const given = new Map<string, string>(Object.entries({ ...more, action }));
  const known = CALLER_MEMBER_NAMES.filter((name) => given.has(name)).map(
    (name) => `"${name}":${storedJson(given.get(name) ?? null)}`,
  );
  return {
    members: [...known, `"payload":${storedJson(members)}`].join(','),
    action,
    runId: undefined,
    decisionId: undefined,
    idempotencyKey: more.idempotency_key,
    contentHash: sha256Hex(canonicalJson(members)),
  };
}

export function genesisRow(identity: Identity): CheckedRow {
  return ownRow('audit.genesis', {
    format: FORMAT,
    ledger_id: identity.ledgerId,
    origin: identity.origin,
    lock: identity.lock,
  });
}

/** The identity in a payload of `audit.genesis` or `audit.segment`, or undefined where it is not one of this format. */
export function identityOf(payload: unknown): Identity | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { format, ledger_id: ledgerId, origin, lock } = payload as Record<string, unknown>;
  if (format !== FORMAT || typeof ledgerId !== 'string' || typeof origin !== 'string') return undefined;
  return lock === 'kernel' || lock === 'lockfile' ? { ledgerId, origin, lock } : undefined;
}
