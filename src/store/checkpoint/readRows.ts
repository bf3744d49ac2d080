/**
 * The rows that are about to be signed, read and checked in full: those behind the last signed tree, where that tree is
 * stored and leads to the root that was signed; else all of them. The stored tree is on disk up to the last row after this.
 */
import { LedgerError } from '../../core/errors';
import type { TreeHead } from '../../core/note/checkpoint';
import type { ReadSoFar } from '../../core/progress';
import { KeyTrust } from '../../core/signing/trustWalk';
import type { GrowingTree } from '../../core/tree/storedTree';
import { TreeWalk } from '../../core/tree/treeWalk';
import { endWalk } from '../../core/walk';
import type { Walk } from '../../core/walkState';
import type { LedgerFile } from '../ledger/ledger';
import type { LocatedLedger } from '../ledger/locate';
import { checkGaps } from '../scan/gapCheck';
import { nameSuspects } from '../scan/suspects';
import { walkLedger } from '../scan/walkLedger';
import type { LedgerWalkOptions } from '../scan/walkLedger';
import { walkSince } from '../scan/walkSince';
import type { StatePaths } from '../paths';
import { openSignedTree } from '../tree/treeReader';
import { TreeWriter } from '../tree/treeWriter';

export interface RowsToSign {
  readonly located: LocatedLedger;
  readonly file: LedgerFile;
  /** The end of the rows that are on disk. */
  readonly toBytes: number;
  /** The last tree head that was signed. */
  readonly signed: TreeHead | undefined;
  /** Sizes whose roots somebody knows. */
  readonly sizes: readonly number[];
  /** Read all rows, whatever is stored. */
  readonly full: boolean;
  readonly onProgress: ((done: ReadSoFar) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface RowsRead {
  readonly walk: Walk;
  readonly tree: TreeWalk;
  readonly read: 'new' | 'all';
  readonly rowsRead: number;
}

/** @throws LedgerError LEDGER_BROKEN where a row is not what its writer wrote, or nobody can tell which rows there were */
export async function readRowsToSign(wish: RowsToSign): Promise<RowsRead> {
  const since = wish.full ? undefined : await readNew(wish);
  return since ?? (await readAll(wish));
}

async function readNew({ signed, ...wish }: RowsToSign): Promise<RowsRead | undefined> {
  const { located, file, toBytes, sizes, onProgress, signal } = wish;
  const { paths, config } = located;
  // The root of fewer rows than were signed last only the rows themselves can give.
  if (signed === undefined || sizes.some((wanted) => wanted < signed.size)) return undefined;
  const stored = openSignedTree(paths, signed);
  if (stored === undefined) return undefined;
  try {
    const { size, root } = signed;
    const signers = { keys: config.keys, required: config.requireSignature };
    const known = { signed, tree: stored, identity: file.identity, keyTrust: new KeyTrust(config.keys) };
    return await withWriter(paths, async (beginAt) => {
      const newTree = (from: GrowingTree): TreeWalk => new TreeWalk({ from, sizes, onStored: beginAt(from.size) });
      const walked = await walkSince({ paths, signers, toBytes, onProgress, signal, ...known, newTree });
      // Where the index lags, rows of the signed tree are read again.
      if (walked === undefined || walked.walk.tree?.rootAt(size)?.equals(root) !== true) return undefined;
      return finished(walked.walk, 'new', walked.walk.rows - walked.fromSeq);
    });
  } finally {
    stored.close();
  }
}

async function readAll(wish: Omit<RowsToSign, 'signed'>): Promise<RowsRead> {
  const { located, toBytes, sizes, onProgress, signal } = wish;
  const { paths, config } = located;
  const signers = { keys: config.keys, required: config.requireSignature };
  return withWriter(paths, async (beginAt) => {
    const newTree = (): TreeWalk => new TreeWalk({ sizes, onStored: beginAt(0) });
    const options: LedgerWalkOptions = { paths, signers, toBytes, newTree, onProgress, signal };
    const { walk, segments } = await walkLedger(options);
    endWalk(walk);
    await nameSuspects(walk, segments);
    checkGaps(paths, walk);
    return finished(walk, 'all', walk.rows);
  });
}

type BeginAt = (size: number) => (hashes: Buffer) => void;

/** What was read anew is written anew: a walk that is begun again begins its writing again. */
async function withWriter<T>(paths: StatePaths, use: (beginAt: BeginAt) => Promise<T>): Promise<T> {
  const writers: TreeWriter[] = [];
  try {
    const done = await use((size) => {
      const writer = new TreeWriter(paths, size);
      writers.push(writer);
      return (hashes) => writer.add(hashes);
    });
    writers.at(-1)?.finish();
    return done;
  } finally {
    for (const writer of writers) writer.close();
  }
}

function finished(walk: Walk, read: RowsRead['read'], rowsRead: number): RowsRead {
  const { tree, findings } = walk;
  const verdict = findings.verdict();
  const [first] = findings.kept.filter(
    ({ code }) => code !== 'TIME_SUSPECT' && code !== 'ROW_AFTER_CLOSE' && code !== 'GAP',
  );
  if (verdict === 'broken' && first !== undefined) {
    throw new LedgerError(
      'LEDGER_BROKEN',
      `expected rows that are what their writers wrote, found ${first.code} at row ${first.seq ?? '?'}`,
      {
        ...(first.place === null ? {} : { place: first.place }),
        hint: 'run "ledger verify": it says what is wrong; nothing is signed until a person has looked at it',
      },
    );
  }
  if (tree === undefined || tree.endedAt !== undefined) {
    const at = tree?.endedAt ?? 0;
    throw new LedgerError(
      'LEDGER_BROKEN',
      `expected one row after the other, found that after row ${at} several are missing`,
      {
        hint: 'a tree needs the hash of every row; what stands before the gap stays proved by the checkpoints before it',
      },
    );
  }
  return { walk, tree, read, rowsRead };
}
