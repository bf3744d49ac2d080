/**
 * A writer of one ledger: calls that come while a group is on its way to the disk wait, and go together as the next
 * group: one lock, one write, one sync. The lock is released between groups, so that many writers take turns.
 */
import type { Durability } from '../../core/config';
import { LedgerError, orNothing } from '../../core/errors';
import type { Host } from '../../core/host';
import type { Identity } from '../../core/ownRows';
import type { CheckedRow } from '../../core/row';
import { appendDecided, appendGroup, asLedgerError, ledgerIdNow, REFUSALS, spilledReceipt, unitSizes } from './append';
import type { AppendCall, AppendEvents, Receipt } from './append';
import { checkFolder } from '../ledger/ledger';
import type { LedgerFile, ReadyLedger } from '../ledger/ledger';
import { statOf } from '../files';
import { createLedger, identityIn } from '../ledger/genesis';
import { lostLedger, OtherLedger } from '../ledger/missing';
import { defaultLock, readLockNote } from '../lock/kernelLock';
import type { StatePaths } from '../paths';
import { IndexKeeper, LAG_ROWS } from '../index/indexKeeper';
import { Kept } from './kept';
import type { Placer } from './placer';
import { Recent } from './recent';
import { spillRows } from '../spill/spill';

/** A group is at most so large: what is waited for should not grow with what is queued. */
const MAX_GROUP_ROWS = 5_000;
const MAX_GROUP_CHARS = 8 << 20;
/** Streams and keys that a writer remembers, some 150 bytes each: what a long pipe takes must not grow for ever. */
const MAX_REMEMBERED = 500_000;

export interface WriterOptions {
  readonly paths: StatePaths;
  readonly host: Host;
  readonly durability: Durability;
  readonly events: AppendEvents;
  /** Leave the index as it is until the end: whoever asks it for every row would meet the thread that keeps it up. */
  readonly indexAtEnd?: boolean;
}

/** A way to hand rows to a writer that stand each for themselves: a receipt a row, in order. */
export type AppendRows = (writer: Writer, rows: readonly CheckedRow[]) => Promise<Receipt[]>;

interface QueuedCall {
  readonly call: AppendCall;
  readonly chars: number;
  readonly resolve: (receipts: Receipt[]) => void;
  readonly reject: (error: unknown) => void;
}

export class Writer {
  readonly #queue: QueuedCall[] = [];
  #recent = new Recent();
  readonly #kept: Kept;
  readonly #index: IndexKeeper;
  #pumping: Promise<void> | undefined;
  /** The ledger that this writer has met. */
  #known: Identity | undefined;
  /** The one that it knew before, where this one was put in its place. */
  #knownBefore: string | undefined;
  /** Another one was at its path when the lock was last taken. */
  #isOther = false;
  #closed = false;
  #groups = 0;
  #lastSeq = 0;

  constructor(private readonly options: WriterOptions) {
    this.#kept = new Kept(options.paths);
    this.#index = new IndexKeeper(options.paths, (error) => options.events.onIndexFault(error));
  }

  /**
   * Appends rows, all or none, in one group with whatever else waits.
   * @returns a receipt a row, once the group is on disk
   * @throws LedgerError NOT_OWNER, NOT_WRITABLE, UNSAFE_PATH, STORED_NOWHERE: nothing of the call is stored; CLOSED
   */
  async append(rows: readonly CheckedRow[]): Promise<Receipt[]> {
    return this.#enqueue({ rows, whole: true });
  }

  /** Appends rows that stand each for itself: one can be refused (its key is taken) while the others land. Errors as above. */
  async appendEach(rows: readonly CheckedRow[]): Promise<Receipt[]> {
    return this.#enqueue({ rows, whole: false });
  }

