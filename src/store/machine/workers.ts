/** Starting a worker thread by its file in `src/store`. */
import type { ResourceLimits, Worker } from 'node:worker_threads';
import { partPath } from './parts';

/**
 * @param file relative to `src/store`, without its ending
 * @param limits of the thread's heap, in MB
 */
export function startWorker(file: string, workerData: unknown, limits: ResourceLimits = {}): Worker {
  const path = partPath(file);
  // A worker needs no more than its heap for one chunk; what it prints would only disturb.
  const options = { workerData, resourceLimits: { maxOldGenerationSizeMb: 512, ...limits } };
  // Loaded when it is needed: an append of one row needs no thread.
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  if (path.endsWith('.cjs')) return new Worker(path, options);
  // Node 20 does not hand tsx on to workers: from source they load it themselves.
  return new Worker(`require('tsx/cjs'); require(${JSON.stringify(path)})`, { ...options, eval: true });
}
