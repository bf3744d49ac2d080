/**
 * The thread of a scan (`scanPool.ts`): takes the next chunk, reads it, checks it, posts what it found, until none is left.
 * It keeps a bounded distance to the reader of its results, so memory does not grow when that one is slower.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { checkChunk } from '../../core/chunk';
import { scanForm } from '../../core/chunkForm';
import { chunkBuffer, chunkCount, readChunk } from './chunks';
import type { ChunkResult, ScanTask } from './scanPool';

const MAX_AHEAD = 4;

function run(task: ScanTask): void {
  const { fd, region } = task;
  const progress = new Int32Array(task.progress);
  const chunks = chunkCount(region);
  const buffer = chunkBuffer(region);
  for (;;) {
    const index = Atomics.add(progress, 0, 1);
    if (index >= chunks) return;
    for (let taken = Atomics.load(progress, 1); index - taken > MAX_AHEAD; taken = Atomics.load(progress, 1)) {
      if (taken < 0) return;
      Atomics.wait(progress, 1, taken, 1000);
    }
    post(resultOf(task, index, buffer, readChunk(fd, region, index, buffer)));
  }
}

/** Leaves are handed over: what a copy leaves behind stays in memory until it is collected. */
function post(result: ChunkResult): void {
  const leaves = result.kind === 'regular' ? result.summary.leaves : undefined;
  parentPort?.postMessage(result, leaves === undefined ? [] : [leaves.buffer]);
}

function resultOf(task: ScanTask, index: number, buffer: Buffer, chunk: ReturnType<typeof readChunk>): ChunkResult {
  if (chunk === undefined) return { index, kind: 'unreadable' };
  const { start, end, offset } = chunk;
  if (start === end) return { index, kind: 'empty' };
  const { digestUpTo: upTo, mode, toSign, hasTree, timesOf } = task;
  if (mode === 'form') {
    const wanted = upTo === undefined ? undefined : { upTo, offset };
    return { index, kind: 'form', offset, ...scanForm(buffer, start, end, wanted) };
  }
  const digest = upTo === undefined ? undefined : { upToSeq: upTo.seq, offset };
  const summary = checkChunk(buffer, start, end, { strict: mode === 'strict', digest, toSign, hasTree, timesOf });
  return summary === undefined ? { index, kind: 'irregular' } : { index, kind: 'regular', offset, summary };
}

run(workerData as ScanTask);
