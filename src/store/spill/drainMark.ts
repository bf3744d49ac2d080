/**
 * `audit.spill.drained`: how far a drain of many rows got, so that each of its steps reads what it chains and not all that
 * waits. A shortcut, never a promise: it is written without a sync after the commit that it tells of, and counts only
 * where everything in it still holds. Missing, torn or of another time, the drain looks at the whole file, as the first
 * step does.
 *
 *   {"offset":365000,"size":23669570,"ino":131,"birth_ms":1795…,"ledger_bytes":612904,"head":"<hash>","sum":"<sha256 of what is before>"}
 *
 * It says: every record before `offset` is in the chain, and of those behind it, up to `size`, none is among the ledger's
 * first `ledger_bytes` bytes, which end in the row with the hash `head`.
 */
import { fstatSync, rmSync } from 'node:fs';
import { HASH_SUFFIX_BYTES, hashSuffix } from '../../core/chain';
import { orNothing } from '../../core/errors';
import { parseSummed, summedText } from '../../core/summed';
import { readAt, readWhole, statOf, withFile, writeAll } from '../files';

export interface DrainMark {
  readonly offset: number;
  readonly ledgerBytes: number;
  readonly head: string;
}

interface Stored {
  readonly offset: number;
  readonly size: number;
  readonly ino: number;
  readonly birth_ms: number;
  readonly ledger_bytes: number;
  readonly head: string;
}

/** The mark at `path`, where it is of the spill file and the ledger that are open here, and both are as it says; else undefined. */
export function readDrainMark(path: string, spillFd: number, ledgerFd: number): DrainMark | undefined {
  // Whatever is wrong with a shortcut, there is the long way.
  const stored = parseSummed(orNothing(() => readWhole(path))?.toString('latin1') ?? '') as Stored | undefined;
  if (stored === undefined) return undefined;
  const { ino, size, birthtimeMs } = fstatSync(spillFd);
  const { offset, ledger_bytes: ledgerBytes, head } = stored;
  if (stored.ino !== ino || stored.size !== size || stored.birth_ms !== birthtimeMs || offset > size) return undefined;
  const end = Buffer.from(`${hashSuffix(head)}\n`);
  const there = readAt(ledgerFd, Math.max(0, ledgerBytes - HASH_SUFFIX_BYTES - 1), HASH_SUFFIX_BYTES + 1);
  return there.equals(end) ? { offset, ledgerBytes, head } : undefined;
}

/** Written anew after each step. A disk that does not take it costs time at the next step, nothing else. */
export function writeDrainMark(path: string, spillFd: number, size: number, mark: DrainMark): void {
  const { ino, birthtimeMs } = fstatSync(spillFd);
  const { offset, ledgerBytes: ledger_bytes, head } = mark;
  const stored: Stored = { offset, size, ino, birth_ms: birthtimeMs, ledger_bytes, head };
  orNothing(() => {
    const mode = statOf(path) === undefined ? 'create' : 'truncate';
    withFile(path, mode, (fd) => writeAll(fd, Buffer.from(summedText(stored))));
  });
}

export function removeDrainMark(path: string): void {
  rmSync(path, { force: true });
}
