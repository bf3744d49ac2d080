/** Reading what somebody hands over: it may be anything, and lie anywhere. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { readAt } from './files';

/** The engine takes no longer text than one just below 512 MiB. */
export const MAX_HANDED_BYTES = 511 << 20;

/**
 * The bytes of a regular file, through links as well: what is handed over is a file of anybody's. Undefined for what is none
 * (a folder, a pipe that nobody writes to, a device without an end), or larger. Throws the system's error.
 * @param refuse throws where such a file must not be read
 */
export function readHandedFile(
  path: string,
  maxBytes = MAX_HANDED_BYTES,
  refuse?: (stats: Stats) => void,
): Buffer | undefined {
  // A pipe must not be waited for.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > maxBytes) return undefined;
    refuse?.(stats);
    return readAt(fd, 0, stats.size);
  } finally {
    closeSync(fd);
  }
}
