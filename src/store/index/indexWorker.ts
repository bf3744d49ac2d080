/**
 * Worker thread of a long append: catches the index up while the writer goes on, builds a missing or unusable one, leaves
 * one that is evidence, and answers each message with one `IndexReport`. The index stays open from one message to the next as long as it is the file
 * at its path: a connection that is closed frees its 2 MB only when the engine collects garbage.
 *
 *   → {paths, upToBytes: 1048576}     ← {kind: 'caught-up', seq: 1600, offset: 1048001}
 *
 * What goes wrong here never reaches the writer's rows: the index is behind then, and the report says why.
 */
import { parentPort } from 'node:worker_threads';
import { LedgerError } from '../../core/errors';
import { withFile } from '../files';
import { openIndex } from './indexOpen';
import type { LedgerIndex } from './indexFile';
import { rebuildIndex } from './indexBuild';
import { catchUp } from './indexCatchUp';
import type { CaughtUp } from './indexCatchUp';
import { isLossNamed } from './indexLoss';
import type { StatePaths } from '../paths';

export interface IndexOrder {
  readonly paths: StatePaths;
  /** How far the writer's committed rows reach in the live file. */
  readonly upToBytes: number;
  /** Nothing comes after it. */
  readonly last?: boolean;
}

export type IndexReport =
  | { readonly kind: 'caught-up'; readonly seq: number; readonly offset: number }
  /** Rows were lost: the index is kept as it is, it is the evidence. */
  | { readonly kind: 'ahead' }
  /** It is not of this file: kept likewise. */
  | { readonly kind: 'disagrees'; readonly why: string }
  | { readonly kind: 'behind'; readonly why: string };

/** Streams have random keys: the pages of their index are met again and again. */
const CACHE = 'PRAGMA cache_size = -16384';

let kept: LedgerIndex | undefined;

/** Brings the index of a ledger up to `upToBytes`. */
export async function obey({ paths, upToBytes, last }: IndexOrder): Promise<IndexReport> {
  try {
    const done = caughtUp(paths, upToBytes);
    if (done === undefined || done.kind === 'superseded') return await rebuilt(paths, upToBytes);
    if (done.kind === 'disagrees') return { kind: 'disagrees', why: done.why };
    if (done.kind === 'ahead') return { kind: 'ahead' };
    if (done.kind === 'busy') return { kind: 'behind', why: 'another process is at work on it' };
    return { kind: 'caught-up', seq: done.seq, offset: done.offset };
  } catch (error) {
    letGo();
    if (error instanceof LedgerError && error.code === 'INDEX_FAILED') return rebuilt(paths, upToBytes);
    return { kind: 'behind', why: String(error) };
  } finally {
    if (last === true) letGo();
  }
}

function letGo(): void {
  kept?.close();
  kept = undefined;
}

/** `superseded`: what only the index told, the file tells by now. Undefined: there is none. */
function caughtUp(paths: StatePaths, upToBytes: number): CaughtUp | { readonly kind: 'superseded' } | undefined {
  if (kept?.path !== paths.index || !kept.isInPlace) letGo();
  if (kept === undefined) {
    kept = openIndex(paths, 'write');
    kept?.database.exec(CACHE);
  }
  const index = kept;
  if (index === undefined) return undefined;
  return withFile(paths.ledger, 'read', (fd) => {
    const done = catchUp(index, fd, upToBytes);
    return done.kind === 'disagrees' && isLossNamed(index, fd) ? { kind: 'superseded' } : done;
  });
}

async function rebuilt(paths: StatePaths, upToBytes: number): Promise<IndexReport> {
  try {
    const { seq, offset } = await rebuildIndex(paths, { upToBytes });
    return { kind: 'caught-up', seq, offset };
  } catch (error) {
    return { kind: 'behind', why: String(error) };
  }
}

/** One order after the other. */
function serve(port: NonNullable<typeof parentPort>): void {
  let busy: Promise<void> = Promise.resolve();
  port.on('message', (order: IndexOrder) => {
    busy = busy.then(async () => port.postMessage(await obey(order)));
  });
}

if (parentPort !== null) serve(parentPort);
