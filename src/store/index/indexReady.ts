/**
 * The index brought up to the file before many old rows are asked for: an import looks up a key for every line, and
 * without an index each would be searched for through the whole file.
 */
import { LedgerError } from '../../core/errors';
import { statOf, withFile } from '../files';
import { openIndex } from './indexOpen';
import { rebuildIndex } from './indexBuild';
import { catchUp } from './indexCatchUp';
import { inOurWords } from './indexErrors';
import type { StatePaths } from '../paths';

/** A file of this size is searched faster than an index is built. */
const SMALL_BYTES = 1 << 20;

/**
 * Nothing is lost where this fails: the answers are only slower.
 * @param committedBytes how far the file is known to be committed: its end while the ledger's lock was held
 * @param onFault hears why it failed
 */
export async function readyIndex(
  paths: StatePaths,
  committedBytes: () => Promise<number>,
  onFault: (error: LedgerError) => void,
): Promise<void> {
  if ((statOf(paths.ledger)?.size ?? 0) < SMALL_BYTES) return;
  const upToBytes = await committedBytes();
  try {
    const state = caughtUp(paths, upToBytes);
    // One that is ahead of the file, or of another file, is evidence: the writer says so.
    if (state === 'missing') await rebuildIndex(paths, { upToBytes });
  } catch (error) {
    const why = inOurWords(paths.index, error);
    if (!(why instanceof LedgerError) || why.code === 'INVARIANT') throw why;
    onFault(why);
  }
}

function caughtUp(paths: StatePaths, upToBytes: number): 'missing' | ReturnType<typeof catchUp>['kind'] {
  const index = openIndex(paths, 'write');
  if (index === undefined) return 'missing';
  try {
    return withFile(paths.ledger, 'read', (fd) => catchUp(index, fd, upToBytes, { ifFree: true }).kind);
  } finally {
    index.close();
  }
}
