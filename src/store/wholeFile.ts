/** A new file that is on disk with all of its bytes. Its name is not, until its folder is synced. */
import { closeQuietly, openFile, syncData, writeAll } from './files';

/** Throws the system's error, EEXIST where there is such a file. */
export function createWhole(path: string, bytes: Uint8Array): void {
  const fd = openFile(path, 'create');
  try {
    writeAll(fd, bytes);
    syncData(fd);
  } finally {
    closeQuietly(fd);
  }
}
