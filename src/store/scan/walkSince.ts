/**
 * A walk along the rows behind the one that a signed tree ends in: it costs what they cost. How streams stand there the
 * index says, row by row read from the file. Where anything on the way is not as it should be there is no such walk, and
 * whoever asks reads all of the ledger: it has the last word, and the right places.
 */
import { LedgerError } from '../../core/errors';
import type { Row } from '../../core/members';
import type { Identity } from '../../core/ownRows';
import type { KeyTrust } from '../../core/signing/trustWalk';
import { DECISION_CLOSERS, RUN_CLOSERS } from '../../core/streams';
import type { StreamState } from '../../core/streams';
import type { TreeHead } from '../../core/note/checkpoint';
import { leafHash } from '../../core/tree/merkle';
import { GrowingTree } from '../../core/tree/storedTree';
import type { TreeWalk } from '../../core/tree/treeWalk';
import { withFile } from '../files';
import { guarded } from '../index/indexErrors';
import type { LedgerIndex } from '../index/indexFile';
import { openIndex } from '../index/indexOpen';
import { lastRowOfStream, readPlace, rowOfKey, standingOf } from '../index/indexRead';
import { LIVE_NAME } from '../index/indexSchema';
import type { StatePaths } from '../paths';
import type { TreeReader } from '../tree/treeReader';
import { walkLedger } from './walkLedger';
import type { LedgerWalkOptions, Walked } from './walkLedger';

export interface SinceOptions extends Omit<LedgerWalkOptions, 'after' | 'newTree' | 'openIndexCheck'> {
  /** What was signed. */
  readonly signed: TreeHead;
  /** Every hash that it gives leads to the root that was signed. */
  readonly tree: TreeReader;
  readonly identity: Identity;
  /** As it is behind those rows. */
  readonly keyTrust: KeyTrust;
  readonly newTree: (from: GrowingTree) => TreeWalk;
  /** Idempotency keys of rows that would need a look at what is before: where one is there, all is read. */
  readonly unusedKeys?: readonly string[];
  /** Whoever answers for all rows must name those that are missing, and reads all where some are. */
  readonly withoutGaps?: boolean;
}

export interface WalkedSince extends Walked {
  /** The row that the walk began behind. */
  readonly fromSeq: number;
}

/** @returns undefined where all of the ledger must be read */
export async function walkSince(options: SinceOptions): Promise<WalkedSince | undefined> {
  const index = openIndexOrNot(options.paths);
  if (index === undefined) return undefined;
  // One view of it, while a writer may be catching up.
  guarded(index.path, () => index.database.exec('BEGIN'));
  try {
    const after = startOf(index, options);
    if (after === undefined) return undefined;
    const { tree, newTree } = options;
    const fromSeq = after.start.row.seq;
    const walked = await walkLedger({
      ...options,
      after,
      newTree: () => newTree(new GrowingTree(fromSeq, tree.read)),
      // It is asked here about single rows; to compare it is to read all of it.
      openIndexCheck: undefined,
    });
    return walked.walk.findings.total === 0 ? { ...walked, fromSeq } : undefined;
  } catch (error) {
    if (error instanceof LedgerError && PASSED_OVER.has(error.code)) return undefined;
    throw error;
  } finally {
    guarded(index.path, () => index.database.exec('COMMIT'));
    index.close();
  }
}

const PASSED_OVER: ReadonlySet<string> = new Set(['INDEX_FAILED', 'INDEX_BUSY', 'UNSAFE_PATH', 'READ_FAILED']);

function openIndexOrNot(paths: StatePaths): LedgerIndex | undefined {
  try {
    return openIndex(paths, 'read');
  } catch (error) {
    if (error instanceof LedgerError && PASSED_OVER.has(error.code)) return undefined;
    throw error;
  }
}

/** The index may lag behind the tree: then the rows in between are read again. */
function startOf(
  index: LedgerIndex,
  { paths, signed, tree, identity, keyTrust, withoutGaps = false, unusedKeys = [] }: SinceOptions,
): LedgerWalkOptions['after'] {
  return withFile(paths.ledger, 'read', (fd) => {
    const standing = standingOf(index, fd);
    if (standing.kind !== 'agrees' || standing.watermark.segment !== LIVE_NAME) return undefined;
    if (withoutGaps && index.hasGaps()) return undefined;
    if (unusedKeys.some((key) => rowOfKey(paths, fd, index, key) !== undefined)) return undefined;
    const seq = Math.min(signed.size, standing.watermark.rowSeq);
    const place = index.row(seq);
    if (place?.segment !== LIVE_NAME) return undefined;
    const row = readPlace(paths, fd, place)?.row;
    if (row?.seq !== seq || !tree.leafAt(seq - 1).equals(leafHash(Buffer.from(row.hash, 'hex')))) return undefined;
    const lookUp = (kind: 'run' | 'decision', closers: readonly string[]) => (id: string) =>
      withFile(paths.ledger, 'read', (own) => {
        const last = lastRowOfStream(paths, own, index, { kind, id, beforeSeq: seq + 1 });
        return last && stateOf(last, kind, closers);
      });
    const isUsed = (key: string): boolean =>
      withFile(paths.ledger, 'read', (own) => {
        const used = rowOfKey(paths, own, index, key);
        return used !== undefined && used.seq <= seq;
      });
    const [runs, decisions] = [lookUp('run', RUN_CLOSERS), lookUp('decision', DECISION_CLOSERS)];
    return {
      offset: place.offset + place.bytes + 1,
      line: seq + 1,
      start: { row, identity, runs, decisions, keyTrust, isUsed },
    };
  });
}

function stateOf(row: Row, kind: 'run' | 'decision', closers: readonly string[]): StreamState {
  return { seq: Number(row[`${kind}_seq`]), hash: row.hash, closed: closers.includes(row.action) };
}
