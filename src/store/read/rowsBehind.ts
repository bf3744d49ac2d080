/** How many rows came behind a row: as the last line of the live file counts them. */
import { withFile } from '../files';
import type { StatePaths } from '../paths';
import { readTail } from './tail';

/** 0 where the end of the file cannot be told. */
export function rowsBehind({ ledger }: StatePaths, seq: number): number {
  const tail = withFile(ledger, 'read', (fd) => readTail(fd));
  return 'head' in tail && tail.head !== undefined ? Math.max(0, tail.head.seq - seq) : 0;
}
