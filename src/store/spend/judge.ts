/**
 * Holds asks against the caps, under the ledger's lock: the sums up to its last row, and what was allowed since. What a
 * gate and an enforced append have in common.
 */
import type { Ask, CapState, Spend } from '../../core/spend';
import type { ReadyLedger } from '../ledger/ledger';
import { bringUp, spendSoFar } from './currentSpend';
import type { CurrentSpend, SpendRequest } from './currentSpend';
import { learnOtherRuns, spentByRuns } from './runSpend';
import { writeSpend } from './spendFile';

/** Who has read so much of the ledger spares the next one that. */
const WORTH_STORING_BYTES = 64 << 10;

export class Judge {
  private constructor(
    private readonly request: SpendRequest,
    private readonly spend: Spend,
    private readonly storedBytes: number | undefined,
    private readonly sizeBytes: number,
  ) {}

  /** What can be read before the lock is taken, so that nobody waits for it. */
  static async prepare(request: SpendRequest): Promise<CurrentSpend | undefined> {
    return spendSoFar(request);
  }

  /**
   * @param soFar of `prepare`
   * @throws LedgerError LEDGER_BROKEN
   */
  static async over(request: SpendRequest, ready: ReadyLedger, soFar: CurrentSpend | undefined): Promise<Judge> {
    const { sizeBytes } = ready.tail;
    const { spend, storedBytes } = await bringUp(request, ready.fd, sizeBytes, soFar);
    return new Judge(request, spend, storedBytes, sizeBytes);
  }

  /** Looks up what is not known yet of the runs of some asks, and stores the sums for the next one where that is worth it. */
  async learn(asks: readonly Ask[]): Promise<void> {
    const lacking = new Set(asks.flatMap((ask) => this.spend.lacksRun(ask) ?? []));
    const learned = lacking.size > 0;
    if (learned) {
      for (const [run, spent] of await spentByRuns(this.request, lacking)) this.spend.setRun(run, spent);
    }
    const { storedBytes, sizeBytes } = this;
    if (!learned && storedBytes !== undefined && sizeBytes - storedBytes < WORTH_STORING_BYTES) return;
    writeSpend(this.request.paths, this.request.plan, this.spend, this.request.nowMs);
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

  /** What was allowed counts for what is asked next. */
  allow(ask: Ask): void {
    this.spend.spendNow(ask, this.request.nowMs);
  }
}
