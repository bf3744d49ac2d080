/** The thread that keeps an index up, for tests that end it. */
import type { Worker } from 'node:worker_threads';

/** In MB, as indexAside.ts asks for it: no other thread has this limit, the one that loads TypeScript for instance. */
const HEAP_LIMIT = 96;

/** Resolves with the next one that is started; called before. */
export function nextIndexThread(): Promise<Worker> {
  return new Promise((resolve) => {
    const look = (started: Worker): void => {
      if (started.resourceLimits?.maxOldGenerationSizeMb !== HEAP_LIMIT) return;
      process.off('worker', look);
      resolve(started);
    };
    process.on('worker', look);
  });
}
