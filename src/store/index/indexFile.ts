/**
 * `index.db`, opened: where the rows of a stream, of a key, of a seq lie. It is a projection: it may be deleted, lag or
 * be wrong, and nothing is lost by it. So what it names counts only after the line was read and agrees (indexRead.ts).
 *
 * A missing entry means that no such row is in the file up to the watermark: table and watermark change in one
 * transaction, and the journal and the file are synced in order (synchronous=FULL), so that a power cut leaves the old
 * index or the new one, never a watermark without its rows. A bulk build is synced before it gets its name.
 *
 * No file descriptor of index.db is opened and closed beside SQLite: POSIX would drop the locks of this process. Only
 * `readIndexHeader` does that, and only while no thread of this process has the index open.
 */
import { keyOf } from '../../core/indexDigest';
import { statOf } from '../files';
import { guarded, indexBusy, indexFailed, otherIndex } from './indexErrors';
import { APPLICATION_ID, LIVE_NAME, LIVE_SEGMENT, RowInserter } from './indexSchema';
import type { Database, SqlRow, SqlValue, Statement } from './sqlite';

export interface Watermark {
  /** The file that `offset` is in: `audit.jsonl`, or a closed segment, relative to the state folder. */
  readonly segment: string;
  /** Where the next line begins. */
  readonly offset: number;
  /** The last seq that is in (0: none), and the hash of that row. */
  readonly seq: number;
  readonly hash: string;
  /** Of the last heal row or line set aside that is in. */
  readonly healId: string | undefined;
  readonly ledgerId: string | undefined;
  /** `rows.seq` of the last row: `seq`, or less for a tombstone of several. */
  readonly rowSeq: number;
  /** The seq of the live file's first line. */
  readonly liveFirstSeq: number | undefined;
}

/** Where the index says a row lies. */
export interface RowPlace {
  readonly rowSeq: number;
  /** The file's name: `audit.jsonl`, or that of a closed segment, where `offset` counts uncompressed bytes. */
  readonly segment: string;
  readonly offset: number;
  /** Length of the line without its newline. */
  readonly bytes: number;
  /** The first 12 hex digits of its hash, as a number. */
  readonly hashPrefix: number;
}

export type StreamKind = 'run' | 'decision';

const PLACE = 'seq, segment, offset, bytes, hash_prefix';

const QUERIES = {
  watermark: 'SELECT * FROM watermark',
  row: `SELECT ${PLACE} FROM rows WHERE seq <= ? ORDER BY seq DESC LIMIT 1`,
  lastRow: `SELECT ${PLACE} FROM rows ORDER BY seq DESC LIMIT 1`,
  run: streamQuery('run'),
  decision: streamQuery('decision'),
  idempotency: `SELECT ${PLACE} FROM rows INDEXED BY rows_idempotency_key WHERE idempotency_key_key = ? AND idempotency_key_key <> 0 ORDER BY seq`,
  gap: 'SELECT seq FROM gaps WHERE seq = ?',
  anyGap: 'SELECT seq FROM gaps LIMIT 1',
  segment: 'SELECT name FROM segments WHERE segment = ?',
} as const;

function streamQuery(kind: StreamKind): string {
  return `SELECT ${PLACE} FROM rows INDEXED BY rows_${kind}
    WHERE ${kind}_key = ? AND ${kind}_key <> 0 AND seq < ? ORDER BY seq DESC LIMIT 1`;
}

export class LedgerIndex {
  readonly #statements = new Map<string, Statement>();
  #inserter: RowInserter | undefined;
  #closed = false;

  constructor(
    readonly database: Database,
    readonly path: string,
    private readonly inode: number,
  ) {}

  /** Whether this is an index of this version whose rows reach its watermark. */
  check(): void {
    const id = this.#get('PRAGMA application_id')?.['application_id'];
    if (id !== APPLICATION_ID) throw otherIndex(this.path, id);
    const { rowSeq, segment, offset } = this.watermark();
    const row = this.#get(QUERIES.lastRow);
    const last = row === undefined ? undefined : this.#place(row);
    if ((last?.rowSeq ?? 0) !== rowSeq)
      throw indexFailed(this.path, `rows up to ${last?.rowSeq ?? 0}, and a watermark of ${rowSeq}`);
    const end = last === undefined ? 0 : last.offset + last.bytes + 1;
    if (last?.segment === segment && end !== offset)
      throw indexFailed(this.path, `rows up to byte ${end}, and a watermark at byte ${offset}`);
  }

