/**
 * Appending one group of rows. The numbers are those of the format's section 4; step 1 (checking the input) came before.
 *
 *   2. take the lock; open the ledger, or find the open one there  prepare.ts
 *   3. finish a pending heal; read the tail; heal it if it is torn  prepare.ts, heal.ts
 *   4. drain at most 1,000 spilled rows                            drain.ts
 *   5. build the rows: seq, ts, id, stream places, hashes          placer.ts
 *      what opens their sealed fields is on disk before they are    openings.ts
 *   6. one write at the end; then the size must be right           commit.ts
 *   7. fdatasync, checked ── the group is committed                commit.ts
 *   8. unlock; the caller prints receipts
 *
 * What cannot be chained is spilled; what can be stored nowhere is an error that says so. Nothing is acknowledged before.
 */
import { errnoOf, LedgerError, orNothing } from '../../core/errors';
import type { Omitted } from '../../core/omissions';
import type { Secret } from '../../core/secrets';
import type { SpilledAfter } from '../../core/spillRecord';
import type { CheckedRow } from '../../core/row';
import { commitBytes } from './commit';
import { drainSpill, somethingSpilled } from '../spill/drain';
import type { Drained } from '../spill/drain';
import { syncData } from '../files';
import { readIdentity } from '../ledger/genesis';
import type { LedgerFile, ReadyLedger } from '../ledger/ledger';
import { OtherLedger } from '../ledger/missing';
import { Placer } from './placer';
import type { PlacedRowReceipt } from './placer';
import { withReadyLedger } from './prepare';
import type { PrepareEvents } from './prepare';
import type { StatePaths } from '../paths';
import { storeOpenings } from '../sealed/openings';
import { spillRows } from '../spill/spill';
import type { Spilled } from '../spill/spill';

export type Receipt =
  | PlacedRowReceipt
  | { readonly status: 'spilled'; readonly id: string; readonly error: LedgerError }
  | { readonly status: 'refused'; readonly error: LedgerError };

/** What happened on the way to a commit, for the people who watch. */
export interface AppendEvents extends PrepareEvents {
  onDrain(drained: Drained): void;
  onIndexFault(error: LedgerError): void;
  /** A row is stored although it holds these: the settings say "warn". */
  readonly onOmitted?: (omitted: readonly (Omitted | Secret)[]) => void;
  /** Under these ids rows are about to be written, to the ledger or to a spill file: by them they can be looked for (attempted.ts). */
  readonly onWriting?: (ids: readonly string[]) => void;
}

/** Rows that were handed in together: all of them or none (`whole`), or each for itself. */
export interface AppendCall {
  readonly rows: readonly CheckedRow[];
  readonly whole: boolean;
}

/** How far a failed attempt had got: where the ledger stood, and what the rows would have been. */
interface Attempt {
  readonly after: SpilledAfter;
  readonly receipts: readonly Receipt[][];
}

/** Not a fault of the moment: the rows are refused, not spilled, so that the operator hears of it. */
export const REFUSALS: ReadonlySet<string> = new Set(['NOT_OWNER', 'NOT_WRITABLE', 'UNSAFE_PATH', 'INVARIANT']);

/**
 * Appends the rows of several calls as one group; each call lands whole or not at all.
 * @returns one list of receipts a call, in order
 * @throws LedgerError NOT_OWNER, NOT_WRITABLE, UNSAFE_PATH (nothing stored), STORED_NOWHERE (neither chained nor spilled);
 *   OtherLedger (nothing stored: the group begins anew)
 */
export async function appendGroup(
  file: LedgerFile,
  calls: readonly AppendCall[],
  events: AppendEvents,
): Promise<Receipt[][]> {
  const attempt: { made: Attempt | undefined } = { made: undefined };
  try {
    return await withReadyLedger(file, events, async (ready) => {
      const drained = await drainFirst(ready, events);
      return commitCalls(drained, calls, attempt, events);
    });
  } catch (error) {
    const why = asLedgerError(error);
    if (REFUSALS.has(why.code) || why instanceof OtherLedger) throw why;
    return spillCalls(file, calls, why, attempt.made, events);
  }
}

/**
 * Appends rows that are decided on under the lock, with everything chained that waited: `decide` sees the ledger as it
 * stands, and places what is to be written. It never spills: what was decided holds for this moment alone.
 * @param committed what follows under the same hold of the lock, once the rows are on disk
 * @returns what `decide` gave, once its rows are on disk
 * @throws LedgerError as the codes of a refusal and of a spill say; nothing is stored then
 */
export async function appendDecided<T>(
  file: LedgerFile,
  decide: (ready: ReadyLedger, placer: Placer) => Promise<T>,
  events: AppendEvents,
  committed: (answer: T) => void = () => undefined,
): Promise<{ readonly answer: T; readonly lastSeq: number }> {
  return withReadyLedger(file, events, async (ready) => {
    const drained = await drainAll(ready, events);
    const placer = new Placer(drained);
    const answer = await decide(drained, placer);
    if (!placer.group.isEmpty) await commitGroup(drained, placer);
    // Duplicates alone: they are answered once their rows are on disk, whoever wrote them.
    else if (drained.durability === 'disk') syncData(drained.fd);
    committed(answer);
    return { answer, lastSeq: placer.group.head.seq };
  });
}

