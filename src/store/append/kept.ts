/**
 * The two descriptors that a writer keeps from one group to the next: a look at their paths tells whether they are still
 * the ledger's files, where opening them anew for every row takes three times as many calls. Nothing is believed: who
 * finds another file at the path, or other rights on it, opens that one.
 */
import { fstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { closeQuietly, statOf } from '../files';
import { openForAppend } from '../ledger/ledger';
import { KernelLock } from '../lock/kernelLock';
import type { StatePaths } from '../paths';

export class Kept {
  readonly kernelLock: KernelLock;
  #ledger: { readonly fd: number; readonly stats: Stats } | undefined;

  constructor(private readonly paths: StatePaths) {
    this.kernelLock = new KernelLock(paths.lock);
  }

  /** The ledger, open for appending. Asked under the lock. Errors as `openForAppend`. */
  ledger(): number {
    const now = statOf(this.paths.ledger);
    if (this.#ledger !== undefined && now !== undefined && isSameFile(this.#ledger.stats, now)) return this.#ledger.fd;
    this.closeLedger();
    const fd = openForAppend(this.paths);
    this.#ledger = { fd, stats: fstatSync(fd) };
    return fd;
  }

  owns(fd: number): boolean {
    return this.#ledger?.fd === fd;
  }

  /** After an error the next group begins on a fresh descriptor. */
  closeLedger(): void {
    if (this.#ledger !== undefined) closeQuietly(this.#ledger.fd);
    this.#ledger = undefined;
  }

  close(): void {
    this.closeLedger();
    this.kernelLock.close();
  }
}

/** An inode that is open is not given out again. */
function isSameFile(before: Stats, now: Stats): boolean {
  return (
    before.ino === now.ino &&
    before.dev === now.dev &&
    before.mode === now.mode &&
    before.uid === now.uid &&
    before.nlink === now.nlink
  );
}
