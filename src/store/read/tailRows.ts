/** The rows in the last bytes of a ledger as they stand, unchecked: for proposals, where being quick counts and being wrong does not. */
import { fstatSync } from 'node:fs';
import { orNothing } from '../../core/errors';
import type { Row } from '../../core/members';
import { completeObject } from '../../core/rowText';
import { withFile } from '../files';
import { scanLines } from './lines';

const TAIL_BYTES = 1 << 20;

/** The latest first; none where the ledger cannot be read. */
export function tailRows(path: string): readonly Row[] {
  const rows: Row[] = [];
  orNothing(() =>
    withFile(path, 'read', (fd) => {
      const { size } = fstatSync(fd);
      scanLines(fd, Math.max(0, size - TAIL_BYTES), size, ({ block, start, end }) => {
        const row = completeObject(block.subarray(start, end)) as Row | undefined;
        if (row !== undefined && typeof row.action === 'string') rows.push(row);
      });
    }),
  );
  return rows.reverse();
}
