/**
 * What a writer does with the index: asks it about old rows, learns from it that rows were lost, and keeps it close
 * behind the file. The index is never needed: where it is missing, busy or damaged, the file itself answers, slower.
 *
 * An index that lags by some rows is not caught up under the lock: the bytes it lacks are searched backwards, the rest
 * it knows.
 */
import { LedgerError } from '../core/errors';
import { closeQuietly, openFile } from './files';
import { openIndex } from './index';
import type { LedgerIndex } from './index';
import { rebuildIndex, voidIndex } from './indexBuild';
import { catchUp } from './indexCatchUp';
import { indexFailed } from './indexErrors';
import { readIndexHeader } from './indexHeader';
import { indexAsOlderRows, standingOf } from './indexRead';
import type { LostRows } from './lostRows';
import type { StatePaths } from './paths';
import { fileAsOlderRows } from './places';
import type { OlderRows } from './places';

/** A process that writes one row leaves the index alone until it lags so far; a process that stays, at its end. */
export const LAG_ROWS = 1_500;
/** What is more is left to `sweep`: no append should work for seconds after its receipt. */
const MAX_REBUILT_ROWS = 50_000;

export class IndexKeeper {
  #index: LedgerIndex | undefined;
  #watermarkSeq = 0;
  #failed = false;

  /** @param onFault hears of an index that cannot be used, once */
  constructor(
    private readonly paths: StatePaths,
    private readonly onFault: (error: LedgerError) => void,
  ) {}

  /** What answers for the rows before the tail. `fd`: the ledger, under the lock. */
  olderRows(fd: number): OlderRows {
    const file = fileAsOlderRows(fd);
    return {
      find: (kind, value, beforeOffset) => {
        const known = this.#orNothing(() => this.#agreeing(fd));
        if (known === undefined) return file.find(kind, value, beforeOffset);
        const lagging = file.find(kind, value, beforeOffset, known.offset);
        if (lagging !== undefined) return lagging;
        try {
          return indexAsOlderRows(this.paths, fd, known.index).find(kind, value, beforeOffset);
        } catch (error) {
          this.#giveUp(error);
          return file.find(kind, value, beforeOffset);
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
      if (this.#index === undefined) {
        const header = readIndexHeader(this.paths);
        this.#watermarkSeq = header?.watermarkSeq ?? 0;
        if (header === undefined || (header.settled && header.watermarkSeq <= lastSeq)) return undefined;
      }
      const index = this.#open();
      if (index === undefined || index.watermark().seq <= lastSeq) return undefined;
      const standing = standingOf(index, fd);
      if (standing.kind !== 'ahead') return undefined;
      const { fromSeq, toSeq, head } = standing;
      return { fromSeq: Math.max(fromSeq, lastSeq + 1), toSeq, head };
    });
  }

  /** The rows that were lost are named in the ledger by now: the index begins anew. */
  startAnew(): void {
    this.#close();
    voidIndex(this.paths);
    this.#watermarkSeq = 0;
    this.#failed = false;
  }

  /** Brings the index up to the file where it lags by more than `lagRows`. No error of it fails what was committed: it is only a projection. */
  async keepUp(lastSeq: number, lagRows: number): Promise<void> {
    if (lastSeq - this.#watermarkSeq <= lagRows || this.#failed) return;
    try {
      await this.#catchUp(lastSeq);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  close(): void {
    this.#close();
  }

  async #catchUp(lastSeq: number): Promise<void> {
    this.#close();
    const index = openIndex(this.paths, 'write');
    if (index === undefined) {
      if (lastSeq <= MAX_REBUILT_ROWS) this.#watermarkSeq = (await rebuildIndex(this.paths)).seq;
      else this.#watermarkSeq = lastSeq;
      return;
    }
    const fd = openFile(this.paths.ledger, 'read');
    try {
      const done = catchUp(index, fd, Number.MAX_SAFE_INTEGER, { ifFree: true, maxRows: MAX_REBUILT_ROWS });
      if (done.kind === 'disagrees') voidIndex(this.paths);
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
    if (standing.kind !== 'agrees') return undefined;
    const { watermark } = standing;
    return { index, offset: watermark.segment === 'audit.jsonl' ? watermark.offset : 0 };
  }

  #open(): LedgerIndex | undefined {
    if (!this.#failed) this.#index ??= openIndex(this.paths, 'read');
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
    if (!this.#failed) this.onFault(error);
    this.#failed = true;
  }
}

/** Whatever goes wrong with the index is the index's fault: a symlink, a full disk, no descriptors left. */
function asIndexError(paths: StatePaths, error: unknown): LedgerError {
  return error instanceof LedgerError ? error : indexFailed(paths.index, String(error), error);
}
