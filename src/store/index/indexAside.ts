/** The index, kept up by a thread of its own while a long append goes on. One order at a time; the newest one counts. */
import type { Worker } from 'node:worker_threads';
import type { LedgerError } from '../../core/errors';
import { indexFailed, indexOfOtherFile } from './indexErrors';
import type { IndexOrder, IndexReport } from './indexWorker';
import type { StatePaths } from '../paths';
import { startWorker } from '../machine/workers';

/** An index must never hold up the end of an append: what is missing by then, the next one or a sweep brings. */
const FINISH_MS = 30_000;

/** In MB. Rows go through one by one; without a limit the thread's garbage grows to as much as the writer's. */
const HEAP = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 8 };

export class IndexAside {
  readonly #worker: Worker;
  #busy: Promise<IndexReport> | undefined;

  /** @param onFault hears why the index could not be kept up */
  constructor(
    private readonly paths: StatePaths,
    private readonly onFault: (error: LedgerError) => void,
  ) {
    this.#worker = startWorker('index/indexWorker', undefined, HEAP);
    // The thread alone keeps no process alive.
    this.#worker.unref();
  }

  get isBusy(): boolean {
    return this.#busy !== undefined;
  }

  /** Orders the index to be brought up to `upToBytes`; resolves when it has answered. */
  bringUp(upToBytes: number, last = false): Promise<IndexReport> {
    const answer = new Promise<IndexReport>((resolve) => {
      const settle = (report: IndexReport): void => {
        // By name: the worker's own listeners carry its messages.
        for (const event of ['message', 'error', 'exit']) this.#worker.removeAllListeners(event);
        this.#busy = undefined;
        if (report.kind === 'behind') this.onFault(indexFailed(this.paths.index, report.why));
        if (report.kind === 'disagrees') this.onFault(indexOfOtherFile(this.paths.index, report.why));
        resolve(report);
      };
      this.#worker.on('message', settle);
      this.#worker.on('error', (error) => settle({ kind: 'behind', why: String(error) }));
      this.#worker.on('exit', () => settle({ kind: 'behind', why: 'its thread ended' }));
    });
    this.#busy = answer;
    const order: IndexOrder = { paths: this.paths, upToBytes, last };
    this.#worker.postMessage(order);
    return answer;
  }

  /** Waits for the order under way, gives a last one, and ends the thread. */
  async finish(upToBytes: number): Promise<void> {
    this.#worker.ref();
    const limit = new Promise((resolve) => setTimeout(resolve, FINISH_MS).unref());
    await Promise.race([this.bringUpAfter(upToBytes, true), limit]);
    await this.#worker.terminate();
  }

  /** Waits for the order under way, and for one more. */
  async bringUpAfter(upToBytes: number, last = false): Promise<void> {
    await this.#busy;
    await this.bringUp(upToBytes, last);
  }
}
