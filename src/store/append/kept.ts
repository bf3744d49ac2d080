/**
 * What a writer keeps from one group to the next: the descriptors of the ledger and of its lock file, and that nothing
 * waited in the folder. Nothing of it is believed: a look at the paths tells whether they are still the ledger's files,
 * where opening them anew for every row takes three times as many calls. Who finds another file at the path, or other
 * rights on it, opens that one.
 */
import { fstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { closeQuietly, statOf } from '../files';
import { openForAppend } from '../ledger/ledger';
import { KernelLock } from '../lock/kernelLock';
import type { StatePaths } from '../paths';
import { statInSecondPlace } from '../spill/spillFiles';
import { Absent } from './absent';

export interface KeptLedger {
  readonly fd: number;
  /** What the file at the path is like now. */
  readonly stats: Stats;
}

export class Kept {
  readonly kernelLock: KernelLock;
  readonly #waiting: Absent;
  #ledger: KeptLedger | undefined;

  constructor(private readonly paths: StatePaths) {
    this.kernelLock = new KernelLock(paths.lock);
    this.#waiting = new Absent([paths.healPlan, paths.draining, paths.spill]);
  }

  get isOpen(): boolean {
    return this.#ledger !== undefined;
  }

  /** The ledger at the path, open for appending. Errors as `openForAppend`; the system's where there is none. */
  ledger(): KeptLedger {
    const stats = this.#ledger === undefined ? undefined : statOf(this.paths.ledger);
    if (this.#ledger === undefined || stats === undefined || !isSameFile(this.#ledger.stats, stats))
      return this.#open();
    return { ...this.#ledger, stats };
  }

  #open(): KeptLedger {
    this.closeLedger();
    const fd = openForAppend(this.paths);
    this.#ledger = { fd, stats: fstatSync(fd) };
    return this.#ledger;
  }

  /**
   * Whether a heal is pending or rows wait, in either place. The second place may be on another machine, whose clock says
   * nothing here: it is looked at each time.
   * @param folder the state folder, looked at under the lock
   */
  somethingWaits(folder: Stats | undefined, nowMs: number): boolean {
    if (this.#waiting.isOneThere(folder, nowMs)) return true;
    const { secondDraining, secondSpill } = this.paths;
    if (statInSecondPlace(dirname(secondSpill)) === undefined) return false;
    return [secondDraining, secondSpill].some((path) => statInSecondPlace(path) !== undefined);
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
