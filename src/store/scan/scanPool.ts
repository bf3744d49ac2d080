/**
 * A region of a file, scanned by several threads; results come back in file order. Threads share the descriptor (it is the
 * process's), so all read one and the same file, whatever happens to its name meanwhile.
 */
import type { Worker } from 'node:worker_threads';
import type { ChunkForm, DigestEnd } from '../../core/chunkForm';
import type { ChunkSummary } from '../../core/chunk';
import { chunkCount } from './chunks';
import type { Region } from './chunks';
import { startWorker } from '../machine/workers';

/** 6,000 rows: long enough that the way between threads costs nothing, short enough for 2 × 5 MB of memory. */
export const CHUNK_BYTES = 4 << 20;

/** Room for one chunk's summary at a time: with V8's own limits a million streams take 50 MB more. */
const HEAP = { maxYoungGenerationSizeMb: 8 };

/** `check`: is every line a row in good order; `strict`: and spelled as the writer would; `form`: is it JSON at all. */
export type ScanMode = 'check' | 'strict' | 'form';

export interface ScanTask {
  readonly fd: number;
  readonly region: Region;
  readonly mode: ScanMode;
  /** Sum up the index's fingerprint of these rows; the byte counts for `form` alone. */
  readonly digestUpTo?: DigestEnd | undefined;
  /** Actions whose rows must be signed. */
  readonly toSign?: readonly string[] | undefined;
  /** Hash the rows as leaves of the tree, too. */
  readonly hasTree?: boolean | undefined;
  /** Tell when these rows were appended: their seqs, in ascending order. */
  readonly timesOf?: readonly number[] | undefined;
  /** Two counters: the next chunk to take, and the chunks whose results were used (-1: stop). */
  readonly progress: SharedArrayBuffer;
}

export type ChunkResult =
  /** No line begins in this chunk. */
  | { readonly index: number; readonly kind: 'empty' }
  /** A line too long to be a row. */
  | { readonly index: number; readonly kind: 'unreadable' }
  | { readonly index: number; readonly kind: 'irregular' }
  | { readonly index: number; readonly kind: 'regular'; readonly offset: number; readonly summary: ChunkSummary }
  | ({ readonly index: number; readonly kind: 'form'; readonly offset: number } & ChunkForm);

export interface ScanOptions {
  readonly fd: number;
  readonly region: Region;
  readonly mode: ScanMode;
  /** Sum up the index's fingerprint of these rows; the byte counts for `form` alone. */
  readonly digestUpTo?: DigestEnd | undefined;
  /** Actions whose rows must be signed. */
  readonly toSign?: readonly string[] | undefined;
  /** Hash the rows as leaves of the tree, too. */
  readonly hasTree?: boolean | undefined;
  /** Tell when these rows were appended: their seqs, in ascending order. */
  readonly timesOf?: readonly number[] | undefined;
  readonly workers: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Scans a region and hands every chunk's result to `onResult`, in order.
 * @throws what a worker or `onResult` threw; the signal's reason when it aborts
 */
export async function scanRegion(options: ScanOptions, onResult: (result: ChunkResult) => void): Promise<void> {
  const chunks = chunkCount(options.region);
  const shared = new SharedArrayBuffer(8);
  const progress = new Int32Array(shared);
  const { fd, region, mode, digestUpTo, toSign, hasTree, timesOf } = options;
  const task: ScanTask = { fd, region, mode, digestUpTo, toSign, hasTree, timesOf, progress: shared };
  const threads = Array.from({ length: Math.min(options.workers, chunks) }, () =>
    startWorker('scan/scanWorker', task, HEAP),
  );
  const waiting = new Map<number, ChunkResult>();
  let next = 0;
  const take = (result: ChunkResult): void => {
    waiting.set(result.index, result);
    for (let ready = waiting.get(next); ready !== undefined; ready = waiting.get(next)) {
      options.signal?.throwIfAborted();
      waiting.delete(next++);
      onResult(ready);
      Atomics.store(progress, 1, next);
      Atomics.notify(progress, 1);
    }
  };
  try {
    await Promise.all(threads.map((thread) => finished(thread, take)));
  } finally {
    Atomics.store(progress, 0, chunks);
    Atomics.store(progress, 1, -1);
    Atomics.notify(progress, 1);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

function finished(thread: Worker, take: (result: ChunkResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.on('message', (result: ChunkResult) => {
      try {
        take(result);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    thread.once('error', reject);
    thread.once('exit', () => resolve());
  });
}
