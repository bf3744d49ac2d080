/**
 * One walk along a whole ledger: the segments in order; the live one in parallel, its tail read again where it looks
 * unfinished, or up to a byte that is known to be on disk. Begun anew where a heal replaces the file under the reader.
 */
import { availableParallelism } from 'node:os';
import type { ReadSoFar } from '../../core/progress';
import type { Signers } from '../../core/signing/signatureWalk';
import type { TreeWalk } from '../../core/tree/treeWalk';
import { newWalk } from '../../core/walkState';
import type { Walk, WalkOptions as WalkBegun, WalkStart } from '../../core/walkState';
import { closeQuietly, openFile, readAt, statOf, statOpen } from '../files';
import type { IndexCheck } from '../index/indexCheck';
import { listSegments } from '../ledger/segments';
import type { Segment } from '../ledger/segments';
import type { StatePaths } from '../paths';
import { settleTail, tailStart } from './settle';
import { checkOf, walkBytes, walkClosed, walkLive } from './walkFile';
import type { LineStart, WalkOptions } from './walkFile';

/** How often a file that is replaced under the reader is begun anew. */
const MAX_RESTARTS = 3;
const TAIL_WAIT_MS = 1000;

/** Reads the index, never writes it; undefined where there is none. */
export type OpenIndexCheck = (paths: StatePaths) => IndexCheck | undefined;

export interface LedgerWalkOptions {
  readonly paths: StatePaths;
  /** Every line must be exactly what the writer would have written. */
  readonly strict?: boolean | undefined;
  readonly watched?: WalkBegun['watched'];
  /** Whose signatures count, and which rows must have one; default: signatures are counted, not checked. */
  readonly signers?: Signers | undefined;
  /** A tree to grow with the rows: a new one for each reading. */
  readonly newTree?: (() => TreeWalk) | undefined;
  /** Compares the index too. */
  readonly openIndexCheck?: OpenIndexCheck | undefined;
  /** Begin behind a row of the live file, and not with the first one. */
  readonly after?: (LineStart & { readonly start: WalkStart }) | undefined;
  /** Read the live file up to here, the end of a line that is on disk; default: to its end, with patience. */
  readonly toBytes?: number | undefined;
  /** Threads; default two where there are two processors. */
  readonly workers?: number | undefined;
  /** How long a tail that looks unfinished is looked at; default 1 s. */
  readonly tailWaitMs?: number | undefined;
  readonly onProgress?: ((done: ReadSoFar) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Walked {
  readonly walk: Walk;
  readonly segments: readonly Segment[];
  readonly indexCheck: IndexCheck | undefined;
}

/** @throws the system's error where a file cannot be read, LedgerError UNSAFE_PATH or READ_FAILED; findings are in the walk */
export async function walkLedger(options: LedgerWalkOptions): Promise<Walked> {
  for (let restarts = 0; ; restarts++) {
    // The index must be of the very file that is read: a heal may replace it in between.
    const liveIno = statOf(options.paths.ledger)?.ino;
    const indexCheck = options.openIndexCheck?.(options.paths);
    const segments = listSegments(options.paths);
    const { watched, signers, newTree, after } = options;
    const walk = newWalk({ watched, signers, tree: newTree?.(), after: after?.start });
    const digestUpTo = indexCheck?.upToSeq;
    const mayRestart = restarts < MAX_RESTARTS;
    if (await walkSegments(walk, segments, { ...options, mayRestart, digestUpTo, liveIno }))
      return { walk, segments, indexCheck };
  }
}

/** One reading of the whole ledger. */
interface PassOptions extends LedgerWalkOptions {
  readonly mayRestart: boolean;
  readonly digestUpTo: number | undefined;
  /** The live file, as it was when the index was opened. */
  readonly liveIno: number | undefined;
}

/** False where the live segment was replaced under the reader, and it may begin anew. */
async function walkSegments(walk: Walk, segments: readonly Segment[], options: PassOptions): Promise<boolean> {
  const sizes = segments.map(({ path }) => statOf(path)?.size ?? 0);
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  let bytesBefore = 0;
  const walkOptions: WalkOptions = {
    strict: options.strict === true,
    workers: options.workers ?? Math.min(2, availableParallelism()),
    digestUpTo: options.digestUpTo,
    toSign: [...(options.signers?.required.keys() ?? [])],
    hasTree: walk.tree !== undefined,
    timesOf: walk.tree?.sizes,
    signal: options.signal,
    onProgress: ({ rows, bytes }) => options.onProgress?.({ rows, bytes: bytesBefore + bytes, totalBytes }),
  };
  for (const [i, segment] of segments.entries()) {
    if (segment.kind === 'live') return walkLiveSegment(walk, segment, options, walkOptions);
    if (options.after === undefined) await walkClosed(walk, segment, walkOptions);
    bytesBefore += sizes[i] ?? 0;
  }
  return true;
}

async function walkLiveSegment(
  walk: Walk,
  segment: Segment,
  options: PassOptions,
  walkOptions: WalkOptions,
): Promise<boolean> {
  const fd = openFile(segment.path, 'read');
  try {
    const { ino, size } = statOpen(fd);
    if (ino !== options.liveIno && options.mayRestart) return false;
    const { toBytes, after: from } = options;
    const to = toBytes ?? Math.max(tailStart(fd, size), from?.offset ?? 0);
    const cursor = await walkLive(walk, { segment, fd, to, from }, walkOptions);
    if (toBytes !== undefined) return true;
    const waitMs = options.tailWaitMs ?? TAIL_WAIT_MS;
    const check = checkOf(walkOptions, cursor.offset);
    const tail = await settleTail(segment.path, { ino, size, from: cursor.offset }, waitMs, check);
    if (tail.kind === 'replaced' && options.mayRestart) return false;
    if (tail.kind === 'tail') walkBytes(walk, tail.bytes, cursor, walkOptions, tail.summary);
    else walkBytes(walk, readRest(fd, cursor.offset), cursor, walkOptions);
    return true;
  } finally {
    closeQuietly(fd);
  }
}

function readRest(fd: number, from: number): Buffer {
  return readAt(fd, from, Math.max(0, statOpen(fd).size - from));
}
