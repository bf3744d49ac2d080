/**
 * Writes the stored tree on from a size. What stands in a place is the same whoever writes it, as long as the rows are the
 * same: two who write at once do each other no harm, and what a killed one left is written again.
 */
import { HASH_BYTES } from '../../core/tree/merkle';
import { storedCount } from '../../core/tree/storedTree';
import { closeQuietly, openFile, statOf, syncData, syncFolder, writeAt } from '../files';
import type { StatePaths } from '../paths';

/** Small writes are put together. */
const BLOCK_BYTES = 1 << 20;

export class TreeWriter {
  readonly #isNew: boolean;
  readonly #fd: number;
  #at: number;
  readonly #block = Buffer.allocUnsafe(BLOCK_BYTES);
  #waiting = 0;

  /** @param size of the tree that is stored already, and is known to be right */
  constructor(
    private readonly paths: StatePaths,
    size: number,
  ) {
    this.#isNew = statOf(paths.tree) === undefined;
    this.#fd = openFile(paths.tree, 'update-or-create');
    this.#at = storedCount(size) * HASH_BYTES;
  }

  add(hashes: Buffer): void {
    for (let from = 0; from < hashes.length;) {
      const taken = hashes.copy(this.#block, this.#waiting, from);
      this.#waiting += taken;
      from += taken;
      if (this.#waiting === BLOCK_BYTES) this.#flush();
    }
  }

  /** Everything is on disk after this; the name of the file, too, where this one made it. */
  finish(): void {
    this.#flush();
    syncData(this.#fd);
    if (this.#isNew) syncFolder(this.paths.dir);
  }

  close(): void {
    closeQuietly(this.#fd);
  }

  #flush(): void {
    writeAt(this.#fd, this.#block.subarray(0, this.#waiting), this.#at);
    this.#at += this.#waiting;
    this.#waiting = 0;
  }
}
