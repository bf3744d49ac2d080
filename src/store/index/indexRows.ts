/**
 * What the index keeps of a line. Nothing is verified here: a row counts when it is read and checked where it is used.
 *
 * `projectRows` walks whole, newline-terminated lines whose seq goes on from the last, and stops, saying where, at the
 * first line that is anything else: what lies behind damage is not projected before it is healed.
 */
import type { DigestRow } from '../../core/indexDigest';
import { CLOSE, OPEN, QUOTE } from '../../core/jsonBytes';
import { SlotReader } from '../../core/lineSlots';
import { completeObject } from '../../core/rowText';
import { momentIn } from '../../core/rowDigest';
import { scanLines } from '../read/lines';
import type { LineRange } from '../read/lines';

export interface IndexedRow extends DigestRow {
  /** The last seq that this line stands for: `seq`, but for a tombstone of several rows. */
  readonly lastSeq: number;
  /** 0 for the live file, else the number of a closed segment. */
  readonly segment: number;
  readonly hash: string;
  /** Where this row changed lines before it (a heal in the middle, a line set aside): its id, which the tombstone names. */
  readonly healsMiddle: string | undefined;
  /** Heal rows: the id. */
  readonly healId: string | undefined;
  /** Tombstones: the id of the heal row that they name. Rows that name lost ones: their own. */
  readonly gapOf: string | undefined;
  /** First rows of a segment: which ledger this is. */
  readonly ledgerId: string | undefined;
}

export type Projected =
  /** Everything up to the end, or up to a line that is not finished yet. */
  | { readonly kind: 'end'; readonly offset: number }
  /** `limit` rows were read; there may be more. */
  | { readonly kind: 'more'; readonly offset: number }
  /** The line at `offset` is not row `seq`. */
  | { readonly kind: 'blocked'; readonly offset: number; readonly seq: number };

export interface Range {
  readonly fromBytes: number;
  readonly toBytes: number;
  /** The seq of the first row; undefined takes whatever the first line says. */
  readonly firstSeq: number | undefined;
  readonly limit?: number;
}

/** Hands the rows of the live file in `[fromBytes, toBytes)` to `onRow`, in order. `fromBytes` must be the start of a line. */
export function projectRows(fd: number, range: Range, onRow: (row: IndexedRow) => void): Projected {
  let expected = range.firstSeq;
  let left = range.limit ?? Infinity;
  let result: Projected = { kind: 'end', offset: range.fromBytes };
  scanLines(fd, range.fromBytes, range.toBytes, (line) => {
    if (!line.terminated) return false;
    const row = line.cut ? undefined : projectLine(line, 0);
    if (row === undefined || (expected !== undefined && row.seq !== expected)) {
      result = { kind: 'blocked', offset: line.offset, seq: expected ?? 1 };
      return false;
    }
    onRow(row);
    expected = row.lastSeq + 1;
    const offset = line.offset + line.bytes + 1;
    left--;
    result = left === 0 ? { kind: 'more', offset } : { kind: 'end', offset };
    return left > 0;
  });
  return result;
}

type Where = Pick<LineRange, 'block' | 'start' | 'end' | 'offset' | 'bytes'>;

const NAMES = [
  'seq',
  'hash',
  'ts',
  'occurred_at',
  'action',
  'run_id',
  'run_seq',
  'decision_id',
  'decision_seq',
  'idempotency_key',
  'spill_id',
] as const;
const SLOT = Object.fromEntries(NAMES.map((name, slot) => [name, slot])) as Record<(typeof NAMES)[number], number>;
/** A line becomes no object: that took a fifth of the time of an index. */
const slots = new SlotReader(NAMES);

/** The projection of one line, or undefined where it is no row. */
export function projectLine(line: Where, segment: number): IndexedRow | undefined {
  // With white space around it a line is no row, for every reader.
  if (line.block[line.start] !== OPEN || line.block[line.end - 1] !== CLOSE) return undefined;
  if (!slots.find(line.block, line.start, line.end)) return undefined;
  const seq = slots.positive(SLOT.seq);
  const action = slots.string(SLOT.action);
  const hash = hashText();
  if (seq === undefined || action === null || hash === undefined) return undefined;
  const hashPrefix = hashPrefixOf(hash);
  if (Number.isNaN(hashPrefix)) return undefined;
  const own = action.startsWith('audit.');
  const row: IndexedRow = {
    seq,
    lastSeq: seq,
    segment,
    offset: line.offset,
    bytes: line.bytes,
    effectiveMs: momentOf(slots.has(SLOT.occurred_at) ? SLOT.occurred_at : SLOT.ts) ?? 0,
    hash,
    hashPrefix,
    runKey: own ? 0 : streamKey(SLOT.run_id, SLOT.run_seq),
    decisionKey: own ? 0 : streamKey(SLOT.decision_id, SLOT.decision_seq),
    idempotencyKey: slots.key(SLOT.idempotency_key),
    spillKey: slots.key(SLOT.spill_id),
    healsMiddle: undefined,
    healId: undefined,
    gapOf: undefined,
    ledgerId: undefined,
  };
  return own ? withOwnParts(row, action, line) : row;
}

const HASH_DIGITS = 64;

/** The first 12 hex digits of a hash as a number: 48 bits, which tell two rows apart. */
export function hashPrefixOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 12), 16);
}

/** 0 where the row is in no such stream. */
function streamKey(id: number, seq: number): number {
  return slots.positive(seq) === undefined ? 0 : slots.key(id);
}

function momentOf(slot: number): number | undefined {
  if (!slots.has(slot)) return undefined;
  const { raw, start, end } = slots.range(slot);
  return momentIn(raw, start, end);
}

/** No two rows have the same: not worth remembering, as `slots` does. */
function hashText(): string | undefined {
  const { raw, start, end } = slots.range(SLOT.hash);
  return raw[start] === QUOTE && end - start === HASH_DIGITS + 2
    ? raw.toString('latin1', start + 1, end - 1)
    : undefined;
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}

const HEALS: ReadonlySet<string> = new Set(['audit.heal-truncation', 'audit.set-aside']);

/** With what the index must know of the ledger's own rows, which are few: they are read in full. */
function withOwnParts(row: IndexedRow, action: string, line: Where): IndexedRow {
  const whole = completeObject(line.block.subarray(line.start, line.end)) ?? {};
  if (action === 'audit.tombstone') {
    const { heal_id: healId, last_seq: lastSeq } = whole;
    return {
      ...row,
      gapOf: typeof healId === 'string' ? healId : undefined,
      lastSeq: isSeq(lastSeq) && lastSeq >= row.seq ? lastSeq : row.seq,
    };
  }
  const { id, payload } = whole;
  const given = (typeof payload === 'object' && payload !== null ? payload : {}) as Record<string, unknown>;
  const ledgerId = given['ledger_id'];
  if (typeof ledgerId === 'string') return { ...row, ledgerId };
  if (action === 'audit.rows-lost' && typeof id === 'string') return { ...row, gapOf: id };
  if (!HEALS.has(action) || typeof id !== 'string') return row;
  // Only a heal that left a tombstone says how many rows it stands for. One of a spill file or an import is about another file.
  const replaced = given['missing'];
  const middle = typeof replaced === 'number' && replaced > 0 && given['source'] === undefined;
  return middle ? { ...row, healId: id, healsMiddle: id } : { ...row, healId: id };
}
