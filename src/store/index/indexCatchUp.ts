/**
 * Bringing the index up to the file: whole lines from the watermark on, some thousand rows a transaction.
 *
 *   1. look first     is the watermark's row still there, with its hash? (indexRead.ts `standingOf`)
 *   2. BEGIN IMMEDIATE, and read the watermark again: another process may have gone on meanwhile
 *   3. insert rows, move the watermark and user_version
 *   4. COMMIT         all of it or nothing
 *
 * Needs no ledger lock, but for what it is told: where the committed lines end. Before that a line does not change but by
 * a heal, which voids the index. Behind it may stand a group that its writer cuts off again when the sync fails: an index
 * that has taken it in would be ahead of the file, and tell of rows that were never lost.
 */
import type { LedgerIndex, Watermark } from './indexFile';
import { guarded } from './indexErrors';
import { standingOf } from './indexRead';
import type { Standing } from './indexRead';
import { projectRows } from './indexRows';
import type { IndexedRow, Projected } from './indexRows';
import { LIVE_NAME } from './indexSchema';
import type { RowInserter } from './indexSchema';
import { sqliteFault } from './sqlite';
import type { Database } from './sqlite';

const ROWS_A_TRANSACTION = 10_000;

export type CaughtUp =
  /** Every whole line up to `sizeBytes` is in. */
  | { readonly kind: 'current'; readonly rows: number; readonly seq: number; readonly offset: number }
  /** The line at `offset` is not row `seq`: what comes after it is not in before it is healed. */
  | { readonly kind: 'blocked'; readonly rows: number; readonly seq: number; readonly offset: number }
  /** Another process holds SQLite's lock, or has put another index in its place; nothing more was stored. */
  | { readonly kind: 'busy' }
  | Extract<Standing, { readonly kind: 'ahead' }>
  | { readonly kind: 'disagrees'; readonly why: string };

export interface CatchUpOptions {
  /** Store only if SQLite's lock is free at once; else a writer waits up to 2 s for another. */
  readonly ifFree?: boolean;
  /** Stop after this many rows (rounded up to a transaction), as `current`. */
  readonly maxRows?: number;
}

/**
 * Catches up with the live file.
 * @param ledgerFd the ledger, open for reading
 * @param sizeBytes lines that end behind this are left: how far the file is known to be committed
 * @throws LedgerError INDEX_FAILED where the index is damaged, or was replaced meanwhile
 */
export function catchUp(
  index: LedgerIndex,
  ledgerFd: number,
  sizeBytes: number,
  options: CatchUpOptions = {},
): CaughtUp {
  return guarded(index.path, () => {
    const standing = standingOf(index, ledgerFd);
    // A heal has replaced the file and taken the index away since it was opened.
    if (standing.kind === 'disagrees' && !index.isInPlace) return { kind: 'busy' };
    if (standing.kind !== 'agrees') return standing;
    if (options.ifFree === true) index.database.exec('PRAGMA busy_timeout = 0');
    let rows = 0;
    for (;;) {
      const step = stepUnlessBusy(index, ledgerFd, sizeBytes);
      if (step.kind === 'busy' || step.kind === 'disagrees') return step;
      rows += step.rows;
      const { kind, seq, offset } = step;
      if (kind === 'blocked') return { kind, rows, seq, offset };
      if (kind === 'current' || rows >= (options.maxRows ?? Infinity)) return { kind: 'current', rows, seq, offset };
    }
  });
}

export type Advanced =
  | {
      readonly kind: 'current' | 'blocked' | 'more';
      readonly rows: number;
      readonly seq: number;
      readonly offset: number;
    }
  | { readonly kind: 'disagrees'; readonly why: string };

type Step = Advanced | { readonly kind: 'busy' };

function stepUnlessBusy(index: LedgerIndex, fd: number, sizeBytes: number): Step {
  try {
    return step(index, fd, sizeBytes);
  } catch (error) {
    if (sqliteFault(error) === 'busy') return { kind: 'busy' };
    throw error;
  }
}

