/**
 * Holds asks against the caps, under the ledger's lock: the sums up to its last row, and what was allowed since. What a
 * gate and an enforced append have in common.
 */
import type { Cap } from '../../core/caps';
import type { Override } from '../../core/override';
import { closedBy } from '../../core/reservation';
import type { Ask, CapState } from '../../core/capState';
import type { Spend } from '../../core/spend';
import type { ReadyLedger } from '../ledger/ledger';
import { bringUp } from './currentSpend';
import type { CurrentSpend, SpendRequest } from './currentSpend';
import { learnOtherRuns, spentByRuns } from './runSpend';
import { writeSpend } from './spendFile';

/** Who has read so much of the ledger spares the next one that. */
const WORTH_STORING_BYTES = 64 << 10;

export class Judge {
  #hasLearned = false;

  private constructor(
    private readonly request: SpendRequest,
    private readonly spend: Spend,
    private readonly storedBytes: number | undefined,
    private readonly sizeBytes: number,
  ) {}

  /**
   * @param soFar of `spendSoFar`: what was read before the lock was taken, so that nobody waits for it
   * @throws LedgerError LEDGER_BROKEN
   */
  static async over(request: SpendRequest, ready: ReadyLedger, soFar: CurrentSpend | undefined): Promise<Judge> {
    const { sizeBytes } = ready.tail;
    const { spend, storedBytes } = await bringUp(request, ready.fd, sizeBytes, soFar);
    return new Judge(request, spend, storedBytes, sizeBytes);
  }

  /** Looks up what is not known yet of the runs of some asks. */
  async learn(asks: readonly Ask[]): Promise<void> {
    const lacking = new Set(asks.flatMap((ask) => this.spend.lacksRun(ask) ?? []));
    if (lacking.size === 0) return;
    for (const [run, spent] of await spentByRuns(this.request, lacking)) this.spend.setRun(run, spent);
    this.#hasLearned = true;
  }

  /** Stores the sums for the next one, where that is worth it; before anything is allowed on top of them. */
  keep(): void {
    const { storedBytes, sizeBytes, request } = this;
    const isFarBehind = storedBytes === undefined || sizeBytes - storedBytes >= WORTH_STORING_BYTES;
    if (this.#hasLearned || isFarBehind) writeSpend(request.paths, request.plan, this.spend, request.nowMs);
  }

  /** How the caps stand that apply. Of asks whose runs were learned. */
  statesFor(ask: Ask): CapState[] {
    return this.spend.statesFor(ask, this.request.nowMs);
  }

  /** How every cap stands, with the runs that lately spent something. */
  async statesNow(): Promise<CapState[]> {
    await learnOtherRuns(this.request, this.spend);
    return this.spend.statesNow(this.request.nowMs);
  }

  /** What raises a cap now. */
  overrideOf(cap: Cap): Override | undefined {
    return this.spend.overrideOf(cap, this.request.nowMs);
  }

  /** Whether a row with this key closes an open reservation. */
  isOpen(key: string): boolean {
    const id = closedBy(key);
    return id !== undefined && this.spend.isOpen(id);
  }

  /** What was allowed counts for what is asked next. */
  allow(ask: Ask): void {
    this.spend.spendNow(ask, this.request.nowMs);
  }
}
