/**
 * The first 100 bytes of `index.db`, read without SQLite: an append learns from them how far the index lags, or that it
 * is ahead of the file, in 20 microseconds instead of the milliseconds that loading SQLite takes.
 *
 *   0 "SQLite format 3\0"   60 user_version = seq of the watermark   68 application_id = "LDG" + version
 *
 * Only for a process that does not have the index open, in any thread: closing a file drops the locks that the same
 * process holds on it through SQLite.
 */
import { errnoOf } from '../../core/errors';
import { readAt, statOf, withFile } from '../files';
import { indexFailed, otherIndex } from './indexErrors';
import { APPLICATION_ID } from './indexSchema';
import type { StatePaths } from '../paths';

const MAGIC = Buffer.from('SQLite format 3\0');
const HEADER_BYTES = 100;
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

export interface IndexHeader {
  readonly watermarkSeq: number;
  /** Whether no transaction is under way or was left half-done: else the index may stand a transaction before this. */
  readonly settled: boolean;
}

/**
 * @returns undefined where there is no index
 * @throws LedgerError INDEX_FAILED where the file is no index of this version; UNSAFE_PATH for a symlink
 */
export function readIndexHeader(paths: StatePaths): IndexHeader | undefined {
  const header = readHeader(paths.index);
  if (header === undefined) return undefined;
  if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC))
    throw indexFailed(paths.index, 'not a database');
  const id = header.readUInt32BE(APPLICATION_ID_AT);
  if (id !== APPLICATION_ID) throw otherIndex(paths.index, id);
  const settled = (statOf(`${paths.index}-journal`)?.size ?? 0) === 0;
  return { watermarkSeq: header.readUInt32BE(USER_VERSION_AT), settled };
}

function readHeader(path: string): Buffer | undefined {
  try {
    return withFile(path, 'read', (fd) => readAt(fd, 0, HEADER_BYTES));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