  /** Whether the path still holds this file; else it was rebuilt, or is gone. */
  get isInPlace(): boolean {
    return statOf(this.path)?.ino === this.inode;
  }

  /** Rows of one transaction after the other; its statements are prepared once. */
  get inserter(): RowInserter {
    this.#inserter ??= new RowInserter(this.database);
    return this.#inserter;
  }

  /** Throws INDEX_BUSY where the path holds another file by now. */
  checkInPlace(): void {
    if (!this.isInPlace) throw indexBusy(this.path, undefined);
  }

  watermark(): Watermark {
    const row = this.#get(QUERIES.watermark);
    if (row === undefined) throw indexFailed(this.path, 'no watermark');
    return {
      segment: String(row['segment']),
      offset: this.#count(row, 'offset'),
      seq: this.#count(row, 'seq'),
      hash: String(row['hash']),
      healId: textOrNone(row['heal_id']),
      ledgerId: textOrNone(row['ledger_id']),
      rowSeq: this.#count(row, 'row_seq'),
      liveFirstSeq: row['live_first_seq'] === null ? undefined : this.#count(row, 'live_first_seq'),
    };
  }

  /**
   * The last row before `beforeSeq`, up to the watermark, whose run or decision has the key of this id: of this stream, or
   * of another that shares its key. The line tells.
   */
  stream(kind: StreamKind, id: string, beforeSeq: number = Number.MAX_SAFE_INTEGER): RowPlace | undefined {
    const row = this.#get(QUERIES[kind], [keyOf(id), beforeSeq]);
    return row === undefined ? undefined : this.#place(row);
  }

  /** The rows that may have this idempotency key, the first one first: two keys may share an entry, the line tells. */
  idempotencyKey(key: string): RowPlace[] {
    return this.#all(QUERIES.idempotency, [keyOf(key)]).map((row) => this.#place(row));
  }

  /** The line that stands for `seq`: the row, or the tombstone that covers it. */
  row(seq: number): RowPlace | undefined {
    if (seq > this.watermark().seq) return undefined;
    const row = this.#get(QUERIES.row, [seq]);
    return row === undefined ? undefined : this.#place(row);
  }

  /** Whether any row up to the watermark is a tombstone or names rows that were lost. */
  hasGaps(): boolean {
    return this.#get(QUERIES.anyGap, []) !== undefined;
  }

  /** Whether this row, up to the watermark, is a tombstone or names rows that were lost. */
  isGap(seq: number): boolean {
    return this.#get(QUERIES.gap, [seq]) !== undefined;
  }

  /** May be called again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#statements.clear();
    this.#inserter = undefined;
    this.database.close();
  }

  #place(row: SqlRow): RowPlace {
    const segment = this.#count(row, 'segment');
    return {
      rowSeq: this.#count(row, 'seq'),
      segment: segment === LIVE_SEGMENT ? LIVE_NAME : String(this.#get(QUERIES.segment, [segment])?.['name']),
      offset: this.#count(row, 'offset'),
      bytes: this.#count(row, 'bytes'),
      hashPrefix: this.#count(row, 'hash_prefix'),
    };
  }

  /** SQLite checks neither its bytes nor, by itself, its types: one flipped bit makes a negative place, or text. */
  #count(row: SqlRow, name: string): number {
    const value = row[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw indexFailed(this.path, `${name} ${JSON.stringify(value)}`);
  }

  #get(sql: string, values: readonly SqlValue[] = []): SqlRow | undefined {
    return guarded(this.path, () => this.#prepared(sql).get(values));
  }

  /** All rows: an iterator that is left early would hold SQLite's lock until it is collected. */
  #all(sql: string, values: readonly SqlValue[]): SqlRow[] {
    return guarded(this.path, () => this.#prepared(sql).all(values));
  }

  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function textOrNone(value: SqlValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
