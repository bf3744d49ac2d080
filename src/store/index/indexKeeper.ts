/**
 * What a writer does with the index: asks it about old rows, learns from it that rows were lost, and keeps it close
 * behind the file. The index is never needed: where it is missing, busy, damaged or of another file, the file itself
 * answers, slower.
 *
 * An index that lags by some rows is not caught up under the lock: the bytes it lacks are searched backwards, the rest
 * it knows.
 */
import { LedgerError } from '../../core/errors';
import { closeQuietly, namesIn, openFile } from '../files';
import { openIndex, openSettledIndex } from './indexOpen';
import type { LedgerIndex } from './indexFile';
import { IndexAside } from './indexAside';
import { rebuildIndex, voidIndex } from './indexBuild';
import { catchUp } from './indexCatchUp';
import { indexFailed, indexOfOtherFile } from './indexErrors';
import { readIndexHeader } from './indexHeader';
import { goneRows, isLossNamed, unnamedRows } from './indexLoss';
import { indexAsOlderRows, standingOf } from './indexRead';
import type { LostRows } from '../append/lostRows';
import type { StatePaths } from '../paths';
import { fileAsOlderRows } from '../append/places';
import type { OlderRows } from '../append/places';

/** A process that writes one row leaves the index alone until it lags so far; a process that stays, at its end. */
export const LAG_ROWS = 1_500;
/** What is more is left to `sweep`: no append should work for seconds after its receipt. */
const MAX_REBUILT_ROWS = 50_000;

/** Keeping up in a thread begins when the index lags so far. */
const ASIDE_LAG_ROWS = 5_000;
/** Below the time that others wait for the ledger's lock. */
const EVIDENCE_BUSY_MS = 2_000;
/** So much of the file is searched faster than the index answers. */
const NEAR_BYTES = 16 << 10;

export class IndexKeeper {
  #index: LedgerIndex | undefined;
  #watermarkSeq = 0;
  #failed = false;
  #aside: IndexAside | undefined;

  /** @param onFault hears of an index that cannot be used, once */
  constructor(
    private readonly paths: StatePaths,
    private readonly onFault: (error: LedgerError) => void,
  ) {}

  /**
   * What answers for the rows before the tail. `fd`: the ledger, under the lock, as long as the answers are asked for.
   * Its `find` throws INDEX_FAILED where only an index could tell, since older rows lie in closed segments.
   */
  olderRows(fd: number): OlderRows {
    const live = fileAsOlderRows(fd);
    let closed: boolean | undefined;
    const hasClosed = (): boolean => (closed ??= namesIn(this.paths.segments).length > 0);
    const unindexed: OlderRows['find'] = (kind, value, beforeOffset) => {
      const found = live.find(kind, value, beforeOffset);
      if (found === undefined && hasClosed()) throw noIndexOfSegments(this.paths);
      return found;
    };
    let known: { readonly index: LedgerIndex; readonly offset: number } | undefined;
    let asked = false;
    return {
      find: (kind, value, beforeOffset) => {
        if (beforeOffset <= NEAR_BYTES && !hasClosed()) return live.find(kind, value, beforeOffset);
        // Held against the file once: under the lock neither changes behind what was asked.
        if (!asked) known = this.#orNothing(() => this.#agreeing(fd));
        asked = true;
        if (known === undefined) return unindexed(kind, value, beforeOffset);
        const lagging = live.find(kind, value, beforeOffset, known.offset);
        if (lagging !== undefined) return lagging;
        try {
          return indexAsOlderRows(this.paths, fd, known.index).find(kind, value, beforeOffset);
        } catch (error) {
          this.#giveUp(error);
          known = undefined;
          return unindexed(kind, value, beforeOffset);
        }
      },
    };
  }

