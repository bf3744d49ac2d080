/**
 * Takes an opening out for good. Under one hold of the lock:
 *
 *   1. a row says who takes out what, and why                                    audit.erasure, on disk
 *   2. what else opens the same field and value, and no row has, is overwritten   openings.ts
 *   3. the opening is overwritten where it stands, and synced
 *
 * A crash between leaves a row, and an opening that is there still: `verify` warns of it, and whoever erases it again
 * finishes that, without a second row. Nothing that a row has is taken out that no row tells of.
 *
 * The copies of step 2 are of rows that never came: a crash, a row that was signed and not appended. What is written once an
 * erasure has begun may be of a row that is on its way, and stays.
 */
import { LedgerError } from '../../core/errors';
import { ownRow } from '../../core/ownRows';
import type { Landed } from '../../core/group';
import type { AppendEvents } from '../append/append';
import { Writer } from '../append/writer';
import { statOf, withFile } from '../files';
import type { ReadyLedger } from '../ledger/ledger';
import { nodeHost } from '../machine/nodeHost';
import type { StatePaths } from '../paths';
import { offsetSince, rowsOfAction } from '../read/rowsOfAction';
import { Holders } from './holders';
import { blankOpenings, copiesOf, Openings, strayLines } from './openings';
import { erasedIn, ERASURE, erasureOf } from './sealedRow';
import type { SealedAt } from './sealedRow';

export interface Erasing {
  readonly paths: StatePaths;
  /** Without the row: whichever hold it, or none. */
  readonly sealed: Pick<SealedAt, 'digest'> & Partial<SealedAt>;
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
  /** Rows that hold the digest. */
  readonly rows: readonly number[];
  /** Openings of the same value that no row has, and that went with it. */
  readonly copies: number;
}

/** Rows of the last minute are looked at again under the lock: somebody may have erased it meanwhile, or have appended one. */
const OVERLAP_MS = 60_000;

/** @throws LedgerError as `Writer.appendDecided` does; WRITE_FAILED where the row is there and the opening could not be taken out */
export async function eraseOpening(erasing: Erasing): Promise<Erased> {
  const { paths, sealed, events } = erasing;
  const host = nodeHost();
  const sinceMs = host.nowMs() - OVERLAP_MS;
  const until = statOf(paths.sealed)?.size ?? 0;
  const opening = new Openings(paths).find(sealed.digest);
  const copies = opening === undefined ? new Set<string>() : copiesOf(paths, opening, until);
  const holders = new Holders(new Set([sealed.digest, ...copies]));
  await holders.look(paths);
  const before = await erasureOf(paths, sealed.digest);
  const writer = new Writer({ paths, host, durability: 'disk', events });
  let taken = 0;
  try {
    const { status, row } = await writer.appendDecided(
      (ready, placer): Promise<Pick<Erased, 'status' | 'row'>> => {
        const isThere = new Openings(paths).has(sealed.digest);
        // What cannot be written to is not promised to be empty.
        if (isThere) withFile(paths.sealed, 'update', () => undefined);
        const from = offsetSince(ready.fd, ready.tail.sizeBytes, sinceMs);
        holders.lookAgain(ready.fd, from, ready.tail.sizeBytes);
        if (!isThere) refuseUnseen(paths, sealed.digest);
        const told = before ?? toldFrom(ready, sealed.digest, from);
        if (told !== undefined)
          return Promise.resolve({ status: isThere ? 'finished' : 'already', row: rowName(told) });
        const own = erasureRow(erasing, holders.seqsOf(sealed.digest), { isThere, by: host.by });
        return Promise.resolve({ status: isThere ? 'erased' : 'recorded', row: rowName(placer.place(own)) });
      },
      ({ row: { seq } }) => {
        const spare = holders.free(paths);
        spare.delete(sealed.digest);
        taken = takeOut(paths, seq, () => blankOpenings(paths, spare, { to: until }));
        takeOut(paths, seq, () => blankOpenings(paths, new Set([sealed.digest])));
      },
    );
    return { status, row, rows: holders.seqsOf(sealed.digest), copies: taken };
  } finally {
    await writer.close();
  }
}

/** What is not found may stand in a line that somebody changed: that it is gone cannot be said. */
function refuseUnseen(paths: StatePaths, digest: string): void {
  const stray = strayLines(paths);
  if (stray.length === 0) return;
  throw new LedgerError(
    'READ_FAILED',
    `expected the opening ${digest} in ${paths.sealed}, found none, and ${stray.length} changed ${stray.length === 1 ? 'line' : 'lines'} in which it may be, at byte ${stray.slice(0, 3).join(', ')}`,
    {
      place: { segment: paths.sealed },
      hint: 'look at what stands there; put the line right, or overwrite it with spaces; then erase again',
    },
  );
}

function erasureRow(
  { sealed, reason, actor }: Erasing,
  rows: readonly number[],
  { isThere, by }: { readonly isThere: boolean; readonly by: string },
): ReturnType<typeof ownRow> {
  const { seq, id, field, digest } = sealed;
  const payload = {
    ...(seq !== undefined && { row_seq: seq, row_id: id }),
    ...(field !== undefined && { field }),
    digest,
    // One row that holds it is what everybody expects.
    ...((seq === undefined || rows.length > 1) && { rows }),
    ...(!isThere && { opening: 'missing' }),
  };
  return ownRow(ERASURE, payload, { actor: actor ?? by, reason });
}

function takeOut(paths: StatePaths, rowSeq: number, blank: () => number): number {
  try {
    return blank();
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

function toldFrom({ fd, tail }: ReadyLedger, digest: string, from: number): Erased['row'] | undefined {
  for (const { reading } of rowsOfAction(fd, from, tail.sizeBytes, ERASURE))
    if (reading.kind === 'row' && erasedIn(reading.row) === digest) return reading.row;
  return undefined;
}

const rowName = ({ seq, id }: { readonly seq: number; readonly id: string }): Erased['row'] => ({ seq, id });
