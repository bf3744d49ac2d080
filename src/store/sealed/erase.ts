/**
 * Takes an opening out for good. Under one hold of the lock:
 *
 *   1. a row says who takes out what, and why                      audit.erasure, on disk
 *   2. the opening is overwritten where it stands, and synced      openings.ts
 *
 * A crash between leaves a row, and an opening that is there still: `verify` warns of it, and whoever erases it again
 * finishes that, without a second row. Nothing is taken out that no row tells of.
 */
import { LedgerError } from '../../core/errors';
import { ownRow } from '../../core/ownRows';
import type { Landed } from '../../core/group';
import type { AppendEvents } from '../append/append';
import { Writer } from '../append/writer';
import { withFile } from '../files';
import type { ReadyLedger } from '../ledger/ledger';
import { nodeHost } from '../machine/nodeHost';
import type { StatePaths } from '../paths';
import { offsetSince, rowsOfAction } from '../read/rowsOfAction';
import { blankOpening, Openings } from './openings';
import { erasedIn, ERASURE, erasureOf } from './sealedRow';
import type { SealedAt } from './sealedRow';

export interface Erasing {
  readonly paths: StatePaths;
  readonly sealed: SealedAt;
  readonly reason: string;
  /** Default: the OS account. */
  readonly actor: string | undefined;
  readonly events: AppendEvents;
}

export interface Erased {
  /** `erased`, now; `finished`, what a crash had left half-done; `already`; `recorded`: the opening was gone before. */
  readonly status: 'erased' | 'finished' | 'already' | 'recorded';
  /** The row that says so. */
  readonly row: Pick<Landed, 'seq' | 'id'>;
}

/** Rows of the last minute are looked at again under the lock: somebody may have erased it meanwhile. */
const OVERLAP_MS = 60_000;

/** @throws LedgerError as `Writer.appendDecided` does; WRITE_FAILED where the row is there and the opening could not be taken out */
export async function eraseOpening({ paths, sealed, reason, actor, events }: Erasing): Promise<Erased> {
  const { seq, id, field, digest } = sealed;
  const host = nodeHost();
  const startedMs = host.nowMs();
  const before = await erasureOf(paths, digest);
  const writer = new Writer({ paths, host, durability: 'disk', events });
  try {
    return await writer.appendDecided(
      (ready, placer): Promise<Erased> => {
        const isThere = new Openings(paths).has(digest);
        // What cannot be written to is not promised to be empty.
        if (isThere) withFile(paths.sealed, 'update', () => undefined);
        const told = before ?? toldSince(ready, digest, startedMs - OVERLAP_MS);
        if (told !== undefined)
          return Promise.resolve({ status: isThere ? 'finished' : 'already', row: rowName(told) });
        const payload = { row_seq: seq, row_id: id, field, digest, ...(!isThere && { opening: 'missing' }) };
        const row = placer.place(ownRow(ERASURE, payload, { actor: actor ?? host.by, reason }));
        return Promise.resolve({ status: isThere ? 'erased' : 'recorded', row: rowName(row) });
      },
      ({ row }) => takeOut(paths, digest, row.seq),
    );
  } finally {
    await writer.close();
  }
}

function takeOut(paths: StatePaths, digest: string, rowSeq: number): void {
  try {
    blankOpening(paths, digest);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LedgerError(
      'WRITE_FAILED',
      `row ${rowSeq} says that it is erased, and it could not be taken out: ${why}`,
      {
        place: { segment: paths.sealed },
        hint: 'run the same command again: it finishes what is left',
        cause,
      },
    );
  }
}

function toldSince(
  { fd, tail }: ReadyLedger,
  digest: string,
  sinceMs: number,
): { seq: number; id: string } | undefined {
  const from = offsetSince(fd, tail.sizeBytes, sinceMs);
  for (const { reading } of rowsOfAction(fd, from, tail.sizeBytes, ERASURE))
    if (reading.kind === 'row' && erasedIn(reading.row) === digest) return reading.row;
  return undefined;
}

const rowName = ({ seq, id }: { readonly seq: number; readonly id: string }): Erased['row'] => ({ seq, id });
