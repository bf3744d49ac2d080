/**
 * What the index keeps of a line. Nothing is verified here: a row counts when it is read and checked where it is used.
 *
 * `projectRows` walks whole, newline-terminated lines whose seq goes on from the last, and stops, saying where, at the
 * first line that is anything else: what lies behind damage is not projected before it is healed.
 */
import { costNanosOf, ROW_KINDS } from '../../core/costs';
import type { CostMember, RowKind } from '../../core/costs';
import { keyOf } from '../../core/indexDigest';
import type { DigestRow } from '../../core/indexDigest';
import { completeObject } from '../../core/rowText';
import { parseRfc3339 } from '../../core/time';
import { scanLines } from '../read/lines';
import type { LineRange } from '../read/lines';

export interface IndexedRow extends DigestRow, Readonly<Record<CostMember, string | null>> {
  readonly kind: RowKind;
  /** Places in the streams; 0 where the row is in none. */
  readonly runSeq: number;
  readonly decisionSeq: number;
  /** The last seq that this line stands for: `seq`, but for a tombstone of several rows. */
  readonly lastSeq: number;
  /** 0 for the live file, else the number of a closed segment. */
  readonly segment: number;
  readonly hash: string;
  /** Where this row changed lines before it (a heal in the middle, a line set aside): its id, which the tombstone names. */
  readonly healsMiddle: string | undefined;
  /** Heal rows: the id. */
  readonly healId: string | undefined;
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

/** The projection of one line, or undefined where it is no row. */
export function projectLine(line: Where, segment: number): IndexedRow | undefined {
  const bytes = line.block.subarray(line.start, line.end);
  const row = completeObject(bytes);
  if (row === undefined) return undefined;
  const { seq, action, hash } = row;
  if (!isSeq(seq) || typeof action !== 'string') return undefined;
  if (typeof hash !== 'string' || hash.length !== HASH_DIGITS) return undefined;
  const hashPrefix = hashPrefixOf(hash);
  if (Number.isNaN(hashPrefix)) return undefined;
  const kind = kindOf(action, row['provenance']);
  const inStreams = kind < ROW_KINDS.own;
  const run = inStreams ? streamPlace(row['run_id'], row['run_seq']) : NO_STREAM;
  const decision = inStreams ? streamPlace(row['decision_id'], row['decision_seq']) : NO_STREAM;
  const tsMs = momentOf(row['ts']) ?? 0;
  const own = inStreams ? NOTHING_OWN : ownParts(row, action, line.offset);
  return {
    seq,
    lastSeq: own.lastSeq ?? seq,
    segment,
    offset: line.offset,
    bytes: line.bytes,
    tsMs,
    effectiveMs: momentOf(row['occurred_at']) ?? tsMs,
    costNanos: costNanosOf(row['cost_usd']),
    kind,
    hash,
    hashPrefix,
    runKey: run.key,
    runSeq: run.seq,
    decisionKey: decision.key,
    decisionSeq: decision.seq,
    idempotencyKey: keyOfText(row['idempotency_key']),
    spillKey: keyOfText(row['spill_id']),
    agent: textOf(row['agent']),
    action,
    customer_id: textOf(row['customer_id']),
    model: textOf(row['model']),
    playbook: textOf(row['playbook']),
    run_id: textOf(row['run_id']),
    decision_id: textOf(row['decision_id']),
    order_id: textOf(row['order_id']),
    actor: textOf(row['actor']),
    outcome: textOf(row['outcome']),
    target: own.target ?? textOf(row['target']),
    healsMiddle: own.healsMiddle,
    healId: own.healId,
    ledgerId: own.ledgerId,
  };
}

const HASH_DIGITS = 64;

/** The first 12 hex digits of a hash as a number: 48 bits, which tell two rows apart. */
export function hashPrefixOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 12), 16);
}

function kindOf(action: string, provenance: unknown): RowKind {
  if (action.startsWith('audit.')) return action === 'audit.tombstone' ? ROW_KINDS.tombstone : ROW_KINDS.own;
  if (provenance === 'sample') return ROW_KINDS.sample;
  if (provenance === 'fallback') return ROW_KINDS.fallback;
  return provenance === 'imported' ? ROW_KINDS.imported : ROW_KINDS.live;
}

const NO_STREAM = { key: 0, seq: 0 };

function streamPlace(id: unknown, seq: unknown): { readonly key: number; readonly seq: number } {
  return typeof id === 'string' && isSeq(seq) ? { key: keyOf(id), seq } : NO_STREAM;
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}

function keyOfText(value: unknown): number {
  return typeof value === 'string' ? keyOf(value) : 0;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

interface OwnParts {
  readonly lastSeq?: number;
  readonly target?: string;
  readonly healsMiddle?: string;
  readonly healId?: string;
  readonly ledgerId?: string;
}

const NOTHING_OWN: OwnParts = {};
const HEALS: ReadonlySet<string> = new Set(['audit.heal-truncation', 'audit.set-aside']);

/** What the index must know of the ledger's own rows. */
function ownParts(row: Record<string, unknown>, action: string, offset: number): OwnParts {
  if (action === 'audit.tombstone') {
    const healId = row['heal_id'];
    const lastSeq = row['last_seq'];
    return {
      ...(typeof healId === 'string' ? { target: healId } : {}),
      ...(isSeq(lastSeq) && lastSeq >= (row['seq'] as number) ? { lastSeq } : {}),
    };
  }
  const payload = row['payload'];
  const given = (typeof payload === 'object' && payload !== null ? payload : {}) as Record<string, unknown>;
  const ledgerId = given['ledger_id'];
  if (typeof ledgerId === 'string') return { ledgerId };
  const id = row['id'];
  if (!HEALS.has(action) || typeof id !== 'string') return NOTHING_OWN;
  // A heal row stands where the torn tail stood (a byte later where only the newline was missing); else it is about the middle.
  const place = given['offset'];
  const middle = typeof place === 'number' && place < offset - 1 && given['kind'] !== 'junk';
  return middle ? { healId: id, healsMiddle: id } : { healId: id };
}

function momentOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseRfc3339(value) : undefined;
}
