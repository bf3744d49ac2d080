/** One reading of the whole live file for `sweep`: what is torn in it, and whether the index holds what it gives. */
import { completeObject } from '../../core/rowText';
import { closeQuietly, openFile, statOf } from '../files';
import { openIndexFingerprint } from '../index/indexCheck';
import type { StatePaths } from '../paths';
import { settleTail } from '../scan/settle';
import { findBrokenLines } from './brokenLines';
import type { BrokenLines, BrokenRange, FindOptions } from './brokenLines';

export interface ReadBroken extends BrokenLines {
  /** What the index has other than the file; undefined: nothing, or it could not be told. */
  readonly indexDiffers: string | undefined;
}

/** What is torn at the end is looked at again, for so long, where no lock keeps a writer from being in the middle of it. */
const IN_FLIGHT_MS = 1_000;
/** A row in flight is so near the end by the time that the file has been read. */
const IN_FLIGHT_BYTES = 32 << 20;

/** The broken ranges without a last one that was a row on its way to the disk. */
export async function withoutRowInFlight(paths: StatePaths, { ino, ranges }: BrokenLines): Promise<BrokenRange[]> {
  const last = ranges.at(-1);
  const size = statOf(paths.ledger)?.size ?? 0;
  if (last === undefined || size - last.offset > IN_FLIGHT_BYTES) return [...ranges];
  const seen = { ino, size: last.offset + last.length, from: last.offset };
  const settled = await settleTail(paths.ledger, seen, IN_FLIGHT_MS);
  const bytes = settled.kind === 'tail' ? settled.bytes : Buffer.alloc(0);
  const newline = bytes.indexOf(0x0a);
  const isWhole = newline >= 0 && completeObject(bytes.subarray(0, newline)) !== undefined;
  return isWhole ? ranges.slice(0, -1) : [...ranges];
}

/** Reads the whole live file: its broken lines, and the fingerprint that the index must have. On a damaged file that must differ. */
export async function readBroken(
  paths: StatePaths,
  { onProgress, signal }: Pick<FindOptions, 'onProgress' | 'signal'>,
): Promise<ReadBroken> {
  const before = statOf(paths.ledger)?.ino;
  const index = openIndexFingerprint(paths);
  const fd = openFile(paths.ledger, 'read');
  try {
    const found = await findBrokenLines(fd, { digestUpTo: index?.upTo, onProgress, signal });
    // A file that a heal replaced meanwhile is not the one that the fingerprint was of.
    const comparable = found.ranges.length === 0 && found.ino === before;
    const indexDiffers = comparable ? await index?.differsFrom(found.digest) : undefined;
    return { ...found, indexDiffers };
  } finally {
    closeQuietly(fd);
  }
}