/** One transaction. Nothing to do: none at all. */
function step(index: LedgerIndex, fd: number, sizeBytes: number): Step {
  const { database } = index;
  const before = index.watermark();
  if (before.offset >= sizeBytes && before.segment === LIVE_NAME)
    return { kind: 'current', rows: 0, seq: before.seq, offset: before.offset };
  database.exec('BEGIN IMMEDIATE');
  try {
    index.checkInPlace();
    const done = advance(index, index.watermark(), { fd, sizeBytes, limit: ROWS_A_TRANSACTION });
    if (done.kind === 'disagrees') database.exec('ROLLBACK');
    else database.exec('COMMIT');
    return done;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite has rolled back on its own; the first error is the one to tell.
  }
}

export interface Advance {
  readonly fd: number;
  readonly sizeBytes: number;
  readonly limit: number;
}

/** Inserts the rows after `from`, inside a transaction of the caller's, and moves the watermark. */
export function advance(index: LedgerIndex, from: Watermark, { fd, sizeBytes, limit }: Advance): Advanced {
  const start = from.segment === LIVE_NAME ? from.offset : 0;
  const mover = new WatermarkMover(index, from);
  const range = { fromBytes: start, toBytes: sizeBytes, firstSeq: from.seq === 0 ? undefined : from.seq + 1, limit };
  const projected = projectRows(fd, range, (row) => mover.add(row, LIVE_NAME));
  const why = mover.finish(projected.offset);
  if (why !== undefined) return { kind: 'disagrees', why };
  const { rows, seq } = mover;
  return { kind: STEP_KINDS[projected.kind], rows, seq, offset: projected.offset };
}

const STEP_KINDS: Readonly<Record<Projected['kind'], 'current' | 'blocked' | 'more'>> = {
  end: 'current',
  more: 'more',
  blocked: 'blocked',
};

/** Inserts rows and knows where the watermark comes to stand. */
export class WatermarkMover {
  readonly #inserter: RowInserter;
  readonly #healsMiddle: string[] = [];
  #last: IndexedRow | undefined;
  #segment: string;
  #healId: string | undefined;
  #ledgerId: string | undefined;
  #liveFirstSeq: number | undefined;
  rows = 0;

  constructor(
    private readonly index: LedgerIndex,
    private readonly from: Watermark,
  ) {
    this.#inserter = index.inserter;
    // Of a transaction that was rolled back.
    this.#inserter.clear();
    this.#segment = from.segment;
    this.#healId = from.healId;
    this.#ledgerId = from.ledgerId;
    this.#liveFirstSeq = from.liveFirstSeq;
  }

  get seq(): number {
    return this.#last?.lastSeq ?? this.from.seq;
  }

  add(row: IndexedRow, segment: string): void {
    this.#inserter.add(row);
    this.#last = row;
    this.#segment = segment;
    this.rows++;
    this.#ledgerId ??= row.ledgerId;
    if (segment === LIVE_NAME) this.#liveFirstSeq ??= row.seq;
    this.#healId = row.healId ?? this.#healId;
    // A first build reads the healed file from its start: the heal is in it.
    if (row.healsMiddle !== undefined && this.from.seq > 0) this.#healsMiddle.push(row.healsMiddle);
  }

  /**
   * Stores the watermark.
   * @returns why these rows must not be added: lines that are in were replaced since; undefined where all is well
   */
  finish(offset: number): string | undefined {
    this.#inserter.flush();
    for (const id of this.#healsMiddle) {
      const known = this.index.database.prepare('SELECT count(*) AS count FROM gaps WHERE heal_id = ?').get([id]);
      if (known?.['count'] === 0) return `lines that are in it were replaced by heal ${id}`;
    }
    if (this.#last === undefined) return undefined;
    this.#store(this.#last, offset);
    return undefined;
  }

  #store(last: IndexedRow, offset: number): void {
    this.index.database
      .prepare(
        'UPDATE watermark SET segment = ?, offset = ?, seq = ?, row_seq = ?, hash = ?, heal_id = ?, ledger_id = ?, live_first_seq = ?',
      )
      .run([
        this.#segment,
        offset,
        last.lastSeq,
        last.seq,
        last.hash,
        this.#healId ?? null,
        this.#ledgerId ?? null,
        this.#liveFirstSeq ?? null,
      ]);
    // The header's copy, read without SQLite. A signed 32-bit field, used as unsigned.
    this.index.database.exec(`PRAGMA user_version = ${last.lastSeq | 0}`);
  }
}
