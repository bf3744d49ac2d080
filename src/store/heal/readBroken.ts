/** One reading of the whole live file for `sweep`: what is torn in it, and whether the index holds what it gives. */
import { closeQuietly, openFile } from '../files';
import { openIndexFingerprint } from '../index/indexCheck';
import type { StatePaths } from '../paths';
import { findBrokenLines } from './brokenLines';
import type { BrokenLines, FindOptions } from './brokenLines';

export interface ReadBroken extends BrokenLines {
  /** What the index has other than the file; undefined: nothing, or it could not be told. */
  readonly indexDiffers: string | undefined;
}

/** Reads the whole live file: its broken lines, and the fingerprint that the index must have. On a damaged file that must differ. */
export async function readBroken(
  paths: StatePaths,
  { onProgress, signal }: Pick<FindOptions, 'onProgress' | 'signal'>,
): Promise<ReadBroken> {
  const index = openIndexFingerprint(paths);
  const fd = openFile(paths.ledger, 'read');
  try {
    const found = await findBrokenLines(fd, { digestUpTo: index?.upToSeq, onProgress, signal });
    const indexDiffers = found.ranges.length === 0 ? await index?.differsFrom(found.digest) : undefined;
    return { ...found, indexDiffers };
  } finally {
    closeQuietly(fd);
  }
}