async function drainAll(ready: ReadyLedger, events: AppendEvents): Promise<ReadyLedger> {
  let drained = await drainFirst(ready, events);
  while (ready.mayWait && somethingSpilled(ready.paths)) drained = await drainFirst(drained, events);
  return drained;
}

async function drainFirst(ready: ReadyLedger, events: AppendEvents): Promise<ReadyLedger> {
  if (!ready.mayWait || !somethingSpilled(ready.paths)) return ready;
  const { drained, ready: after } = await drainSpill(ready);
  events.onDrain(drained);
  return after;
}

async function commitCalls(
  ready: ReadyLedger,
  calls: readonly AppendCall[],
  attempt: { made: Attempt | undefined },
  events: AppendEvents,
): Promise<Receipt[][]> {
  const placer = new Placer(ready);
  const receipts = calls.map((call) => placeOrRefuse(placer, call));
  if (placer.group.isEmpty) {
    // Only duplicates: they are answered once their rows are on disk, whoever wrote them.
    if (ready.durability === 'disk') syncData(ready.fd);
    return receipts;
  }
  const { seq, hash } = ready.tail.head;
  attempt.made = { after: { seq, hash }, receipts };
  events.onWriting?.(receipts.flatMap((call) => call.flatMap((one) => (one.status === 'landed' ? [one.id] : []))));
  await commitGroup(ready, placer);
  return receipts;
}

async function commitGroup({ paths, lock, host, durability, fd, tail }: ReadyLedger, placer: Placer): Promise<void> {
  storeOpenings(paths, placer.openings);
  const data = placer.group.bytes();
  await commitBytes({ path: paths.ledger, lock, host, durability, openFd: fd }, tail.sizeBytes, data);
  placer.remember(data);
}

function placeOrRefuse(placer: Placer, { rows, whole }: AppendCall): Receipt[] {
  if (!whole) return rows.map((row) => orRefused(() => placer.placeOne(row)));
  const placed = orRefused(() => placer.placeCall(rows));
  return 'status' in placed ? rows.map(() => placed) : placed;
}

const REFUSES_ONE: ReadonlySet<string> = new Set(['IDEMPOTENCY_CONFLICT', 'SIGNATURE_INVALID', 'OVER_CAP']);

/** What placing gives, or that this row alone is refused: its key is taken, a cap is full. */
export function orRefused<T>(place: () => T): T | Extract<Receipt, { readonly status: 'refused' }> {
  try {
    return place();
  } catch (error) {
    if (!(error instanceof LedgerError) || !REFUSES_ONE.has(error.code)) throw error;
    return { status: 'refused', error };
  }
}

function spillCalls(
  file: LedgerFile,
  calls: readonly AppendCall[],
  error: LedgerError,
  attempt: Attempt | undefined,
  { onWriting }: AppendEvents,
): Receipt[][] {
  const made = attempt?.receipts ?? calls.map(() => []);
  // What was refused for its key stays refused: a call whose rows come in later, but for one, was not all or nothing.
  const open = calls.map(({ rows }, i) => rows.map((row, j) => ({ row, receipt: made[i]?.[j] })));
  const waiting = open.flat().filter(({ receipt }) => receipt?.status !== 'refused');
  const ids = waiting.map(({ receipt }) => (receipt?.status === 'landed' ? receipt.id : undefined));
  const spilled = spillRows(
    file.paths,
    file.host,
    waiting.map(({ row }) => row),
    {
      error,
      ledgerId: attempt === undefined ? ledgerIdNow(file.paths, file.identity.ledgerId) : file.identity.ledgerId,
      attempt: attempt === undefined ? undefined : { after: attempt.after, ids },
      onWriting,
    },
    open.flatMap((rows, i) => unitSizes(calls[i], rows.filter(({ receipt }) => receipt?.status !== 'refused').length)),
  );
  let next = 0;
  return open.map((rows) =>
    rows.map(({ receipt }) => (receipt?.status === 'refused' ? receipt : spilledReceipt(spilled, next++, error))),
  );
}

/** Before the lock is held the ledger may be another one than was met; where it cannot be read, it is taken for that one. */
export function ledgerIdNow<T>(paths: StatePaths, metId: T): string | T {
  return orNothing(() => readIdentity(paths)?.ledgerId) ?? metId;
}

/** How the waiting rows of a call are to be stored: together, or each for itself. */
export function unitSizes(call: AppendCall | undefined, rows: number): number[] {
  if (call?.whole !== true) return new Array<number>(rows).fill(1);
  return rows === 0 ? [] : [rows];
}

/** A row that waits in a spill file, or that neither place took. */
export function spilledReceipt({ ids, nowhere }: Spilled, index: number, error: LedgerError): Receipt {
  const id = ids[index];
  return id === undefined && nowhere !== undefined
    ? { status: 'refused', error: nowhere }
    : { status: 'spilled', id: id as string, error };
}

/** What went wrong, as an error of ours: rows that meet a system error are spilled with its name. */
export function asLedgerError(error: unknown): LedgerError {
  if (error instanceof LedgerError) return error;
  const why = error instanceof Error ? error.message : String(error);
  const isMissing = errnoOf(error) === 'ENOENT';
  const then = isMissing ? 'once it is back' : 'by the next append or "ledger sweep"';
  return new LedgerError(isMissing ? 'LEDGER_MISSING' : 'WRITE_FAILED', `could not append: ${why}`, {
    hint: `run "ledger doctor"; rows wait in the spill file and are chained ${then}`,
    cause: error,
  });
}
