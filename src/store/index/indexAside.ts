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
  #answer: ((report: IndexReport) => void) | undefined;
  /** Set once the thread is gone, killed by its heap's limit for instance: nobody answers any more. */
  #ended: IndexReport | undefined;

  /** @param onFault hears why the index could not be kept up */
  constructor(
    private readonly paths: StatePaths,
    private readonly onFault: (error: LedgerError) => void,
  ) {
    this.#worker = startWorker('index/indexWorker', undefined, HEAP);
    this.#worker.on('message', (report: IndexReport) => this.#answer?.(report));
    this.#worker.on('error', (error) => this.#end(String(error)));
    this.#worker.on('exit', () => this.#end('its thread ended'));
    // The thread alone keeps no process alive.
    this.#worker.unref();
  }

  get isBusy(): boolean {
    return this.#busy !== undefined;
  }

  /** Orders the index to be brought up to `upToBytes`; resolves when it has answered. */
  bringUp(upToBytes: number, last = false): Promise<IndexReport> {
    if (this.#ended !== undefined) {
      this.#tell(this.#ended);
      return Promise.resolve(this.#ended);
    }
    this.#busy = new Promise<IndexReport>((resolve) => {
      this.#answer = (report) => {
        this.#answer = undefined;
        this.#busy = undefined;
        this.#tell(report);
        resolve(report);
      };
    });
    const order: IndexOrder = { paths: this.paths, upToBytes, last };
    this.#worker.postMessage(order);
    return this.#busy;
  }

  /** Waits for the order under way, gives a last one, and ends the thread. */
  async finish(upToBytes: number): Promise<void> {
    // It keeps the process alive: a thread that is gone would not, and whoever waits here would never go on.
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => (timer = setTimeout(resolve, FINISH_MS)));
    await Promise.race([this.bringUpAfter(upToBytes, true), limit]);
    clearTimeout(timer);
    await this.#worker.terminate();
  }

  /** Waits for the order under way, and for one more. */
  async bringUpAfter(upToBytes: number, last = false): Promise<void> {
    // Somebody waits.
    this.#worker.ref();
    await this.#busy;
    await this.bringUp(upToBytes, last);
    this.#worker.unref();
  }

  #end(why: string): void {
    this.#ended ??= { kind: 'behind', why };
    this.#answer?.(this.#ended);
  }

  #tell(report: IndexReport): void {
    if (report.kind === 'behind') this.onFault(indexFailed(this.paths.index, report.why));
    if (report.kind === 'disagrees') this.onFault(indexOfOtherFile(this.paths.index, report.why));
  }
}
