/**
 * Naming the rows that are gone, in the ledger itself and before anything else: what the index and this process know of
 * them is forgotten once a row `audit.rows-lost` says it.
 */
import { orNothing } from '../../core/errors';
import { withFreshTail } from '../ledger/ledger';
import type { LedgerFile, ReadyLedger } from '../ledger/ledger';
import { commitLostRows, isNamed } from './lostRows';
import type { LostRows } from './lostRows';

interface LossEvents {
  onRowsLost(lost: LostRows): void;
}

/** Rows after `lastSeq`, the file's last: the index has seen them, or this process wrote them itself. */
export function lostRowsOf({ index, recent }: LedgerFile, fd: number, lastSeq: number): LostRows | undefined {
  const seen = index.lostRows(fd, lastSeq);
  const written = recent.lostRows(fd, lastSeq);
  if (written === undefined) return seen;
  // The index is made anew once they are named: whatever it knows is named with them.
  const known = seen ?? orNothing(() => index.goneRows(fd));
  if (known === undefined) return written;
  return { ...(written.toSeq > known.toSeq ? written : known), fromSeq: Math.min(written.fromSeq, known.fromSeq) };
}

/** An index that is ahead of the file is evidence that rows are gone: the writer that goes on says so first. */
export function nameLostRows(ready: ReadyLedger, events: LossEvents): Promise<ReadyLedger> {
  return nameLoss(ready, lostRowsOf(ready, ready.fd, ready.tail.head.seq), events);
}

/** One that knows other rows than the file has is the same evidence. Writers leave it as it is; who makes it void says so first. */
export function nameGoneRows(ready: ReadyLedger, events: LossEvents): Promise<ReadyLedger> {
  return nameLoss(ready, ready.index.goneRows(ready.fd), events);
}

async function nameLoss(ready: ReadyLedger, lost: LostRows | undefined, events: LossEvents): Promise<ReadyLedger> {
  if (lost === undefined) return ready;
  if (!isNamed(ready.fd, lost)) {
    await commitLostRows({ path: ready.paths.ledger, ...ready }, ready.tail, lost);
    events.onRowsLost(lost);
  }
  forgetLost(ready);
  const fresh = withFreshTail(ready);
  ready.recent.follow(ready.fd, fresh.tail.sizeBytes);
  return fresh;
}

/** The ledger names them by now: nothing that still knows them is to take them for another loss. */
export function forgetLost({ index, recent }: Pick<LedgerFile, 'index' | 'recent'>): void {
  index.startAnew();
  recent.forgetAcknowledged();
}