  /**
   * Rows after `lastSeq` that the index has seen. Costs one read of 100 bytes where there are none.
   * @param lastSeq of the last whole row in the file
   */
  lostRows(fd: number, lastSeq: number): LostRows | undefined {
    return this.#orNothing(() => {
      let busyMs: number | undefined;
      // Closing the file would drop the locks that a thread of ours holds on it.
      if (this.#index === undefined && this.#aside === undefined) {
        const header = readIndexHeader(this.paths);
        this.#watermarkSeq = header?.watermarkSeq ?? 0;
        if (header === undefined || (header.settled && header.watermarkSeq <= lastSeq)) return undefined;
        // Rows seem to be lost: worth more patience than one that is being written, which others wait behind us to do.
        if (header.watermarkSeq > lastSeq) busyMs = EVIDENCE_BUSY_MS;
      }
      const index = this.#open(busyMs);
      if (index === undefined || index.watermark().seq <= lastSeq) return undefined;
      const standing = standingOf(index, fd);
      if (standing.kind === 'disagrees') this.#leave(index, fd, standing.why);
      return standing.kind === 'ahead' ? goneRows(index, fd) : undefined;
    });
  }

  /**
   * Rows that the index has seen and the file has no more, also where others stand in their place: for who makes it void.
   * Asked of the file itself, since this process may have given it up as one of another file.
   * @throws LedgerError INDEX_BUSY: nobody knows, and it must stay. One that is damaged tells nothing.
   */
  goneRows(fd: number): LostRows | undefined {
    let index: LedgerIndex | undefined;
    try {
      index = this.#index ?? openSettledIndex(this.paths, EVIDENCE_BUSY_MS);
      return index && unnamedRows(index, fd);
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code === 'INDEX_BUSY' || error.code === 'INVARIANT') throw error;
      return undefined;
    } finally {
      if (index !== this.#index) index?.close();
    }
  }

  /** After an error of the moment it is asked once more. */
  tryAgain(): void {
    this.#failed = false;
  }

  /** The rows that were lost are named in the ledger by now: the index begins anew. */
  startAnew(): void {
    this.#close();
    voidIndex(this.paths);
    this.#watermarkSeq = 0;
    this.#failed = false;
  }

  /**
   * Brings the index up to `upToBytes` where it lags by more than `lagRows`. No error of it fails what was committed: it is
   * only a projection.
   * @param upToBytes where the rows end that this process knows to be committed: behind them others may be at work
   */
  async keepUp(lastSeq: number, upToBytes: number, lagRows: number): Promise<void> {
    if (lastSeq - this.#watermarkSeq <= lagRows || this.#failed) return;
    try {
      await this.#catchUp(lastSeq, upToBytes);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** The same beside the appends, in a thread, for a writer that stays. `upToBytes`: where its committed rows end. */
  keepUpAside(lastSeq: number, upToBytes: number): void {
    if (lastSeq - this.#watermarkSeq <= ASIDE_LAG_ROWS || this.#failed) return;
    this.#aside ??= new IndexAside(this.paths, (error) => this.#fault(error));
    if (this.#aside.isBusy) return;
    this.#watermarkSeq = lastSeq;
    void this.#aside.bringUp(upToBytes);
  }

  /** Brings the index up to the writer's last row, and waits for it. */
  async bringUp(lastSeq: number, upToBytes: number): Promise<void> {
    if (this.#aside === undefined) await this.keepUp(lastSeq, upToBytes, 0);
    else await this.#aside.bringUpAfter(upToBytes);
  }

  /** The writer is done: the index is brought up to its last row. */
  async finish(lastSeq: number, upToBytes: number, lagRows: number): Promise<void> {
    const aside = this.#aside;
    // Its thread ends here: who closes twice does not ask it again.
    this.#aside = undefined;
    if (aside === undefined) await this.keepUp(lastSeq, upToBytes, lagRows);
    else await aside.finish(upToBytes);
    this.#close();
  }

  close(): void {
    this.#close();
  }

  async #catchUp(lastSeq: number, upToBytes: number): Promise<void> {
    this.#close();
    const index = openIndex(this.paths, 'write');
    if (index === undefined) {
      if (lastSeq <= MAX_REBUILT_ROWS) this.#watermarkSeq = (await rebuildIndex(this.paths, { upToBytes })).seq;
      else this.#watermarkSeq = lastSeq;
      return;
    }
    const fd = openFile(this.paths.ledger, 'read');
    try {
      const done = catchUp(index, fd, upToBytes, { ifFree: true, maxRows: MAX_REBUILT_ROWS });
      if (done.kind === 'disagrees') this.#leave(index, fd, done.why);
      this.#watermarkSeq = 'seq' in done ? done.seq : lastSeq;
    } finally {
      closeQuietly(fd);
      index.close();
    }
  }

  /** The index, where it agrees with the file, and how far it reaches. */
  #agreeing(fd: number): { readonly index: LedgerIndex; readonly offset: number } | undefined {
    const index = this.#open();
    if (index === undefined) return undefined;
    const standing = standingOf(index, fd);
    if (standing.kind === 'disagrees') this.#leave(index, fd, standing.why);
    if (standing.kind !== 'agrees') return undefined;
    const { watermark } = standing;
    return { index, offset: watermark.segment === 'audit.jsonl' ? watermark.offset : 0 };
  }

  /** An index that is not of this file is evidence: neither used nor made anew, unless the file itself names the loss. */
  #leave(index: LedgerIndex, fd: number, why: string): void {
    if (!index.isInPlace) this.#close();
    else if (isLossNamed(index, fd)) this.startAnew();
    else this.#fault(indexOfOtherFile(this.paths.index, why));
  }

  #open(busyMs?: number): LedgerIndex | undefined {
    if (!this.#failed) this.#index ??= openSettledIndex(this.paths, busyMs);
    return this.#index;
  }

  #close(): void {
    this.#index?.close();
    this.#index = undefined;
  }

  #orNothing<T>(use: () => T | undefined): T | undefined {
    try {
      return use();
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  #giveUp(error: unknown): void {
    if (error instanceof LedgerError && error.code === 'INVARIANT') throw error;
    this.#fault(asIndexError(this.paths, error));
  }

  #fault(error: LedgerError): void {
    this.#close();
    // Busy is busy for a moment, perhaps with a thread of our own.
    if (error.code === 'INDEX_BUSY') return;
    if (!this.#failed) this.onFault(error);
    this.#failed = true;
  }
}

/** Whatever goes wrong with the index is the index's fault: a symlink, a full disk, no descriptors left. */
function asIndexError(paths: StatePaths, error: unknown): LedgerError {
  return error instanceof LedgerError ? error : indexFailed(paths.index, String(error), error);
}

/** Only sweep reads all of them; an append that took what is not found for new would begin a stream again. */
function noIndexOfSegments({ segments, index }: StatePaths): LedgerError {
  return new LedgerError('INDEX_FAILED', `expected an index of the closed segments in ${segments}, found none`, {
    place: { segment: index },
    hint: 'run "ledger sweep": it makes the index, and chains what waits',
  });
}
