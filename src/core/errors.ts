/**
 * The one error class of the project, with a closed set of codes.
 *
 * A message is lower case and says what was expected and what was found; a hint says what to do next.
 * A finding of `verify` is a value, not an error; a disk that cannot be read, or input that cannot be taken, throws this.
 */

import type { FindingCode } from './verdict';

/** What is wrong with one input row; nothing of that row is written. */
export type RefusalCode =
  | 'JSON_SYNTAX'
  | 'JSON_DUPLICATE_KEY'
  | 'JSON_SURROGATE'
  | 'JSON_NUMBER'
  | 'JSON_DEPTH'
  | 'INPUT_UTF8'
  | 'ROW_TOO_LONG'
  | 'ROW_NOT_OBJECT'
  | 'MEMBER_MISSING'
  | 'MEMBER_RESERVED'
  | 'MEMBER_TYPE'
  | 'MEMBER_VALUE'
  | 'CLOCK_AHEAD'
  | 'IDEMPOTENCY_CONFLICT'
  /** It is of a type that a catalogue describes, and not as it says. */
  | 'SCHEMA_MISMATCH'
  /** It holds what an audit trail leaves out. */
  | 'OMITTED'
  /** It holds a token, or a private key. */
  | 'SECRET'
  /** The settings ask for types that a catalogue describes, and none describes this one. */
  | 'ACTION_UNKNOWN'
  /** The settings want it signed. */
  | 'SIGNATURE_MISSING'
  /** Its signature is of another row, ledger or time, or none at all. */
  | 'SIGNATURE_INVALID'
  /** Nobody trusts the key that signed it. */
  | 'UNKNOWN_KEY'
  /** The key that signed it is trusted, and not for what it says. */
  | 'UNTRUSTED_KEY'
  /** Its cost would pass a cap that is enforced. */
  | 'OVER_CAP';

/** Why a row could not be chained now; the row is spilled instead. */
export type SpillCode =
  | 'LOCK_TIMEOUT'
  | 'LOCK_UNAVAILABLE'
  | 'LEDGER_MISSING'
  | 'TAIL_TAMPERED'
  | 'FORK'
  | 'WRITE_FAILED'
  | 'HEAL_FAILED'
  | 'HEAL_IMPOSSIBLE'
  /** Closed segments have no index, and only that tells how a stream in them goes on. */
  | 'INDEX_FAILED';

export type ErrorCode =
  | RefusalCode
  | SpillCode
  | 'USAGE'
  | 'CONFIG_INVALID'
  | 'CATALOGUE_INVALID'
  | 'NOT_OWNER'
  | 'NOT_WRITABLE'
  | 'UNSAFE_PATH'
  | 'READ_FAILED'
  | 'LEDGER_EXISTS'
  | 'NOT_FOUND'
  | 'STORED_NOWHERE'
  | 'INDEX_BUSY'
  /** Rows that a sum or a proof needs are torn, altered or out of their chain: nobody can tell what was spent. */
  | 'LEDGER_BROKEN'
  /** A checkpoint is no signed note of its size, or nobody who is known signed it. */
  | 'CHECKPOINT_INVALID'
  /** The ledger has fewer rows than somebody signed. */
  | 'ROLLBACK'
  /** The ledger has other rows than somebody signed. */
  | 'DIVERGED'
  /** The stored tree is not there, does not reach far enough, or leads to another root than was signed. */
  | 'TREE_WRONG'
  /** A file that is to prove something, and has none of the forms for that. */
  | 'EVIDENCE_INVALID'
  /** A key that cannot sign: of another kind, or locked. */
  | 'KEY_UNUSABLE'
  /** A head could not be put where it was to be kept; the ledger is as it was. */
  | 'ANCHOR_FAILED'
  | 'NO_CAPS'
  /** The settings let others read this. */
  | 'ACCESS_DENIED'
  | 'RESERVATION_CLOSED'
  /** Its value stands in the row for everybody. */
  | 'NOT_SEALED'
  /** What would show the value of a sealed field is gone: a row says so, or nothing does. */
  | 'OPENING_ERASED'
  | 'OPENING_MISSING'
  /** More than memory should hold: groups, or numbers to rank. */
  | 'TOO_MUCH'
  /** The row that a cursor names is not in this ledger. */
  | 'CURSOR_LOST'
  | 'SQL_FAILED'
  | 'INDEX_DISAGREES'
  /** An event of a trace that is imported has another payload than the one that its contentHash is of. */
  | 'CONTENT_ALTERED'
  /** The selftest could not make what it attacks, or an attack could not be played. */
  | 'SELFTEST_FAILED'
  | 'CLOSED'
  | 'INVARIANT'
  /** What a check of evidence found. */
  | FindingCode;

/** Where something is: a file, a line of it (from 1), a byte offset (from 0), or a member of a row. */
export interface Place {
  readonly segment?: string;
  readonly line?: number;
  readonly offset?: number;
  readonly member?: string;
}

export class LedgerError extends Error {
  override readonly name: string = 'LedgerError';
  readonly code: ErrorCode;
  readonly place: Place | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, more: { place?: Place; hint?: string; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.place = more.place;
    this.hint = more.hint;
  }
}

/** Evidence that does not hold: `code` says in what, as a finding of `verify` would. */
export class EvidenceError extends LedgerError {
  override readonly name = 'EvidenceError';
  declare readonly code: FindingCode;

  constructor(code: FindingCode, message: string, more: { hint?: string } = {}) {
    super(code, message, more);
  }
}

/** For our own mistakes: a state that the code before was to rule out. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new LedgerError('INVARIANT', `internal: ${message}`, { hint: 'please report this as a bug' });
}

/** The errno name of a system error ("ENOSPC"), or undefined. Quota errors have no name in Node, only errno -122. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  if (errno === -122) return 'EDQUOT';
  return typeof code === 'string' ? code : undefined;
}

/** What `attempt` gives; undefined where it fails, for what may be missing and is not worth a word. */
export function orNothing<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch {
    return undefined;
  }
}
