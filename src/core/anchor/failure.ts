/** Why a head could not be anchored. */
import { LedgerError } from '../errors';
import type { Finding } from '../verdict';

export class AnchorFailure extends LedgerError {
  /** The same in few words that hold nothing of what others said: for the row that tells of it. */
  readonly why: string;
  /** What the anchor knows that this ledger contradicts. */
  readonly finding: Finding | undefined;

  constructor(
    why: string,
    wanted: string,
    more: {
      readonly found?: string;
      readonly finding?: Finding | undefined;
      readonly hint?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    const { found = why, finding, ...rest } = more;
    super('ANCHOR_FAILED', `expected ${wanted}, found ${found}`, rest);
    this.why = why;
    this.finding = finding;
  }
}
