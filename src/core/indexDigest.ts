/**
 * A fingerprint of what the index holds, computed twice: row by row while a file is read, and by SQL over the tables.
 * Equal fingerprints mean that what the index answers from is what the file says.
 *
 *   rows  runRows  decisionRows  keyRows  spillRows     how many there are of each
 *   rowMix                                              place and time of every row, bound to that row's hash
 *   timeMix                                             the entries of the index over effective time, and where they lead
 *   runMix  decisionMix  keyMix  spillMix               the same of ids: a lost or changed entry changes the sum
 *
 * Every part is a sum, so that the order does not matter and parts of a file can be added up (`mergeDigests`). A row's
 * term in `rowMix` is (its hash's first 12 bits + 1) × (a linear mix of its numbers mod 16777213): below 2^37, so that
 * SQL's 64-bit sums hold 10^8 rows and a double holds each step exactly. It finds damage and mistakes of our own, not
 * forgery: who can write the index can write the file.
 */
import { storedString } from './json';

/** The numbers of one row. All are integers; 0 stands for "none". */
export interface DigestRow {
  /** For a tombstone of several rows: the first. */
  readonly seq: number;
  /** Where the line begins in its (uncompressed) segment, and its length without newline. */
  readonly offset: number;
  readonly bytes: number;
  /** `occurred_at`, else `ts`, ms since the epoch; 0 where it is not there (a tombstone) or cannot be read. */
  readonly effectiveMs: number;
  /** The first 12 hex digits of the row's hash, as a number. */
  readonly hashPrefix: number;
  /** `keyOf` of the id; 0 where the row is in no such stream, as the ledger's own rows are. */
  readonly runKey: number;
  readonly decisionKey: number;
  /** `keyOf` of `idempotency_key` and `spill_id`. */
  readonly idempotencyKey: number;
  readonly spillKey: number;
}

export interface IndexDigest {
  rows: number;
  runRows: number;
  decisionRows: number;
  keyRows: number;
  spillRows: number;
  rowMix: number;
  timeMix: number;
  runMix: number;
  decisionMix: number;
  keyMix: number;
  spillMix: number;
}

export const DIGEST_PARTS = [
  'rows',
  'runRows',
  'decisionRows',
  'keyRows',
  'spillRows',
  'rowMix',
  'timeMix',
  'runMix',
  'decisionMix',
  'keyMix',
  'spillMix',
] as const satisfies readonly (keyof IndexDigest)[];

/** Sums wrap here: a double holds them exactly. */
export const DIGEST_MODULUS = 2 ** 52;
/** The largest prime below 2^24. */
export const MIX_PRIME = 16777213;
/** Bits of a hash prefix below its first 12. */
export const PREFIX_LOW_BITS = 36;
const PREFIX_LOW = 2 ** PREFIX_LOW_BITS;

export function emptyDigest(): IndexDigest {
  return {
    rows: 0,
    runRows: 0,
    decisionRows: 0,
    keyRows: 0,
    spillRows: 0,
    rowMix: 0,
    timeMix: 0,
    runMix: 0,
    decisionMix: 0,
    keyMix: 0,
    spillMix: 0,
  };
}

/** Adds one row. The expressions are spelled again, in SQL, in store/index/indexCompare.ts. */
export function accumulate(digest: IndexDigest, row: DigestRow): void {
  const mix = remainder(row.hashPrefix + row.seq + 3 * row.offset + 5 * row.bytes + 7 * row.effectiveMs);
  digest.rows += 1;
  digest.rowMix = wrap(digest.rowMix + (Math.floor(row.hashPrefix / PREFIX_LOW) + 1) * mix);
  digest.timeMix = wrap(digest.timeMix + remainder(row.effectiveMs) + row.seq);
  if (row.runKey !== 0) {
    digest.runRows += 1;
    digest.runMix = wrap(digest.runMix + row.runKey + row.seq);
  }
  if (row.decisionKey !== 0) {
    digest.decisionRows += 1;
    digest.decisionMix = wrap(digest.decisionMix + row.decisionKey + row.seq);
  }
  if (row.idempotencyKey !== 0) {
    digest.keyRows += 1;
    digest.keyMix = wrap(digest.keyMix + row.idempotencyKey + row.seq);
  }
  if (row.spillKey !== 0) {
    digest.spillRows += 1;
    digest.spillMix = wrap(digest.spillMix + row.spillKey + row.seq);
  }
}

/** `sum % MIX_PRIME`, exact below 2^52 (the quotient needs 52 bits), and five times as fast as `%` of doubles. */
function remainder(sum: number): number {
  return sum - Math.trunc(sum / MIX_PRIME) * MIX_PRIME;
}

/** Sums of two parts of a ledger. */
export function mergeDigests(a: IndexDigest, b: IndexDigest): IndexDigest {
  const sum = emptyDigest();
  for (const part of DIGEST_PARTS) sum[part] = wrap(a[part] + b[part]);
  return sum;
}

/** Keeps the sign, as SQL's `%` does; `sameSum` knows. */
function wrap(sum: number): number {
  return sum >= DIGEST_MODULUS || sum <= -DIGEST_MODULUS ? sum % DIGEST_MODULUS : sum;
}

/** Whether two sums are the same modulo `DIGEST_MODULUS`. */
export function sameSum(a: number, b: number): boolean {
  return (a - b) % DIGEST_MODULUS === 0;
}

/**
 * A 32-bit key of an id: FNV-1a over the bytes that stand between the quotes in the stored line. Never 0. Two ids may
 * share one; the line tells (store/index/indexRead.ts).
 * @param bytes holds the id's stored spelling from `start` to `end`
 */
export function keyOfBytes(bytes: Uint8Array, start: number, end: number): number {
  let key = 0x811c9dc5;
  for (let i = start; i < end; i++) key = Math.imul(key ^ (bytes[i] as number), 0x01000193);
  return key >>> 0 || 1;
}

/** The key of an id that was read from a line, or is looked for. */
export function keyOf(id: string): number {
  let key = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) {
    const unit = id.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return keyOfSpelling(id);
    key = Math.imul(key ^ unit, 0x01000193);
  }
  return key >>> 0 || 1;
}

/** Ids with escapes or beyond ASCII: the stored spelling in UTF-8 is what is hashed. */
function keyOfSpelling(id: string): number {
  const spelling = Buffer.from(storedString(id));
  return keyOfBytes(spelling, 1, spelling.length - 1);
}