  #enqueue(call: AppendCall): Promise<Receipt[]> {
    if (this.#closed) return Promise.reject(closed());
    if (call.rows.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#queue.push({ call, chars: charsOf(call), resolve, reject });
      // One turn later, so that calls made together go together.
      this.#pumping ??= Promise.resolve().then(() => this.#pump());
    });
  }

  /** Waits for what is queued; later calls are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pumping;
    const lagRows = this.#groups > 1 ? 0 : LAG_ROWS;
    await this.#index.finish(this.#lastSeq, this.#recent.toBytes, lagRows);
    this.#kept.close();
  }

  async #pump(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#commit(this.#nextGroup());
    } finally {
      this.#pumping = undefined;
    }
  }

  #nextGroup(): QueuedCall[] {
    let rows = 0;
    let chars = 0;
    let calls = 0;
    for (const queued of this.#queue) {
      rows += queued.call.rows.length;
      chars += queued.chars;
      if (calls > 0 && (rows > MAX_GROUP_ROWS || chars > MAX_GROUP_CHARS)) break;
      calls++;
    }
    return this.#queue.splice(0, calls);
  }

  async #commit(group: readonly QueuedCall[]): Promise<void> {
    try {
      const receipts = await this.#appendOrSpill(group.map(({ call }) => call));
      group.forEach(({ resolve }, i) => resolve(receipts[i] ?? []));
      const last = receipts.at(-1)?.at(-1);
      await this.#keepIndex(last?.status === 'landed' ? last.seq : undefined);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  /** The receipts are out; now the index may follow. */
  async #keepIndex(lastSeq: number | undefined): Promise<void> {
    this.#groups++;
    if (lastSeq === undefined) return;
    this.#lastSeq = lastSeq;
    if (this.#recent.size > MAX_REMEMBERED) {
      // What is forgotten here is known to the index by then.
      await this.#index.bringUp(lastSeq, this.#recent.toBytes);
      this.#recent.restart();
    }
    if (this.#groups > 1 && this.options.indexAtEnd !== true) this.#index.keepUpAside(lastSeq, this.#recent.toBytes);
  }

  /**
   * Runs something that writes under the ledger's lock on its own account, after what is queued and before what comes
   * later. Nothing of it spills: what fails is the caller's to hear.
   */
  async exclusively<T>(use: (file: LedgerFile) => Promise<T>): Promise<T> {
    while (this.#pumping !== undefined) await this.#pumping;
    if (this.#closed) throw closed();
    const done = Promise.resolve()
      .then(() => use(this.#file()))
      .catch((error: unknown) => {
        if (error instanceof OtherLedger) this.#isOther = true;
        throw error;
      });
    const settled = done.then(
      () => undefined,
      () => undefined,
    );
    this.#pumping = settled.then(() => this.#pump());
    return done;
  }

  /** Appends rows that are decided on under the lock, after what is queued. Errors as `appendDecided` of append.ts. */
  async appendDecided<T>(
    decide: (ready: ReadyLedger, placer: Placer) => Promise<T>,
    committed?: (answer: T) => void,
  ): Promise<T> {
    const { events } = this.options;
    for (;;) {
      try {
        const { answer, lastSeq } = await this.exclusively((file) => appendDecided(file, decide, events, committed));
        await this.#keepIndex(lastSeq);
        return answer;
      } catch (error) {
        // Begun anew with the ledger that is there by now.
        if (!(error instanceof OtherLedger)) throw error;
      }
    }
  }

  async #appendOrSpill(calls: readonly AppendCall[]): Promise<Receipt[][]> {
    for (;;) {
      const file = this.#fileOrFault();
      if (file instanceof LedgerError) return spillUnknown(this.options, calls, file, this.#known?.ledgerId);
      try {
        return await appendGroup(file, calls, this.options.events);
      } catch (error) {
        if (!(error instanceof OtherLedger)) throw error;
        this.#isOther = true;
      }
    }
  }

  /** Why there is none, where rows may wait for it; throws where they are refused. */
  #fileOrFault(): LedgerFile | LedgerError {
    try {
      return this.#file();
    } catch (error) {
      const why = asLedgerError(error);
      if (REFUSALS.has(why.code)) throw why;
      return why;
    }
  }

  /** The ledger as this writer knows it. Whether it is still the one at the path is seen under its lock. */
  #file(): LedgerFile {
    const { paths, host, durability } = this.options;
    const identity = this.#known !== undefined && !this.#isOther ? this.#known : this.#meet();
    const own = { recent: this.#recent, index: this.#index, kept: this.#kept, knownBefore: this.#knownBefore };
    return { paths, identity, host, durability, ...own };
  }

  /** Which ledger is at the path, created where it is missing and never was. */
  #meet(): Identity {
    const { paths } = this.options;
    checkFolder(paths.dir);
    const identity = statOf(paths.ledger) === undefined ? this.#create() : identityIn(paths, this.#kept.ledger().fd);
    const knownId = this.#known?.ledgerId;
    // What was written to another ledger is not missing here.
    if (knownId !== identity.ledgerId) this.#recent = new Recent();
    if (knownId !== undefined && knownId !== identity.ledgerId) {
      this.options.events.onOtherLedger(knownId, identity.ledgerId);
      this.#knownBefore = knownId;
    }
    this.#known = identity;
    this.#isOther = false;
    return identity;
  }

  /** A ledger is created where none ever was; where this process has met one, its whole folder may be gone. */
  #create(): Identity {
    const { paths, host } = this.options;
    if (this.#known !== undefined) throw lostLedger(paths, 'this process');
    return createLedger(paths, host, { lock: defaultLock() });
  }
}

function closed(): LedgerError {
  return new LedgerError('CLOSED', 'expected an open ledger, found it closed');
}

/** The rows cannot be chained since nobody knows on what: they wait until the ledger is back. */
function spillUnknown(
  { paths, host, events }: WriterOptions,
  calls: readonly AppendCall[],
  error: LedgerError,
  knownId: string | undefined,
): Receipt[][] {
  // On the way to the spill file nothing may fail but the spill itself.
  const ledgerId = ledgerIdNow(paths, knownId) ?? orNothing(() => readLockNote(paths.lock)?.note['ledger_id']);
  const rows = calls.flatMap((call) => call.rows);
  const reason = {
    error,
    ledgerId: typeof ledgerId === 'string' ? ledgerId : null,
    attempt: undefined,
    onWriting: events.onWriting,
  };
  const sizes = calls.flatMap((call) => unitSizes(call, call.rows.length));
  const spilled = spillRows(paths, host, rows, reason, sizes);
  let next = 0;
  return calls.map((call) => call.rows.map(() => spilledReceipt(spilled, next++, error)));
}

function charsOf({ rows }: AppendCall): number {
  let chars = 0;
  for (const row of rows) chars += row.members.length;
  return chars;
}
