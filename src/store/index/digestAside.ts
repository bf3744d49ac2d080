/** The fingerprint of the index, summed up beside the reading of the file: at once where it is small, else in a thread. */
import { LedgerError } from '../../core/errors';
import type { IndexDigest } from '../../core/indexDigest';
import { startWorker } from '../machine/workers';
import type { StatePaths } from '../paths';
import type { DigestAnswer, DigestTask } from './digestWorker';
import { digestOf } from './indexCompare';
import type { LedgerIndex } from './indexFile';

/** Fewer are summed up in less time than a thread takes to start. */
const THREAD_FROM_ROWS = 100_000;

export interface DigestAside {
  /** The rows that it sums up: those that were in the index when it was opened. */
  readonly upToSeq: number;
  /** @throws LedgerError INDEX_FAILED, INDEX_BUSY */
  digest(): Promise<IndexDigest>;
}

/** @throws LedgerError INDEX_FAILED, INDEX_BUSY where it is small */
export function digestAside(paths: StatePaths, index: LedgerIndex, threadFromRows = THREAD_FROM_ROWS): DigestAside {
  const upToSeq = index.watermark().seq;
  if (upToSeq < threadFromRows) {
    const digest = digestOf(index, upToSeq);
    return { upToSeq, digest: () => Promise.resolve(digest) };
  }
  const pending = inThread({ paths, upToSeq });
  // Heard of where it is asked for.
  pending.catch(() => undefined);
  return { upToSeq, digest: () => pending };
}

function inThread(task: DigestTask): Promise<IndexDigest> {
  const worker = startWorker('index/digestWorker', task);
  return new Promise((resolve, reject) => {
    worker.once('message', (answer: DigestAnswer) => {
      if (answer.kind === 'digest') resolve(answer.digest);
      else reject(new LedgerError(answer.code, answer.message, { place: { segment: task.paths.index } }));
    });
    worker.once('error', reject);
  });
}
